import type { DrillReport } from '../drill-report.ts'
import { momentsOfMoves } from './moves.ts'
import { t } from './text.ts'
import type { Bilingual } from './text.ts'

/** Something that happened once, from the fault in milliseconds. */
export interface Moment {
  readonly ms: number
  readonly kind: 'plain' | 'fault' | 'bad' | 'noticed' | 'good'
  readonly text: Bilingual
}

/** What a reader has to know of the run, in order. */
export function momentsOf(report: DrillReport): readonly Moment[] {
  const { outage, writes, detect, restoredAfterMs, returnedMs, durationMs, killedAfterMs } = report
  const moments: Moment[] = [
    {
      ms: -killedAfterMs,
      kind: 'plain',
      text: t('The load begins; everything is well.', '开始施加负载，一切正常。'),
    },
    { ms: 0, kind: 'fault', text: t('The fault is in force.', '故障生效。') },
    ...failing(
      outage,
      t('The first read fails.', '首个读请求失败。'),
      t('The last read that failed has ended.', '最后一个失败的读请求结束。'),
    ),
    ...failing(
      writes?.outage ?? null,
      t('The first write fails.', '首个写请求失败。'),
      t('The last write that failed has ended.', '最后一个失败的写请求结束。'),
    ),
    ...(detect.firstMs === null
      ? []
      : [
          {
            ms: detect.firstMs,
            kind: 'noticed' as const,
            text: t('The gateway takes the first endpoint out.', '网关摘除首个端点。'),
          },
        ]),
    ...(detect.allOutMs === null || detect.endpoints.length < 2
      ? []
      : [
          {
            ms: detect.allOutMs,
            kind: 'noticed' as const,
            text: t('The whole site is out of the traffic.', '整个站点已从流量中摘除。'),
          },
        ]),
    ...momentsOfMoves(report),
    ...(restoredAfterMs === null
      ? []
      : [
          {
            ms: restoredAfterMs,
            kind: 'fault' as const,
            text:
              report.ended === 'completed'
                ? t('The fault is taken back.', '故障撤除。')
                : t('The fault is taken back early.', '故障提前撤除。'),
          },
        ]),
    ...(returnedMs === null
      ? []
      : [
          {
            ms: returnedMs,
            kind: 'good' as const,
            text: t('Every endpoint of the site serves again.', '该站点全部端点恢复服务。'),
          },
        ]),
    { ms: durationMs - killedAfterMs, kind: 'plain', text: t('The load ends.', '负载结束。') },
  ]
  return moments.toSorted((a, b) => a.ms - b.ms)
}

function failing(outage: DrillReport['outage'], first: Bilingual, last: Bilingual): Moment[] {
  if (outage === null) return []
  const { firstFailureMs, rtoMs } = outage
  return [
    { ms: Math.max(0, firstFailureMs), kind: 'bad', text: first },
    { ms: firstFailureMs + rtoMs, kind: 'good', text: last },
  ]
}
