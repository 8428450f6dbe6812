import { setTimeout as sleep } from 'node:timers/promises'
import type { SiteDrainReport } from '@budao/model'
import { CliError } from '../cli-error.ts'
import { AdminRefusal } from '../drill/admin-api.ts'
import { isFailoverOff, type FailoverApi } from './failover-api.ts'
import { span } from './move-text.ts'

const askEveryMs = 150

/** What a person says with a drain. */
export interface UnitDrainWish {
  readonly reason: string | undefined
  readonly by: string
  readonly force: boolean
}

/** Whether the process that is asked decides about failover, and has units. */
export async function hasUnits(api: FailoverApi): Promise<boolean> {
  try {
    return (await api.overview()).units.length > 0
  } catch (error) {
    if (isFailoverOff(error)) return false
    throw error
  }
}

/**
 * Moves every unit away from a site, and follows the moves to their end: only then may its traffic be taken away. Throws
 * CliError where it is refused, a move failed, or the time is over.
 */
export async function drainUnits(
  api: FailoverApi,
  site: string,
  { reason, by, force }: UnitDrainWish,
  { timeoutMs, print }: { readonly timeoutMs: number; readonly print: (line: string) => void },
): Promise<SiteDrainReport> {
  if (reason === undefined) {
    throw new CliError(
      '--reason is needed: services are moved away from the site, which goes to the audit log',
      2,
    )
  }
  const until = performance.now() + timeoutMs
  const shown = new Map<string, string>()
  let { drain } = await api.drainSite(site, { reason, by, ...(force ? { force } : {}) })
  for (;;) {
    for (const { unit, to, state, why } of drain.moves) {
      if (shown.get(unit) === state) continue
      shown.set(unit, state)
      const words = {
        waiting: 'waits for its turn',
        moving: 'on its way',
        moved: 'is there',
        failed: `failed: ${why}`,
      }
      print(`${unit} → ${to}: ${words[state]}`)
    }
    if (drain.state === 'drained') return drain
    if (drain.state === 'stuck') {
      const left = drain.moves.filter(({ state }) => state === 'failed').map(({ unit }) => unit)
      throw new CliError(
        `${site}: ${left.join(', ')} still there, so its traffic is left as it is; drain it again to try once more`,
      )
    }
    if (performance.now() > until) {
      throw new CliError(
        `${site}: not every service has moved after ${span(timeoutMs)}; the moves go on, its traffic is left as it is`,
      )
    }
    await sleep(askEveryMs)
    drain = await next(api, site, drain)
  }
}

/** Lets units come to the site again; says whether it was drained of them. */
export async function undrainUnits(
  api: FailoverApi,
  site: string,
  by: string,
  reason: string,
): Promise<boolean> {
  try {
    await api.undrainSite(site, { by, reason })
    return true
  } catch (error) {
    if (error instanceof AdminRefusal && error.body.error === 'wish-refused') return false
    throw error
  }
}

/** A controller that does not answer for a while is asked on: its successor goes on with the drain. */
async function next(api: FailoverApi, site: string, before: SiteDrainReport): Promise<SiteDrainReport> {
  try {
    return (await api.drain(site)) ?? before
  } catch (error) {
    if (error instanceof AdminRefusal || !(error instanceof CliError)) throw error
    return before
  }
}
