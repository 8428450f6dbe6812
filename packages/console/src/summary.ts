import type { BudaoEvent, EventKind, GatewayReport } from '@budao/model'
import { whyOut } from './labels.ts'
import type { Tone } from './labels.ts'
import type { RouteTraffic } from './traffic.ts'
import type { Words } from './words.ts'

/** What a person on call reads first. */
export interface Summary {
  readonly tone: Tone
  readonly headline: string
  /** What is broken, the worst first; empty when nothing is. */
  readonly broken: readonly string[]
  /** Who notices. */
  readonly noticed: { readonly tone: Tone; readonly text: string }
  /** What was done without anybody asking, newest first. */
  readonly done: readonly BudaoEvent[]
}

const doneMax = 3
const doneAgeMaxMs = 15 * 60_000
const brokenMax = 6

/** Kinds of events that are a gateway's own doing. */
const ownDoing: ReadonlySet<EventKind> = new Set<EventKind>([
  'worker.crashed',
  'endpoint.healthy',
  'endpoint.unhealthy',
  'endpoint.ejected',
  'endpoint.returned',
  'lease.expired',
  'lease.kept',
  'dns.failed',
  'dns.recovered',
  'service.panic',
  'service.panic-ended',
  'breaker.opened',
  'breaker.half-open',
  'breaker.closed',
  'failover.advised',
  'failover.started',
  'failover.finished',
  'failover.rolled-back',
])

/** `others`: what else is broken, the worst first. */
export function summarise(
  report: GatewayReport,
  events: readonly BudaoEvent[],
  lately: readonly RouteTraffic[] | null,
  now: Date,
  words: Words,
  others: readonly string[] = [],
): Summary {
  const broken = [...others, ...brokenParts(report, words)]
  return {
    ...headline(report, broken.length, words),
    broken:
      broken.length > brokenMax
        ? [...broken.slice(0, brokenMax), words.more(broken.length - brokenMax)]
        : broken,
    noticed: noticed(report, lately, words),
    done: events
      .filter(({ kind, at }) => ownDoing.has(kind) && now.getTime() - Date.parse(at) < doneAgeMaxMs)
      .toSorted((a, b) => b.seq - a.seq)
      .slice(0, doneMax),
  }
}

function headline(report: GatewayReport, broken: number, words: Words): { tone: Tone; headline: string } {
  const servicesDown = report.services.filter(({ state }) => state === 'down').map(({ name }) => name)
  if (servicesDown.length > 0) return { tone: 'bad', headline: words.servicesDown(servicesDown) }
  const sitesDown = report.sites
    .filter(({ state, total }) => state === 'down' && total > 0)
    .map(({ name }) => name)
  if (sitesDown.length > 0) {
    const serving = report.sites.filter(({ usable }) => usable > 0).map(({ name }) => name)
    return { tone: 'warn', headline: words.sitesDown(sitesDown, serving) }
  }
  const degraded = report.services.filter(({ state }) => state === 'degraded').map(({ name }) => name)
  if (degraded.length > 0) return { tone: 'warn', headline: words.servicesDegraded(degraded) }
  if (report.state !== 'serving')
    return { tone: 'warn', headline: words.gatewayIs(words.states[report.state]) }
  if (broken > 0) return { tone: 'warn', headline: words.attention }
  return { tone: 'good', headline: words.allUp }
}

function brokenParts(report: GatewayReport, words: Words): string[] {
  const parts: string[] = []
  for (const service of report.services) {
    const out = service.endpoints.filter(({ state }) => state !== 'usable')
    for (const endpoint of out) {
      parts.push(
        words.endpointOut(
          endpoint.address,
          endpoint.site,
          words.states[endpoint.state],
          whyOut(endpoint, words),
        ),
      )
    }
    if (service.breaker.state !== 'closed') {
      parts.push(words.breakerIs(service.name, words.states[service.breaker.state]))
    }
    for (const { address, breaker, state } of service.endpoints) {
      // One line an endpoint is enough, unless a person has forced its breaker and may have forgotten.
      if (breaker.state.startsWith('forced') || (breaker.state !== 'closed' && state === 'usable')) {
        parts.push(words.breakerIs(address, words.states[breaker.state]))
      }
    }
    if (service.panic) parts.push(words.panic(service.name))
  }
  for (const { name, problem } of report.names)
    if (problem !== '') parts.push(words.notResolved(name, problem))
  for (const { id, state } of report.workers) if (state === 'crashed') parts.push(words.workerCrashed(id))
  if (report.refused !== null) parts.push(words.configRefused(report.snapshot.version))
  return parts
}

function noticed(
  report: GatewayReport,
  lately: readonly RouteTraffic[] | null,
  words: Words,
): { tone: Tone; text: string } {
  if (lately === null) return { tone: 'plain', text: words.measuring }
  const failing = lately.filter(({ errors }) => errors > 0).toSorted((a, b) => b.errors - a.errors)
  if (failing.length > 0) {
    const text = failing.map(({ name, errors, answers }) =>
      words.seeErrors(name, errors, (100 * errors) / answers),
    )
    return { tone: 'bad', text: text.join(words.semicolon) }
  }
  const falling = lately.filter(({ fallbacks }) => fallbacks > 0)
  if (falling.length > 0) {
    return {
      tone: 'warn',
      text: falling.map((one) => words.seeFallbacks(one.name, one.fallbacks)).join(words.semicolon),
    }
  }
  const retries = lately.reduce((sum, one) => sum + one.retries, 0)
  if (retries > 0) return { tone: 'good', text: words.hiddenByRetries(retries) }
  const idle = lately.every(({ answers }) => answers === 0) && report.requestsPerSecond === 0
  return idle ? { tone: 'plain', text: words.noTraffic } : { tone: 'good', text: words.nobody }
}
