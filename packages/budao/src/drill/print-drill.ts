import type { Paint } from '../output.ts'
import type { DrillReport } from './drill-report.ts'
import type { Latency } from './measures.ts'
import type { Invariant, InvariantName } from './verdict.ts'

const width = 80
const eventsShown = 14

/** The report for people: at most 80 columns, without a final line end. */
export function formatDrill(report: DrillReport, paint: Paint): string {
  const { requests, detect, latency } = report
  return [
    '',
    headline(report, paint),
    ...(report.endedBecause === null ? [] : wrap(report.endedBecause)),
    '',
    row('what', `${report.scenario} of ${report.hit.join(', ')}`),
    row('taken back', takenBack(report)),
    ...report.invariants.filter(({ holds }) => holds !== null).map((one) => invariantRow(one, paint)),
    '',
    row(
      'reads',
      `${requests.sent} sent in ${seconds(report.durationMs)}, fault after ${seconds(report.killedAfterMs)}`,
    ),
    row('answered', `${requests.ok} by a backend, ${requests.degraded} by the fallback (degraded)`),
    row('failed', [String(requests.failed), ...kinds(report.failures)].join('  ')),
    row('slow', `${requests.slow} took longer than ${ms(report.slowMs)}`),
    row(
      'longest gap',
      `${ms(report.longestGapMs)} without a success from ${signed(report.longestGapAtMs)} on (own pauses: ${ms(report.longestPauseMs)})`,
    ),
    row('detected', detected(detect.firstMs, detect.allOutMs, detect.endpoints.length)),
    row(
      'recovered',
      report.recoverMs === 0
        ? 'at once: no request failed, was degraded or slow'
        : `after ${ms(report.recoverMs)}: the last request that failed, was degraded or slow`,
    ),
    row(
      'retries',
      `${report.retries ?? '?'} by the gateway, ${report.fallbacks ?? '?'} fallbacks (all clients)`,
    ),
    row('came back', cameBack(report)),
    ...writeRows(report),
    ...moveRows(report),
    ...dnsRows(report),
    '',
    `${''.padEnd(14)}${['requests', 'p50', 'p99', 'max'].map((title) => title.padStart(10)).join('')}`,
    latencyRow('before', latency.before),
    latencyRow('during', latency.during),
    latencyRow('after', latency.after),
    '',
    ...events(report, paint),
  ].join('\n')
}

function headline({ verdict, site, scenario, requests }: DrillReport, paint: Paint): string {
  const what = `${scenario} of ${site}`
  if (verdict === 'aborted') return paint('red', `ABORTED  ${what}: too much failed, taken back early`)
  if (verdict === 'interrupted') return paint('yellow', `INTERRUPTED  ${what}: a person ended it`)
  const failed = requests.failed === 0 ? 'no read failed' : `${plural(requests.failed, 'read')} failed`
  if (verdict === 'failed') return paint('red', `FAILED  ${what}: ${failed}`)
  if (requests.degraded === 0) return paint('green', `PASSED  ${what}: ${failed}`)
  return paint('yellow', `PASSED  ${what}: ${failed}, ${plural(requests.degraded, 'read')} got the fallback`)
}

const invariantTexts: Readonly<Record<InvariantName, string>> = {
  'no-read-failed': 'no read failed',
  'within-rto': 'recovered within the objective',
  'no-write-lost': 'no acknowledged write lost',
  'one-epoch': 'no write taken in two epochs',
  'always-served': 'somebody always served',
  restored: 'everything as it was before',
}

function invariantRow({ name, holds, measured, limit }: Invariant, paint: Paint): string {
  const inTime = name === 'within-rto' || name === 'always-served'
  const figures = inTime ? `: ${ms(measured ?? 0)} of ${ms(limit ?? 0)}` : ''
  return `${''.padEnd(14)}${holds ? paint('green', 'yes') : paint('red', 'NO ')}  ${invariantTexts[name]}${figures}`
}

function takenBack({ restoredAfterMs }: DrillReport): string {
  return restoredAfterMs === null ? 'by whoever restarts its processes' : `after ${seconds(restoredAfterMs)}`
}

function dnsRows({ dns }: DrillReport): string[] {
  return (dns ?? []).map(({ server, asked, answered, longestSilenceMs }) =>
    row('DNS', `${server} answered ${answered} of ${asked}, silent for at most ${ms(longestSilenceMs)}`),
  )
}

