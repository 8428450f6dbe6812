import type { RouteReport } from '@budao/model'

/** The counters of all routes at one moment of this page. */
export interface Sample {
  /** Monotonic milliseconds. */
  readonly at: number
  readonly routes: readonly RouteReport[]
}

/** What one route's users got lately, per second. */
export interface RouteTraffic {
  readonly name: string
  readonly answers: number
  readonly errors: number
  readonly fallbacks: number
  readonly retries: number
}

/** How far back "lately" reaches, milliseconds. */
export const trafficWindowMs = 30_000

/** Adds a sample, drops what is older than the window, and begins anew when counters went back: a restart. */
export function addSample(samples: readonly Sample[], next: Sample): readonly Sample[] {
  const last = samples.at(-1)
  const restarted = next.routes.some((route) => {
    const before = last?.routes.find(({ name }) => name === route.name)
    return before !== undefined && before.requestsTotal > route.requestsTotal
  })
  if (restarted) return [next]
  return [...samples.filter(({ at }) => next.at - at <= trafficWindowMs), next]
}

/** The traffic between the oldest and the newest sample, or null while there is only one. */
export function traffic(samples: readonly Sample[]): readonly RouteTraffic[] | null {
  const first = samples[0]
  const last = samples.at(-1)
  if (first === undefined || last === undefined || last.at <= first.at) return null
  const seconds = (last.at - first.at) / 1_000
  return last.routes.map((route) => {
    const before = first.routes.find(({ name }) => name === route.name)
    const rate = (count: (route: RouteReport) => number): number =>
      (count(route) - (before === undefined ? 0 : count(before))) / seconds
    return {
      name: route.name,
      answers: rate(({ status }) => status['2xx'] + status['3xx'] + status['4xx'] + status['5xx']),
      errors: rate(({ status }) => status['5xx']),
      fallbacks: rate(({ fallbacks }) => fallbacks),
      retries: rate(({ retries }) => retries),
    }
  })
}
