import type { DrillReport } from '../drill-report.ts'
import type { DrillMove } from '../moves.ts'
import type { Bucket } from '../measures.ts'
import type { Moment } from './moments.ts'
import { escapeHtml, number, since, t, time } from './text.ts'
import type { Bilingual } from './text.ts'

const width = 1000
const height = 120
/** Markers nearer than this share of the picture stand below one another. */
const apartPercent = 3.2
const rowsMax = 4

/** The run as a picture: requests by outcome, slowest answers, and what happened when. Time runs on the same scale in all. */
export function timeline(report: DrillReport, moments: readonly Moment[]): string {
  const { series, killedAfterMs, durationMs } = report
  const fromMs = -killedAfterMs
  const endMs = Math.max(
    durationMs - killedAfterMs,
    ...moments.map(({ ms }) => (ms < durationMs * 3 ? ms : -Infinity)),
  )
  const at = (ms: number): number => ((ms - fromMs) / (endMs - fromMs)) * 100
  const faultEnd = report.restoredAfterMs ?? report.returnedMs ?? endMs
  const shade = `<rect class="shade" x="${fix(at(0) * 10)}" y="0" width="${fix((Math.min(100, at(faultEnd)) - at(0)) * 10)}" height="${height}"/>`
  const lane = (name: Bilingual, buckets: readonly Bucket[]): string => {
    const most = Math.max(1, ...buckets.map((one) => one.ok + one.degraded + one.failed))
    const bars = buckets.map((bucket, index) =>
      bar(bucket, at(fromMs + index * series.everyMs), at(fromMs + (index + 1) * series.everyMs), most),
    )
    return chart(
      name,
      `${shade}${bars.join('')}`,
      t(`${number(most)} in ${time(series.everyMs)}`, `每 ${time(series.everyMs)} ${number(most)} 个`),
    )
  }
  const slowest = Math.max(1, ...series.reads.map(({ maxMs }) => maxMs ?? 0))
  const line = series.reads
    .flatMap(({ maxMs }, index) =>
      maxMs === null
        ? []
        : [
            `${fix(at(fromMs + (index + 0.5) * series.everyMs) * 10)},${fix(height - (maxMs / slowest) * (height - 6))}`,
          ],
    )
    .join(' ')
  return `<div class="timeline">
${lane(t('Reads', '读请求'), series.reads)}
${series.writes === null ? '' : lane(t('Writes', '写请求'), series.writes)}
${chart(t('Slowest read', '最慢读请求'), `${shade}<polyline class="latency" points="${line}"/>`, t(time(slowest), time(slowest)))}
${ownerLanes(report.moves ?? [], at)}
${axis(fromMs, endMs, at)}
${markers(moments, at)}
</div>`
}

/** Whose each unit was that moved, by its record; where there is a gap, nobody’s. */
function ownerLanes(moves: readonly DrillMove[], at: (ms: number) => number): string {
  const units = Map.groupBy(
    moves.filter(({ outcome }) => outcome === 'done'),
    ({ unit }) => unit,
  )
  const lanes = [...units].map(([unit, each]) => {
    const sites = [...new Set(each.flatMap(({ from, to }) => [from, to]))]
    let left = 0
    const parts = each.map(({ from, steps, beganMs, to }, index) => {
      const until = at(steps.find(({ step }) => step === 'fencing')?.ms ?? beganMs)
      const part = owned(from, sites.indexOf(from), left, until)
      left = at(steps.at(-1)?.ms ?? beganMs)
      return part + (index === each.length - 1 ? owned(to, sites.indexOf(to), left, 100) : '')
    })
    const name = t(`Owner of ${unit}`, `${unit} 的归属`)
    return `<figure><figcaption><b>${name}</b></figcaption><div class="owners">${parts.join('')}</div></figure>`
  })
  return lanes.join('\n')
}

function owned(site: string, colour: number, from: number, to: number): string {
  const [left, right] = [Math.max(0, from), Math.min(100, to)]
  if (right <= left) return ''
  return `<span class="site${colour % 3}" style="left:${fix(left)}%;width:${fix(right - left)}%">${escapeHtml(site)}</span>`
}

function bar({ ok, degraded, failed }: Bucket, from: number, to: number, most: number): string {
  let y = height
  const part = (count: number, name: string): string => {
    if (count === 0) return ''
    // One request in a thousand must be seen, if it failed.
    const tall = Math.max((count / most) * (height - 6), name === 'failed' ? 4 : 0)
    y -= tall
    return `<rect class="${name}" x="${fix(from * 10)}" y="${fix(y)}" width="${fix((to - from) * 10 * 0.9)}" height="${fix(tall)}"/>`
  }
  return part(failed, 'failed') + part(degraded, 'degraded') + part(ok, 'ok')
}

function chart(name: Bilingual, shapes: string, most: Bilingual): string {
  return `<figure><figcaption><b>${name}</b><span class="most">${most}</span></figcaption>
<svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img">${shapes}</svg></figure>`
}

/** Steps that people count in. */
const steps = [500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000]

function axis(fromMs: number, endMs: number, at: (ms: number) => number): string {
  const step = steps.find((one) => (endMs - fromMs) / one <= 9) ?? steps.at(-1)!
  const ticks: string[] = []
  for (let ms = Math.ceil(fromMs / step) * step; ms <= endMs; ms += step)
    ticks.push(
      `<i style="left:${fix(at(ms))}%">${ms === 0 ? '0' : `${ms < 0 ? '−' : '+'}${Math.abs(ms) / 1000}`}</i>`,
    )
  return `<div class="axis">${ticks.join('')}<span>${t('seconds from the fault', '距故障生效（秒）')}</span></div>`
}

/** Numbers of the list below, where they happened; those too near to each other in rows. */
function markers(moments: readonly Moment[], at: (ms: number) => number): string {
  const ends: number[] = []
  const shown = moments.map(({ ms, kind }, index) => {
    const left = Math.max(0, Math.min(100, at(ms)))
    let row = ends.findIndex((end) => left - end >= apartPercent)
    if (row < 0) row = Math.min(ends.length, rowsMax - 1)
    ends[row] = left
    return `<a class="${kind}" href="#m${index + 1}" title="${since(ms)}" style="left:${fix(left)}%;top:${row * 26}px">${index + 1}</a>`
  })
  return `<div class="markers" style="height:${ends.length * 26}px">${shown.join('')}</div>`
}

function fix(value: number): string {
  return String(Math.round(value * 100) / 100)
}
