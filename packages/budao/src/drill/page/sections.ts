import { formatDuration } from '@budao/model'
import type { DrillReport } from '../drill-report.ts'
import type { Latency, RequestCounts } from '../measures.ts'
import type { Invariant } from '../verdict.ts'
import type { Moment } from './moments.ts'
import { decidedMs, decidedNote, movesStory } from './moves.ts'
import { both, escapeHtml, number, share, since, t, time } from './text.ts'
import type { Bilingual } from './text.ts'
import { adviceTexts, eventWords, invariantWords, scenarioWords } from './words.ts'

/** What a manager asks first, in a sentence. */
export function story(report: DrillReport): Bilingual {
  const { scenario, requests, writes, restoredAfterMs } = report
  const did = scenarioWords[scenario].did
  const lasted: readonly [string, string] =
    restoredAfterMs === null
      ? ['', '']
      : [` It lasted ${time(restoredAfterMs)}.`, `持续 ${time(restoredAfterMs)}。`]
  const reads: readonly [string, string] =
    requests.failed === 0
      ? [`None of ${number(requests.sent)} reads failed.`, `${number(requests.sent)} 个读请求无一失败。`]
      : [
          `${number(requests.failed)} of ${number(requests.sent)} reads failed (${share(requests.failed, requests.sent)}).`,
          `${number(requests.sent)} 个读请求中有 ${number(requests.failed)} 个失败（${share(requests.failed, requests.sent)}）。`,
        ]
  const wrote = writes === null ? (['', ''] as const) : writesStory(writes)
  const moved = movesStory(report)
  return t(
    `${did[0]}${lasted[0]} ${reads[0]}${wrote[0]}${moved[0]}`,
    `${did[1]}${lasted[1]}${reads[1]}${wrote[1]}${moved[1]}`,
  )
}

function writesStory({
  requests,
  checked,
  lost,
  outage,
}: NonNullable<DrillReport['writes']>): readonly [string, string] {
  const failed: readonly [string, string] =
    outage === null
      ? [` None of ${number(requests.sent)} writes failed.`, `${number(requests.sent)} 个写请求无一失败。`]
      : [
          ` ${number(requests.failed)} of ${number(requests.sent)} writes failed, over ${time(outage.rtoMs)}.`,
          `${number(requests.sent)} 个写请求中有 ${number(requests.failed)} 个失败，历时 ${time(outage.rtoMs)}。`,
        ]
  if (checked === 0) return failed
  const kept: readonly [string, string] =
    lost === 0
      ? [
          ` All ${number(checked)} acknowledged ones were found afterwards.`,
          `已确认的 ${number(checked)} 个写入事后全部找到。`,
        ]
      : [
          ` ${number(lost)} of ${number(checked)} acknowledged ones are gone.`,
          `已确认的 ${number(checked)} 个写入中有 ${number(lost)} 个丢失。`,
        ]
  return [failed[0] + kept[0], failed[1] + kept[1]]
}

/** The four figures that a report is opened for, each against what it is held to. */
export function tiles(report: DrillReport): string {
  const { outage, writes, objectives, requests, detect } = report
  const rtoMs = Math.max(outage?.rtoMs ?? 0, writes?.outage?.rtoMs ?? 0)
  const failed = requests.failed + (writes?.requests.failed ?? 0)
  const sent = requests.sent + (writes?.requests.sent ?? 0)
  const noticed = detect.firstMs ?? decidedMs(report)
  const rpo = writes?.rpoMs ?? null
  const rpoLimit = objectives.rpoMs ?? 0
  const stand = objectives.configured
    ? t('objective', '目标')
    : t('no objective set: default', '未设目标，默认')
  return `<section class="tiles">
${tile(t('Recovery time (RTO)', '恢复时间 RTO'), time(rtoMs), rtoMs <= objectives.rtoMs, both(`${stand} ${time(objectives.rtoMs)}`, `${stand} ${time(objectives.rtoMs)}`), rtoMs / objectives.rtoMs)}
${tile(
  t('Data lost (RPO)', '数据丢失 RPO'),
  rpo === null ? '–' : time(rpo),
  rpo === null ? null : rpo <= rpoLimit,
  rpo === null
    ? t('nobody looked for writes', '未核对写入')
    : t(
        `${number(writes!.lost)} of ${number(writes!.checked)} acknowledged writes`,
        `${number(writes!.checked)} 个已确认写入中 ${number(writes!.lost)} 个`,
      ),
)}
${tile(t('Requests failed', '失败请求'), share(failed, sent), failed === 0 ? true : null, t(`${number(failed)} of ${number(sent)}`, `${number(sent)} 个中 ${number(failed)} 个`))}
${tile(
  t('Noticed after', '发现用时'),
  noticed === null ? '–' : time(noticed),
  null,
  detect.firstMs === null && noticed !== null
    ? decidedNote
    : detect.allOutMs === null
      ? t('endpoints out of the traffic: not all', '并非全部端点被摘除')
      : t(
          `all ${detect.endpoints.length} endpoints out after ${time(detect.allOutMs)}`,
          `${time(detect.allOutMs)} 后全部 ${detect.endpoints.length} 个端点被摘除`,
        ),
)}
</section>`
}

