import type { BudaoEvent, EventKind } from '@budao/model'
import type { Sample } from './load.ts'
import type { SiteProcess } from './site-processes.ts'

/** What the drill saw. Times are milliseconds on the drill's own clock; events are dated by the machine's wall clock. */
export interface DrillEvidence {
  readonly site: string
  readonly samples: readonly Sample[]
  readonly startMs: number
  /** When the schedule ended. */
  readonly endMs: number
  readonly killMs: number
  /** The wall clock at `killMs`, milliseconds since 1970. */
  readonly killWallMs: number
  readonly killed: readonly SiteProcess[]
  /** Why the last usable site might be lost; null: it was not the last, or nobody forced it. */
  readonly forceReason: string | null
  /** Addresses of the site's endpoints. */
  readonly endpoints: readonly string[]
  readonly events: readonly BudaoEvent[]
  /** An answer that takes longer is slow. */
  readonly slowMs: number
  readonly longestPauseMs: number
  /** Growth of the gateway's own counters over the run, other clients' requests included; null: it did not say. */
  readonly retries: number | null
  readonly fallbacks: number | null
  /** From the kill until every endpoint of the site was usable again; null: not within `returnWithinMs`. */
  readonly returnedMs: number | null
  readonly returnWithinMs: number
}

export interface DrillReport {
  readonly site: string
  /** No request failed. All of the drill's requests are GETs, so each of them could be tried again. */
  readonly passed: boolean
  readonly killed: readonly SiteProcess[]
  /** Given with --force. */
  readonly forceReason: string | null
  readonly durationMs: number
  /** From the start of the load. */
  readonly killedAfterMs: number
  readonly requests: {
    readonly sent: number
    /** By a backend, with 2xx or 3xx. */
    readonly ok: number
    /** By the gateway's fallback. */
    readonly degraded: number
    readonly failed: number
    /** Of those answered: took longer than `slowMs`. */
    readonly slow: number
  }
  readonly slowMs: number
  /** Failed requests by kind. */
  readonly failures: Readonly<Record<string, number>>
  /** The longest time in which no request was answered by a backend. */
  readonly longestGapMs: number
  /** When that gap began, from the kill; negative before it. */
  readonly longestGapAtMs: number
  /** How long the load generator itself was held up at worst: a gap below this may be its own. */
  readonly longestPauseMs: number
  readonly detect: {
    /** From the kill to the first event that takes an endpoint of the site out; null when there is none. */
    readonly firstMs: number | null
    /** From the kill until each endpoint of the site was out; null when one never was. */
    readonly allOutMs: number | null
    readonly endpoints: readonly EndpointOut[]
  }
  /**
   * From the kill to the end of the last disturbed request that was due before the site came back: one that failed,
   * was degraded or slow. 0 when none was.
   */
  readonly recoverMs: number
  /** Of answered requests, by when they ended: before the kill, until the site was out and users recovered, after. */
  readonly latency: { readonly before: Latency; readonly during: Latency; readonly after: Latency }
  /** By the gateway over the run, for all its clients; null: it did not say. */
  readonly retries: number | null
  readonly fallbacks: number | null
  /** From the kill until every endpoint of the site was usable again, to 0.1 s; null: not seen. */
  readonly returnedMs: number | null
  readonly returnWithinMs: number
  /** What the gateway noticed and did from the kill on, about this site or as a whole. */
  readonly events: readonly DrillEvent[]
}

export interface EndpointOut {
  readonly address: string
  /** From the kill; null when the gateway never took it out. */
  readonly ms: number | null
  readonly by: EventKind | null
}

/** Milliseconds; null without requests. */
export interface Latency {
  readonly requests: number
  readonly p50: number | null
  readonly p99: number | null
  readonly max: number | null
}

export interface DrillEvent {
  /** From the kill. */
  readonly ms: number
  readonly kind: EventKind
  readonly subject: string
  readonly message: string
  readonly evidence: BudaoEvent['evidence']
}

/** Events by which an endpoint stops getting traffic. */
const outKinds: readonly EventKind[] = ['endpoint.ejected', 'endpoint.unhealthy', 'breaker.opened']

/** Events are dated in whole milliseconds: the one that follows the kill at once may seem to precede it by one. */
const datingMs = 1

