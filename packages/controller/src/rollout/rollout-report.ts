import { rolloutSteps, type AnalysisReport, type RolloutConfig, type RolloutReport } from '@budao/model'
import { notMeasured } from '@budao/resilience'
import { isUnderWay } from './rollout-machine.ts'
import type { RolloutState } from './rollout-state.ts'

/** A rollout as people see it. `heard`: whoever looks after it was heard of lately. */
export function reportRollout(
  name: string,
  config: RolloutConfig,
  state: RolloutState | null,
  heard: boolean,
): RolloutReport {
  const { route, release, strategy, schema = null } = config
  const steps = rolloutSteps(config).length
  const analysis = analysisReports(config, state)
  const common = { name, route, release, steps, strategy, schema, analysis }
  if (state === null)
    return {
      ...common,
      phase: null,
      step: 0,
      basisPoints: 0,
      mirrorBasisPoints: 0,
      blocked: false,
      startedAt: null,
      stepAt: null,
      generation: 0,
      holder: null,
      by: '',
      why: 'not started',
      verdict: null,
    }
  const { phase, step, basisPoints, mirrorBasisPoints, blocked, generation, by, why, verdict } = state
  return {
    ...common,
    phase,
    step,
    basisPoints,
    mirrorBasisPoints,
    blocked,
    startedAt: new Date(state.startedAt).toISOString(),
    stepAt: new Date(state.stepAt).toISOString(),
    generation,
    holder: heard && isUnderWay(state) ? state.holder : null,
    by,
    why,
    verdict:
      verdict === null
        ? null
        : {
            kind: verdict.kind,
            cause: verdict.kind === 'pass' ? '' : verdict.cause,
            numbers: { ...verdict.numbers },
          },
  }
}

function analysisReports({ analysis }: RolloutConfig, state: RolloutState | null): AnalysisReport[] {
  return Object.entries(analysis).map(([name, { failures: failuresMax }]) => {
    const { at, ...found } = state?.analysis[name] ?? notMeasured
    return { name, failuresMax, at: at === null ? null : new Date(at).toISOString(), ...found }
  })
}
