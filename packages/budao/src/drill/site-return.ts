import { setTimeout as sleep } from 'node:timers/promises'
import type { GatewayReport } from '@budao/model'
import { CliError } from '../cli-error.ts'
import type { GatewayWitness } from './admin-api.ts'

/** State of every endpoint of every service, by a name of its own. */
export type EndpointStates = Readonly<Record<string, string>>

export function statesOf({ services }: Pick<GatewayReport, 'services'>): EndpointStates {
  return Object.fromEntries(
    services.flatMap(({ name, endpoints }) =>
      endpoints.map(({ address, state }) => [`${name} ${address}`, state]),
    ),
  )
}

/** Whether a drill left everything as it was. */
export function sameStates(before: EndpointStates, after: EndpointStates): boolean {
  const names = Object.keys(before)
  return names.length === Object.keys(after).length && names.every((name) => before[name] === after[name])
}

/** True when every endpoint of the site gets traffic. */
export function siteIsUp(report: GatewayReport, site: string): boolean {
  const endpoints = report.services.flatMap((service) => service.endpoints).filter((one) => one.site === site)
  return endpoints.length > 0 && endpoints.every(({ state }) => state === 'usable')
}

/**
 * Asks again and again until the site is up; with `mustFall`, until it was seen down and then up, since what was just killed may
 * still look well. Resolves with the time of that answer by `now`, or null when `signal` ends it first. An admin API that
 * does not answer for a while is asked on.
 */
export async function whenWhole(
  witness: Pick<GatewayWitness, 'status'>,
  site: string,
  {
    now,
    everyMs,
    signal,
    mustFall,
  }: { now: () => number; everyMs: number; signal: AbortSignal; mustFall: boolean },
): Promise<number | null> {
  let mayBeBack = !mustFall
  while (!signal.aborted) {
    try {
      const up = siteIsUp(await witness.status(), site)
      if (up && mayBeBack) return now()
      mayBeBack ||= !up
    } catch (error) {
      // The next answer decides: who watches a failure must outlast one.
      if (!(error instanceof CliError)) throw error
    }
    await sleep(everyMs, undefined, { signal }).catch(() => {})
  }
  return null
}