function tile(name: Bilingual, value: string, good: boolean | null, note: string, part?: number): string {
  const mood = good === null ? '' : good ? ' good' : ' bad'
  const meter =
    part === undefined
      ? ''
      : `<span class="meter"><i style="width:${Math.min(100, Math.round(part * 100))}%"></i></span>`
  return `<div class="tile${mood}"><h3>${name}</h3><p class="value">${value}</p>${meter}<p class="note">${note}</p></div>`
}

export function invariantList(invariants: readonly Invariant[]): string {
  const rows = invariants.map(({ name, holds, measured, limit }) => {
    const mark = holds === null ? ['–', 'none'] : holds ? ['✓', 'yes'] : ['✗', 'no']
    const timed = name === 'within-rto' || name === 'always-served'
    const figure =
      holds === null
        ? t('not asked of this drill, or not measured', '本次演练不要求或未测量')
        : name === 'one-epoch'
          ? t(
              `of ${number(measured ?? 0)} writes whose epoch the gateway said`,
              `共核对 ${number(measured ?? 0)} 个注明任期的写入`,
            )
          : timed
            ? t(
                `${time(measured ?? 0)} of at most ${time(limit ?? 0)}`,
                `${time(measured ?? 0)}，上限 ${time(limit ?? 0)}`,
              )
            : ''
    return `<li class="${mark[1]}"><b>${mark[0]}</b><span>${t(...invariantWords[name])}<small>${figure}</small></span></li>`
  })
  return `<ul class="invariants">${rows.join('\n')}</ul>`
}

export function momentList(moments: readonly Moment[]): string {
  return `<ol class="moments">${moments
    .map(
      ({ ms, kind, text }, index) =>
        `<li id="m${index + 1}" class="${kind}"><b>${index + 1}</b><time>${since(ms)}</time><span>${text}</span></li>`,
    )
    .join('\n')}</ol>`
}

export function adviceList({ advice }: DrillReport): string {
  if (advice.length === 0) return `<p>${t('Nothing to improve was seen.', '未发现需要改进之处。')}</p>`
  return `<ol class="advice">${advice.map((word) => `<li>${t(...adviceTexts[word])}</li>`).join('\n')}</ol>`
}

/** Each figure that there is an objective for, beside it. */
export function objectivesTable({ outage, writes, objectives }: DrillReport): string {
  const { rtoMs, rpoMs, configured } = objectives
  const row = (name: Bilingual, measured: number | null, limit: number | null): string => {
    const met = measured === null || limit === null ? null : measured <= limit
    const mark = met === null ? '–' : met ? t('met', '达成') : t('missed', '未达成')
    const cells = [measured, limit].map((ms) => `<td>${ms === null ? '–' : time(ms)}</td>`)
    return `<tr><th>${name}</th>${cells.join('')}<td class="${met === false ? 'missed' : ''}">${mark}</td></tr>`
  }
  const from = configured ? t('objective', '目标') : t('default, none is set', '默认（未设目标）')
  return `<div class="wide"><table>
<thead><tr><th></th><th>${t('measured', '实测')}</th><th>${from}</th><th></th></tr></thead>
<tbody>${row(t('Recovery time of reads', '读恢复时间'), outage?.rtoMs ?? 0, rtoMs)}${
    writes === null
      ? ''
      : row(t('Recovery time of writes', '写恢复时间'), writes.outage?.rtoMs ?? 0, rtoMs) +
        row(
          t('First write again after', '首个写恢复'),
          writes.outage?.firstSuccessMs ?? (writes.outage === null ? 0 : null),
          rtoMs,
        ) +
        row(t('Data lost', '数据丢失'), writes.rpoMs, rpoMs)
  }</tbody></table></div>`
}

/** What was counted, and how long answers took. */
export function figures(report: DrillReport): string {
  const { requests, writes, latency, failures } = report
  return `<div class="wide"><table>
<thead><tr><th></th><th>${t('sent', '发出')}</th><th>${t('answered', '成功')}</th><th>${t('fallback', '降级')}</th><th>${t('failed', '失败')}</th><th>${t('slow', '慢')}</th></tr></thead>
<tbody>${countRow(t('Reads', '读'), requests)}${writes === null ? '' : countRow(t('Writes', '写'), writes.requests)}</tbody></table></div>
${kinds(t('Failed reads by kind', '失败读请求类型'), failures)}${writes === null ? '' : kinds(t('Failed writes by kind', '失败写请求类型'), writes.failures)}
<div class="wide"><table>
<thead><tr><th>${t('Reads took', '读请求耗时')}</th><th>${t('requests', '数量')}</th><th>p50</th><th>p99</th><th>${t('slowest', '最慢')}</th></tr></thead>
<tbody>${latencyRow(t('before the fault', '故障前'), latency.before)}${latencyRow(t('until users had recovered', '至用户恢复'), latency.during)}${latencyRow(t('after', '之后'), latency.after)}</tbody></table></div>`
}

