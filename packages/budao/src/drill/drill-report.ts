import type { BudaoEvent, DrillScenario, EventKind } from '@budao/model'
import { adviceFor } from './advice.ts'
import type { Advice } from './advice.ts'
import type { DnsAnswers } from './dns-probe.ts'
import type { Sample } from './load.ts'
import {
  buckets,
  bucketWidth,
  counts,
  failuresOf,
  isFailure,
  latency,
  latencyOf,
  longestGap,
  outage,
  round,
} from './measures.ts'
import type { Bucket, Latency, Outage, RequestCounts } from './measures.ts'
import type { Scenario } from './scenario.ts'
import type { DrillMove } from './moves.ts'
import { invariantsOf, verdictOf } from './verdict.ts'
import type { Invariant, Verdict } from './verdict.ts'
import { writesReport } from './writes-report.ts'
import type { WritesEvidence, WritesReport } from './writes-report.ts'

/** What the drill saw. Times are milliseconds on the drill's own clock; events are dated by the machine's wall clock. */
export interface DrillEvidence {
  readonly id: string
  readonly scenario: Pick<Scenario, 'name' | 'mayFail'>
  readonly site: string
  readonly gateway: DrillReport['gateway']
  /** Of reads. */
  readonly samples: readonly Sample[]
  readonly writes: WritesEvidence | null
  /** Of DNS servers; null: none was asked. */
  readonly dns: readonly DnsAnswers[] | null
  readonly dnsSilenceMs: number | null
  /** Null: nothing moves units. */
  readonly moves: readonly DrillMove[] | null
  readonly home: boolean | null
  /** Units that were elsewhere at the end. */
  readonly away: readonly string[]
  readonly startMs: number
  /** When the schedule ended. */
  readonly endMs: number
  /** When the fault was put in force. */
  readonly killMs: number
  /** The wall clock at `killMs`, milliseconds since 1970. */
  readonly killWallMs: number
  /** What the fault met. */
  readonly hit: readonly string[]
  /** When the drill had taken the fault back; null: that is for whoever restarts processes. */
  readonly restoreMs: number | null
  readonly ended: DrillReport['ended']
  readonly endedBecause: string | null
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
  /** From the fault until every endpoint of the site was usable again; null: not within `returnWithinMs`. */
  readonly returnedMs: number | null
  readonly returnWithinMs: number
  /** Whether all endpoints are as they were before; null: nobody could say. */
  readonly restored: boolean | null
  readonly objectives: DrillReport['objectives']
}

/** The report, as `--json` and `DIR/ID.json` have it. Fields are only ever added within one `schema`. */
export interface DrillReport {
  readonly schema: 1
  /** Sorts by time, such as `20261126T031500Z-hang-east`. */
  readonly id: string
  readonly scenario: DrillScenario
  readonly site: string
  /** When the fault was put in force, ISO 8601 in UTC. */
  readonly at: string
  readonly gateway: { readonly node: string; readonly version: string }
  readonly verdict: Verdict
  /** `verdict` is passed. */
  readonly passed: boolean
  readonly invariants: readonly Invariant[]
  readonly advice: readonly Advice[]
  readonly ended: 'completed' | 'aborted' | 'interrupted'
  /** Why it ended early; null: it did not. */
  readonly endedBecause: string | null
  /** What the fault met: processes by name and number, or endpoints. */
  readonly hit: readonly string[]
  /** From the fault until the drill had taken it back; null: that is for whoever restarts processes. */
  readonly restoredAfterMs: number | null
  /** Whether all endpoints are as they were before; null: nobody could say. */
  readonly restored: boolean | null
  /** Of the service that was asked, from the configuration, or what stands in where it has none. */
  readonly objectives: { readonly rtoMs: number; readonly rpoMs: number | null; readonly configured: boolean }
  /** Given with --force. */
  readonly forceReason: string | null
  readonly durationMs: number
  /** From the start of the load. */
  readonly killedAfterMs: number
  /** Reads. */
  readonly requests: RequestCounts
  readonly slowMs: number
  /** Failed reads by kind. */
  readonly failures: Readonly<Record<string, number>>
  /** Of reads; null: none failed. */
  readonly outage: Outage | null
  /** Null: the drill did not write. */
  readonly writes: WritesReport | null
  /** What DNS servers answered while one was silent; null: none was asked. */
  readonly dns: readonly DnsAnswers[] | null
  /** The longest time in which no DNS server answered; null: none was asked. */
  readonly dnsSilenceMs: number | null
  /** How the right to write moved, in the order of time; null: nothing moves it here. */
  readonly moves: readonly DrillMove[] | null
  /** Whether every unit was at its site again at the end; null: nobody asked for that. */
  readonly home: boolean | null
  /** Units that were elsewhere at the end than before. */
  readonly away: readonly string[]
  /** The longest time in which no read was answered by a backend. */
  readonly longestGapMs: number
  /** When that gap began, from the fault; negative before it. */
  readonly longestGapAtMs: number
  /** How long the load generator itself was held up at worst: a gap below this may be its own. */
  readonly longestPauseMs: number
  readonly detect: {
    /** From the fault to the first event that takes an endpoint of the site out; null when there is none. */
    readonly firstMs: number | null
    /** From the fault until each endpoint of the site was out; null when one never was. */
    readonly allOutMs: number | null
    readonly endpoints: readonly EndpointOut[]
  }
  /**
   * From the fault to the end of the last disturbed read that was due before the site came back: one that failed,
   * was degraded or slow. 0 when none was.
   */
  readonly recoverMs: number
  /** Of answered reads, by when they ended: before the fault, until the site was out and users recovered, after. */
  readonly latency: { readonly before: Latency; readonly during: Latency; readonly after: Latency }
  /** By the gateway over the run, for all its clients; null: it did not say. */
  readonly retries: number | null
  readonly fallbacks: number | null
  /** From the fault until every endpoint of the site was usable again, to 0.1 s; null: not seen. */
  readonly returnedMs: number | null
  readonly returnWithinMs: number
  /** The run in stretches, by when requests ended. */
  readonly series: {
    readonly everyMs: number
    readonly reads: readonly Bucket[]
    readonly writes: readonly Bucket[] | null
  }
  /** What the gateway noticed and did from the fault on, about this site or as a whole. */
  readonly events: readonly DrillEvent[]
}

