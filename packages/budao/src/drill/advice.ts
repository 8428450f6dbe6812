import type { DrillReport } from './drill-report.ts'

/** What could be better, as a word that the report has a sentence for. */
export const adviceWords = [
  'writes-lost',
  'older-epoch',
  'not-restored',
  'not-home',
  'never-out',
  'slow-recovery',
  'reads-failed',
  'writes-failed',
  'kept-elsewhere',
  'unknown-writes',
  'many-slow',
  'fallback-used',
  'no-writes',
  'no-read-back',
  'no-objectives',
  'generator-paused',
] as const

/** One of `adviceWords`. */
export type Advice = (typeof adviceWords)[number]

/** From here on the generator's own pauses may be what a gap shows. */
const pauseMs = 100
const slowShareMax = 0.02

/** In order of weight. Empty: nothing to improve was seen. */
export function adviceFor(report: Omit<DrillReport, 'advice'>): readonly Advice[] {
  const { writes, requests, outage, objectives, detect, restored, latency, longestPauseMs } = report
  const rtoMs = Math.max(outage?.rtoMs ?? 0, writes?.outage?.rtoMs ?? 0)
  const during = latency.during
  const found: (Advice | false)[] = [
    (writes?.lost ?? 0) > 0 && 'writes-lost',
    writes?.olderEpochAccepted === true && 'older-epoch',
    restored === false && 'not-restored',
    report.away.length > 0 && 'not-home',
    takesEndpointsOut(report) && detect.allOutMs === null && 'never-out',
    rtoMs > objectives.rtoMs && 'slow-recovery',
    requests.failed > 0 && 'reads-failed',
    (writes?.requests.failed ?? 0) > 0 && 'writes-failed',
    (writes?.keptElsewhere ?? 0) > 0 && 'kept-elsewhere',
    (writes?.unknown ?? 0) > 0 && 'unknown-writes',
    during.requests > 0 && requests.slow / requests.sent > slowShareMax && 'many-slow',
    requests.degraded > 0 && 'fallback-used',
    writes === null && 'no-writes',
    writes !== null && writes.checked === 0 && writes.requests.ok > 0 && 'no-read-back',
    !objectives.configured && 'no-objectives',
    longestPauseMs > pauseMs && 'generator-paused',
  ]
  return found.filter((one) => one !== false)
}

/** Slowness, and what happens to controllers, their links or DNS, are no reasons to take an endpoint out. */
export function takesEndpointsOut({ scenario }: Pick<DrillReport, 'scenario'>): boolean {
  const none: readonly DrillReport['scenario'][] = [
    ...([
      'slow-backend',
      'controller-loss',
      'leader-loss',
      'control-partition',
      'control-one-way',
      'dns-loss',
    ] as const),
  ]
  return !none.includes(scenario)
}