function countRow(name: Bilingual, { sent, ok, degraded, failed, slow }: RequestCounts): string {
  return `<tr><th>${name}</th>${[sent, ok, degraded, failed, slow].map((value) => `<td>${number(value)}</td>`).join('')}</tr>`
}

function latencyRow(name: Bilingual, { requests, p50, p99, max }: Latency): string {
  const cells = [p50, p99, max].map((value) => `<td>${value === null ? '–' : time(value)}</td>`)
  return `<tr><th>${name}</th><td>${number(requests)}</td>${cells.join('')}</tr>`
}

function kinds(name: Bilingual, failures: Readonly<Record<string, number>>): string {
  const found = Object.entries(failures).toSorted(([, a], [, b]) => b - a)
  if (found.length === 0) return ''
  return `<p class="kinds">${name}: ${found.map(([kind, count]) => `<code>${escapeHtml(kind)}</code> ${number(count)}`).join(', ')}</p>`
}

export function eventList({ events }: DrillReport): string {
  if (events.length === 0) return `<p>${t('The gateway reported nothing.', '网关没有报告任何事件。')}</p>`
  const rows = events.map(({ ms, kind, subject, message }) => {
    const words = eventWords[kind]
    const name = words === undefined ? escapeHtml(kind) : t(...words)
    return `<tr><td><time>${since(ms)}</time></td><td>${name}<small>${escapeHtml(subject)}</small></td><td>${escapeHtml(message)}</td></tr>`
  })
  return `<details><summary>${t(`${number(events.length)} events of the gateway`, `网关的 ${number(events.length)} 个事件`)}</summary><div class="wide"><table class="events"><tbody>${rows.join('\n')}</tbody></table></div></details>`
}

/** How it was measured, and what limits it. */
export function honesty(report: DrillReport): string {
  const { hit, longestPauseMs, longestGapMs, longestGapAtMs, retries, fallbacks, forceReason, endedBecause } =
    report
  const rows: (readonly [Bilingual, string] | null)[] = [
    [t('Done to', '对象'), escapeHtml(hit.join(', '))],
    [
      t('Load', '负载'),
      both(
        `${number(report.requests.sent)} reads${report.writes === null ? '' : ` and ${number(report.writes.requests.sent)} writes`} in ${time(report.durationMs)}, sent by a schedule whether or not earlier ones were answered, never repeated; times count from when a request was due`,
        `${time(report.durationMs)} 内 ${number(report.requests.sent)} 个读请求${report.writes === null ? '' : `、${number(report.writes.requests.sent)} 个写请求`}；按时间表发出，不等待先前应答，不重试；耗时从应发时刻算起`,
      ),
    ],
    [
      t('Longest time without a success', '最长无成功时段'),
      both(
        `${time(longestGapMs)}, from ${since(longestGapAtMs)}`,
        `${time(longestGapMs)}，自 ${since(longestGapAtMs)} 起`,
      ),
    ],
    [
      t('Own pauses of the load generator', '压测程序自身停顿'),
      both(
        `at most ${time(longestPauseMs)}: shorter gaps may be its own`,
        `最长 ${time(longestPauseMs)}：更短的空档可能由其造成`,
      ),
    ],
    retries === null
      ? null
      : [
          t('By the gateway, for all its users', '网关（全部用户）'),
          both(
            `${number(retries)} retries, ${number(fallbacks ?? 0)} fallbacks`,
            `重试 ${number(retries)} 次，降级 ${number(fallbacks ?? 0)} 次`,
          ),
        ],
    report.writes === null || report.writes.checked === 0
      ? null
      : [
          t('Writes looked for', '写入核对'),
          both(
            `${number(report.writes.checked)}: through the gateway, then at each endpoint; ${number(report.writes.keptElsewhere)} at an endpoint only, ${number(report.writes.unknown)} unknown`,
            `${number(report.writes.checked)} 个：先经网关，再逐个端点；仅端点可见 ${number(report.writes.keptElsewhere)} 个，未知 ${number(report.writes.unknown)} 个`,
          ),
        ],
    report.writes === null || report.writes.through.length === 0
      ? null
      : [t('Written through', '写入经由'), escapeHtml(report.writes.through.join(', '))],
    ...dnsRows(report),
    forceReason === null ? null : [t('Overruled, because', '强制执行原因'), escapeHtml(forceReason)],
    endedBecause === null ? null : [t('Ended early, because', '提前结束原因'), escapeHtml(endedBecause)],
    [t('An answer is slow after', '慢应答阈值'), formatDuration(report.slowMs)],
  ]
  return `<dl>${rows.flatMap((row) => (row === null ? [] : [`<dt>${row[0]}</dt><dd>${row[1]}</dd>`])).join('\n')}</dl>`
}

function dnsRows({ dns }: DrillReport): (readonly [Bilingual, string])[] {
  return (dns ?? []).map(({ server, asked, answered, longestSilenceMs }) => [
    t(`DNS server ${server}`, `DNS 服务器 ${server}`),
    both(
      `${number(answered)} of ${number(asked)} questions answered, silent for at most ${time(longestSilenceMs)}`,
      `${number(asked)} 次查询应答 ${number(answered)} 次，最长沉默 ${time(longestSilenceMs)}`,
    ),
  ])
}
