import { rolloutSteps, type Config, type MirrorConfig, type RolloutConfig } from '@budao/model'
import { ReleaseCounters } from '../service/release-counters.ts'
import type { Shadow } from '../service/shadow.ts'
import { cellsOf, floatsOf } from '../threads/arena.ts'
import type { RuntimePlan } from '../threads/runtime.ts'
import { LiveShare } from './live-share.ts'

/** A release that is shown copies of what stable is asked, before it has any user: how many, and what both did with them. */
export interface ReleaseShadow {
  readonly release: string
  /** Of 10 000 requests, told by whoever rolls it out. */
  readonly share: LiveShare
  readonly shown: Shadow
  readonly own: Shadow
}

/** Who else than GET, HEAD and OPTIONS is asked twice does harm; what a mirror of a route has by default, this one has. */
export function shadowConfig(service: string): MirrorConfig {
  const methods = ['GET', 'HEAD', 'OPTIONS']
  return { service, basisPoints: 0, methods, bodyBytes: 65_536, timeout: 3_000, concurrency: 64 }
}

/** The name of the rollout of that route that shows copies; undefined where there is none. */
export function shadowedBy({ rollouts }: Config, route: string): string | undefined {
  return Object.keys(rollouts).find((name) => rollouts[name]!.route === route && mirrors(rollouts[name]!))
}

/** `worker`: of this thread; any where it only reads. */
export function releaseShadow(
  { layout }: Pick<RuntimePlan, 'layout'>,
  memory: Int32Array,
  rollout: string,
  release: string,
  worker: number,
): ReleaseShadow {
  const names = namesOf(rollout)
  const counters = (name: string): ReleaseCounters =>
    new ReleaseCounters(floatsOf(memory, layout, name), Math.max(0, worker))
  return {
    release,
    share: new LiveShare(cellsOf(memory, layout, names.share)),
    shown: { counters: counters(names.shown), isCopy: true },
    own: { counters: counters(names.own), isCopy: false },
  }
}

/** The shared memory of all of them, by name. */
export function shadowCells({ rollouts }: Config, workers: number): Map<string, number> {
  const cells = new Map<string, number>()
  for (const [name, rollout] of Object.entries(rollouts)) {
    if (!mirrors(rollout)) continue
    const { share, shown, own } = namesOf(name)
    cells.set(share, LiveShare.cellsFor())
    for (const each of [shown, own]) cells.set(each, 2 * ReleaseCounters.floatsFor(workers))
  }
  return cells
}

/** Whether some step of it shows copies. */
export function mirrors(rollout: RolloutConfig): boolean {
  return rolloutSteps(rollout).some(({ mirrorBasisPoints }) => mirrorBasisPoints > 0)
}

function namesOf(rollout: string): Readonly<Record<'share' | 'shown' | 'own', string>> {
  const base = `rollout-mirror/${rollout}`
  return { share: base, shown: `${base}/shown`, own: `${base}/own` }
}
