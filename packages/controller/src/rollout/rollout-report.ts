import type { RolloutConfig, RolloutReport } from '@budao/model'
import { isUnderWay } from './rollout-machine.ts'
import type { RolloutState } from './rollout-state.ts'

/** A rollout as people see it. `heard`: whoever looks after it was heard of lately. */
export function reportRollout(
  name: string,
  { route, release, steps }: RolloutConfig,
  state: RolloutState | null,
  heard: boolean,
): RolloutReport {
  const common = { name, route, release, steps: steps.length }
  if (state === null)
    return {
      ...common,
      phase: null,
      step: 0,
      basisPoints: 0,
      startedAt: null,
      stepAt: null,
      generation: 0,
      holder: null,
      by: '',
      why: 'not started',
      verdict: null,
    }
  const { phase, step, basisPoints, generation, by, why, verdict } = state
  return {
    ...common,
    phase,
    step,
    basisPoints,
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
