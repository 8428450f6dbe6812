import type { Sample } from './load.ts'
import { counts, failuresOf, latency, longestGap, olderEpochAccepted, outage, round } from './measures.ts'
import type { Latency, Outage, RequestCounts } from './measures.ts'
import type { WriteFate } from './writes.ts'

/** What the drill saw of its writes. */
export interface WritesEvidence {
  readonly samples: readonly Sample[]
  /** Of acknowledged writes; empty: nobody looked for them. */
  readonly fates: readonly WriteFate[]
  readonly startMs: number
  readonly endMs: number
  /** Gateways that writes went through. */
  readonly through: readonly string[]
}

export interface WritesReport {
  readonly requests: RequestCounts
  readonly failures: Readonly<Record<string, number>>
  /** Null: no write failed. */
  readonly outage: Outage | null
  /** The longest time in which no write was acknowledged. */
  readonly longestGapMs: number
  readonly latency: Latency
  /** Acknowledged writes that were looked for afterwards. */
  readonly checked: number
  /** Acknowledged, and nowhere found. */
  readonly lost: number
  /** Found at an endpoint, but not in what the gateway shows. */
  readonly keptElsewhere: number
  /** Somebody who might have it could not be asked. */
  readonly unknown: number
  /** Data loss: from the acknowledgement of the oldest lost write to the fault, or the newest lost one if that is later. Null: nobody looked. */
  readonly rpoMs: number | null
  /** In which writes were acknowledged, ascending; empty where nobody hands out epochs. */
  readonly epochs: readonly number[]
  /** The same of each unit, by name. */
  readonly units: readonly UnitEpochs[]
  /** Acknowledged writes of which the gateway said in which epoch it did them. */
  readonly named: number
  /** Gateways that writes went through. */
  readonly through: readonly string[]
  /** A write was acknowledged in an older epoch after one in a newer. Null: no epochs. */
  readonly olderEpochAccepted: boolean | null
}

/** How many writes of a unit were acknowledged in each epoch. */
export interface UnitEpochs {
  readonly unit: string
  readonly epochs: readonly { readonly epoch: number; readonly acknowledged: number }[]
}

export function writesReport(
  { samples, fates, startMs, endMs, through }: WritesEvidence,
  faultMs: number,
  slowMs: number,
): WritesReport {
  const of = (fate: WriteFate['fate']): readonly WriteFate[] => fates.filter((one) => one.fate === fate)
  const named = samples.filter(({ outcome, epoch }) => outcome === 'ok' && epoch !== undefined)
  const lost = of('lost').map(({ ackMs }) => ackMs)
  return {
    requests: counts(samples, slowMs),
    failures: failuresOf(samples),
    outage: outage(samples, faultMs),
    longestGapMs: round(longestGap(samples, startMs, endMs).ms),
    latency: latency(samples.filter(({ outcome }) => outcome === 'ok')),
    checked: fates.length,
    lost: lost.length,
    keptElsewhere: of('kept').length,
    unknown: of('unknown').length,
    rpoMs: fates.length === 0 ? null : lost.length === 0 ? 0 : lossMs(lost, faultMs),
    epochs: [...new Set(named.map(({ epoch }) => epoch!))].toSorted((a, b) => a - b),
    units: unitEpochs(named),
    named: named.length,
    through,
    olderEpochAccepted: olderEpochAccepted(samples),
  }
}

function unitEpochs(named: readonly Sample[]): readonly UnitEpochs[] {
  return [...Map.groupBy(named, ({ unit = '' }) => unit)]
    .map(([unit, writes]) => ({
      unit,
      epochs: [...Map.groupBy(writes, ({ epoch }) => epoch!)]
        .map(([epoch, each]) => ({ epoch, acknowledged: each.length }))
        .toSorted((a, b) => a.epoch - b.epoch),
    }))
    .toSorted((a, b) => (a.unit < b.unit ? -1 : 1))
}

function lossMs(lost: readonly number[], faultMs: number): number {
  return round(Math.max(faultMs, ...lost) - Math.min(...lost))
}