function writeRows({ writes }: DrillReport): string[] {
  if (writes === null) return []
  const { requests, outage, checked, lost, keptElsewhere, rpoMs, units } = writes
  return [
    '',
    row('writes', `${requests.sent} sent, ${requests.ok} acknowledged`),
    row('failed', [String(requests.failed), ...kinds(writes.failures)].join('  ')),
    row(
      'RTO',
      outage === null
        ? 'no write failed'
        : `${ms(outage.rtoMs)} from the first failure to the end of the last, first success after ${outage.firstSuccessMs === null ? '–' : ms(outage.firstSuccessMs)}`,
    ),
    row(
      'RPO',
      rpoMs === null
        ? 'nobody looked for the writes'
        : `${ms(rpoMs)}: ${lost} of ${checked} acknowledged lost, ${keptElsewhere} seen at an endpoint only`,
    ),
    ...units.map(({ unit, epochs }) =>
      row(
        'epochs',
        `${unit}: ${epochs.map((one) => `${one.epoch} (${plural(one.acknowledged, 'write')})`).join(', ')}`,
      ),
    ),
  ]
}

function moveRows({ moves }: DrillReport): string[] {
  if (moves === null || moves.length === 0) return []
  return [
    '',
    ...moves.flatMap(({ unit, kind, from, to, fromEpoch, toEpoch, beganMs, steps, outcome }) => [
      row(
        kind,
        `${unit}, ${from} → ${to}, epoch ${fromEpoch} → ${outcome === 'done' ? (toEpoch ?? '?') : '–'}`,
      ),
      row(
        '',
        `decided ${signed(beganMs)}, ${outcome === null ? 'not ended' : `${outcome} ${signed(steps.at(-1)?.ms ?? beganMs)}`}`,
      ),
    ]),
  ]
}

function row(name: string, text: string): string {
  return cut(`${name.padEnd(14)}${text}`)
}

function latencyRow(name: string, { requests, p50, p99, max }: Latency): string {
  const cells = [String(requests), ...[p50, p99, max].map((value) => (value === null ? '–' : ms(value)))]
  return `${name.padEnd(14)}${cells.map((cell) => cell.padStart(10)).join('')}`
}

function kinds(failures: DrillReport['failures']): string[] {
  return Object.entries(failures)
    .toSorted(([, a], [, b]) => b - a)
    .map(([kind, count]) => `${kind}: ${count}`)
}

function detected(firstMs: number | null, allOutMs: number | null, endpoints: number): string {
  if (firstMs === null) return 'never: the gateway took no endpoint of the site out'
  const all =
    allOutMs === null ? 'not all endpoints went out' : `all ${endpoints} endpoints out after ${ms(allOutMs)}`
  return `first after ${ms(firstMs)}, ${all}`
}

function cameBack({ returnedMs, returnWithinMs }: DrillReport): string {
  if (returnedMs !== null) return `${seconds(returnedMs)} after the fault, every endpoint usable`
  return returnWithinMs === 0 ? 'not waited for' : `not within ${seconds(returnWithinMs)} after the load`
}

function events(report: DrillReport, paint: Paint): string[] {
  const shown = report.events.slice(0, eventsShown)
  const left = report.events.length - shown.length
  return [
    report.events.length === 0 ? 'The gateway reported nothing.' : 'What the gateway did, after the fault:',
    ...shown.map((event) => {
      const head = `${signed(event.ms).padStart(10)}  ${event.kind.padEnd(19)} ${event.subject}`
      return [cut(head), ...wrap(event.message).map((line) => paint('dim', line))].join('\n')
    }),
    ...(left > 0 ? [`… and ${left} more: --json has them all`] : []),
  ]
}

/** Three digits that matter: below 10 ms with a decimal, from 10 s on in seconds. */
function ms(value: number): string {
  if (value >= 10_000) return seconds(value)
  return value < 10 && value !== 0 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`
}

function seconds(value: number): string {
  return `${(value / 1000).toFixed(1)} s`
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${ms(Math.abs(value))}`
}

/** Under the event's name; at most two lines, the rest is in --json. */
function wrap(message: string): string[] {
  const indent = ''.padEnd(12)
  const lines = ['']
  for (const word of message.split(' ')) {
    const line = lines.at(-1)!
    if (line === '') lines[lines.length - 1] = indent + word
    else if (Array.from(`${line} ${word}`).length <= width) lines[lines.length - 1] = `${line} ${word}`
    else lines.push(indent + word)
  }
  return (lines.length > 2 ? [lines[0]!, `${lines[1]!} …`] : lines).map(cut)
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

function cut(text: string): string {
  const letters = Array.from(text)
  return letters.length <= width ? text : `${letters.slice(0, width - 1).join('')}…`
}
