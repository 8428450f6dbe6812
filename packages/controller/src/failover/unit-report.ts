import type { FailoverRun, ReturningSite, UnitReport } from '@budao/model'
import { rateLimitedMs } from './rate-limit.ts'
import type { Moment } from './unit-event.ts'
import type { UnitState } from './unit-state.ts'

/** A unit as people and programs see it. */
export function reportUnit(
  state: UnitState,
  moment: Moment,
  returning: readonly ReturningSite[] = [],
): UnitReport {
  const {
    rules,
    automation,
    term,
    leadsUntil,
    lease,
    sighting,
    explanation,
    verdicts,
    positions,
    drained,
    standbys,
  } = state
  return {
    unit: rules.unit,
    service: rules.service,
    automation,
    sites: rules.sites,
    leads: term !== null && moment.now < leadsUntil,
    term,
    epoch: lease?.value.epoch ?? null,
    owner: lease?.value.site ?? null,
    lease: lease?.value.state ?? null,
    leaseMs: lease?.value.ttlMs ?? rules.ttlMs,
    renewedMs: sighting === null ? null : moment.now - sighting.at,
    inSync: lease?.value.inSync ?? [],
    why: explanation,
    verdicts,
    positions,
    drained,
    standbys,
    returning,
    run: runSoFar(state),
    blockedMs: rateLimitedMs(state, moment),
  }
}

/** The journal has only steps of leaders of before: those of this one stand in its state until the run ends. */
function runSoFar({ run, stage, steps }: UnitState): FailoverRun | null {
  if (run === null || run === undefined) return null
  const { value } = run
  if (value.outcome !== null) return value
  return { ...value, step: stage?.step ?? value.step, steps: [...value.steps, ...steps] }
}