/** Pure: the same evidence gives the same report. */
export function drillReport(evidence: DrillEvidence): DrillReport {
  const { samples, killMs, startMs, endMs, slowMs } = evidence
  const events = evidence.events
    .map((event) => ({ ...event, ms: Date.parse(event.at) - evidence.killWallMs }))
    .filter((event) => event.ms >= -datingMs && concerns(event, evidence))
    .map(({ ms, kind, subject, message, evidence: numbers }) => ({
      ms: Math.max(0, ms),
      kind,
      subject,
      message,
      evidence: numbers,
    }))
  const endpoints = evidence.endpoints.map((address) => whenOut(address, events))
  const outMs = endpoints.flatMap(({ ms }) => (ms === null ? [] : [ms]))
  const allOutMs = outMs.length > 0 && outMs.length === endpoints.length ? Math.max(...outMs) : null
  const recoverMs = whenRecovered(evidence)

  const answered = samples.filter(({ outcome }) => outcome === 'ok' || outcome === 'degraded')
  const settledMs = killMs + Math.max(allOutMs ?? endMs - killMs, recoverMs)
  const gap = longestGap(samples, startMs, endMs)
  const failures = tally(samples.filter(isFailure))
  const failed = Object.values(failures).reduce((sum, count) => sum + count, 0)
  return {
    site: evidence.site,
    passed: failed === 0 && samples.length > 0,
    killed: evidence.killed,
    forceReason: evidence.forceReason,
    durationMs: round(endMs - startMs),
    killedAfterMs: round(killMs - startMs),
    requests: {
      sent: samples.length,
      ok: samples.filter(({ outcome }) => outcome === 'ok').length,
      degraded: samples.filter(({ outcome }) => outcome === 'degraded').length,
      failed,
      slow: answered.filter((sample) => latencyOf(sample) > slowMs).length,
    },
    slowMs,
    failures,
    longestGapMs: round(gap.ms),
    longestGapAtMs: round(gap.atMs - killMs),
    longestPauseMs: round(evidence.longestPauseMs),
    detect: { firstMs: outMs.length === 0 ? null : Math.min(...outMs), allOutMs, endpoints },
    recoverMs: round(recoverMs),
    latency: {
      before: latency(answered.filter((sample) => sample.endMs < killMs)),
      during: latency(answered.filter((sample) => sample.endMs >= killMs && sample.dueMs < settledMs)),
      after: latency(answered.filter((sample) => sample.dueMs >= settledMs)),
    },
    retries: evidence.retries,
    fallbacks: evidence.fallbacks,
    returnedMs: evidence.returnedMs === null ? null : Math.round(evidence.returnedMs),
    returnWithinMs: evidence.returnWithinMs,
    events,
  }
}

function isFailure({ outcome }: Sample): boolean {
  return outcome !== 'ok' && outcome !== 'degraded'
}

function latencyOf({ dueMs, endMs }: Sample): number {
  return endMs - dueMs
}

/** Endpoint events of the other sites belong to somebody else's story; services and workers to everybody's. */
function concerns(event: BudaoEvent, { site, endpoints }: DrillEvidence): boolean {
  if (event.kind.startsWith('endpoint.')) return event.site === site || endpoints.includes(event.subject)
  return /^(breaker|service|worker|snapshot)\./.test(event.kind)
}

function whenOut(address: string, events: readonly DrillEvent[]): EndpointOut {
  const out = events.find(({ kind, subject }) => subject === address && outKinds.includes(kind))
  return { address, ms: out?.ms ?? null, by: out?.kind ?? null }
}

function whenRecovered({ samples, killMs, slowMs, returnedMs }: DrillEvidence): number {
  const backMs = returnedMs === null ? Infinity : killMs + returnedMs
  let lastMs = killMs
  for (const sample of samples) {
    if (sample.endMs < killMs || sample.dueMs >= backMs) continue
    if (sample.outcome !== 'ok' || latencyOf(sample) > slowMs) lastMs = Math.max(lastMs, sample.endMs)
  }
  return lastMs - killMs
}

/** Start and end of the run count as successes: otherwise a run without any would have no gap. */
function longestGap(
  samples: readonly Sample[],
  startMs: number,
  endMs: number,
): { ms: number; atMs: number } {
  const ends = samples.filter(({ outcome }) => outcome === 'ok').map((sample) => sample.endMs)
  ends.sort((a, b) => a - b)
  let longest = { ms: 0, atMs: startMs }
  let lastMs = startMs
  for (const at of [...ends.filter((end) => end < endMs), endMs]) {
    if (at - lastMs > longest.ms) longest = { ms: at - lastMs, atMs: lastMs }
    lastMs = at
  }
  return longest
}

function tally(samples: readonly Sample[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { outcome } of samples) counts[outcome] = (counts[outcome] ?? 0) + 1
  return counts
}

/** Nearest rank: a value that was measured, never one between two. */
function latency(samples: readonly Sample[]): Latency {
  const sorted = Float64Array.from(samples, latencyOf).toSorted()
  const rank = (share: number): number | null => {
    const value = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]
    return value === undefined ? null : round(value)
  }
  return { requests: sorted.length, p50: rank(0.5), p99: rank(0.99), max: rank(1) }
}

/** To 10 µs: more digits say nothing. */
function round(ms: number): number {
  return Math.round(ms * 100) / 100
}
