import type { DrillsConfig, GatewayReport, RolloutReport } from '@budao/model'
import type { JournalEntry } from '../journal.ts'
import { blockedBy } from '../schedule/block-windows.ts'

/** One thing that is looked at before a release is made a bad one. */
export interface ReleaseCheck {
  readonly name:
    | 'last-drill-restored'
    | 'no-blocking-window'
    | 'rollout-at-rest'
    | 'release-usable'
    | 'stable-usable'
  readonly ready: boolean
  readonly found: string
  readonly todo: string
  readonly forceable: boolean
}

export interface ReleaseFacts {
  readonly rollout: RolloutReport
  readonly report: GatewayReport
  /** Names of the services behind its route. */
  readonly services: readonly string[]
  /** What a drill has left in the journal. */
  readonly left: JournalEntry | null
  readonly drills: Pick<DrillsConfig, 'blockWindows' | 'timezone'>
  /** Milliseconds since 1970. */
  readonly now: number
}

/** Whoever sent it back in the drill before. */
const drillSaid = /the drill is over|a drill: /

/** Pure. */
export function releaseReadiness(facts: ReleaseFacts): readonly ReleaseCheck[] {
  const { rollout, left, drills, now } = facts
  const { phase, why, release } = rollout
  const blocking = blockedBy(drills.blockWindows, drills.timezone, now)
  const [ofRelease, ofStable] = [usable(facts, release), usable(facts, 'stable')]
  const check = (
    name: ReleaseCheck['name'],
    ready: boolean,
    found: string,
    todo: string,
    forceable = false,
  ): ReleaseCheck => ({ name, ready, found, todo: ready ? '' : todo, forceable })
  return [
    check(
      'last-drill-restored',
      left === null,
      left === null ? 'nothing is left' : `${left.id} runs, or was broken off`,
      'wait for it, or budao drill restore',
    ),
    check(
      'no-blocking-window',
      blocking === null,
      blocking === null ? 'none now' : 'drills are blocked now',
      'wait until drills.blockWindows allows it',
      true,
    ),
    check(
      'rollout-at-rest',
      phase === null || phase === 'aborted',
      phase === null ? 'it was never started' : `it is ${phase}: ${why}`,
      phase === 'promoted'
        ? 'it has all users, and the drill would take them away: make it stable in the file first'
        : 'somebody releases just now: wait, or budao rollout abort',
    ),
    // What a verdict has found to be bad is not given users for a drill.
    check(
      'release-usable',
      ofRelease > 0 && (phase !== 'aborted' || drillSaid.test(why) || rollout.by !== 'verdict'),
      `${ofRelease} of its endpoints are usable${phase === 'aborted' ? `; sent back by ${rollout.by}: ${why}` : ''}`,
      'bring a good release up there, or say that it is one',
      ofRelease > 0,
    ),
    check(
      'stable-usable',
      ofStable > 0,
      `${ofStable} endpoints of stable are usable`,
      'whoever goes back needs somewhere to go',
    ),
  ]
}

function usable({ report, services }: ReleaseFacts, release: string): number {
  return report.services
    .filter(({ name }) => services.includes(name))
    .flatMap(({ endpoints }) => endpoints)
    .filter((endpoint) => endpoint.release === release && endpoint.state === 'usable').length
}