export interface EndpointOut {
  readonly address: string
  /** From the fault; null when the gateway never took it out. */
  readonly ms: number | null
  readonly by: EventKind | null
}

export interface DrillEvent {
  /** From the fault. */
  readonly ms: number
  readonly kind: EventKind
  readonly subject: string
  readonly message: string
  readonly evidence: BudaoEvent['evidence']
}

/** Events by which an endpoint stops getting traffic. */
const outKinds: readonly EventKind[] = ['endpoint.ejected', 'endpoint.unhealthy', 'breaker.opened']

/** Events are dated in whole milliseconds: the one that follows the fault at once may seem to precede it by one. */
const datingMs = 1

/** Pure: the same evidence gives the same report. */
export function drillReport(evidence: DrillEvidence): DrillReport {
  const { samples, killMs, startMs, endMs, slowMs, scenario } = evidence
  const events = eventsOf(evidence)
  const endpoints = evidence.endpoints.map((address) => whenOut(address, events))
  const outMs = endpoints.flatMap(({ ms }) => (ms === null ? [] : [ms]))
  const allOutMs = outMs.length > 0 && outMs.length === endpoints.length ? Math.max(...outMs) : null
  const recoverMs = whenRecovered(evidence)
  const answered = samples.filter((sample) => !isFailure(sample))
  const settledMs = killMs + Math.max(allOutMs ?? endMs - killMs, recoverMs)
  const gap = longestGap(samples, startMs, endMs)
  const everyMs = bucketWidth(endMs - startMs)

  const figures = {
    requests: counts(samples, slowMs),
    outage: outage(samples, killMs),
    longestGapMs: round(gap.ms),
    writes: evidence.writes === null ? null : writesReport(evidence.writes, killMs, slowMs),
    dns: evidence.dns,
    dnsSilenceMs: evidence.dnsSilenceMs,
    objectives: evidence.objectives,
    restored: evidence.restored,
    moves: evidence.moves,
    home: evidence.home,
    away: evidence.away,
    ended: evidence.ended,
  }
  const invariants = invariantsOf(figures, scenario.mayFail)
  const verdict = verdictOf(evidence.ended, invariants)
  const report: Omit<DrillReport, 'advice'> = {
    schema: 1,
    id: evidence.id,
    scenario: scenario.name,
    site: evidence.site,
    at: new Date(evidence.killWallMs).toISOString(),
    gateway: evidence.gateway,
    verdict,
    passed: verdict === 'passed',
    invariants,
    endedBecause: evidence.endedBecause,
    hit: evidence.hit,
    restoredAfterMs: evidence.restoreMs === null ? null : round(evidence.restoreMs - killMs),
    forceReason: evidence.forceReason,
    durationMs: round(endMs - startMs),
    killedAfterMs: round(killMs - startMs),
    ...figures,
    slowMs,
    failures: failuresOf(samples),
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
    series: {
      everyMs,
      reads: buckets(samples, startMs, endMs, everyMs),
      writes: evidence.writes === null ? null : buckets(evidence.writes.samples, startMs, endMs, everyMs),
    },
    events,
  }
  return { ...report, advice: adviceFor(report) }
}

function eventsOf(evidence: DrillEvidence): readonly DrillEvent[] {
  return evidence.events
    .map((event) => ({ ...event, ms: Date.parse(event.at) - evidence.killWallMs }))
    .filter((event) => event.ms >= -datingMs && concerns(event, evidence))
    .map(({ ms, kind, subject, message, evidence: numbers }) => ({
      ms: Math.max(0, ms),
      kind,
      subject,
      message,
      evidence: numbers,
    }))
}

/** Endpoint events of the other sites belong to somebody else's story; services and workers to everybody's. */
function concerns(event: BudaoEvent, { site, endpoints }: DrillEvidence): boolean {
  if (event.kind.startsWith('endpoint.')) return event.site === site || endpoints.includes(event.subject)
  return /^(breaker|service|worker|snapshot|gslb|failover|ownership|control|leader|switchover|site)\./.test(
    event.kind,
  )
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
