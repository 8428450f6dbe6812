import type { Paint } from '../output.ts'
import type { DrillReport, Latency } from './drill-report.ts'

const width = 80
const eventsShown = 14

/** The report for people: at most 80 columns, without a final line end. */
export function formatDrill(report: DrillReport, paint: Paint): string {
  const { requests, detect, latency } = report
  return [
    '',
    headline(report, paint),
    '',
    row(
      'requests',
      `${requests.sent} sent in ${seconds(report.durationMs)}, killed after ${seconds(report.killedAfterMs)}`,
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
    '',
    `${''.padEnd(14)}${['requests', 'p50', 'p99', 'max'].map((title) => title.padStart(10)).join('')}`,
    latencyRow('before', latency.before),
    latencyRow('during', latency.during),
    latencyRow('after', latency.after),
    '',
    ...events(report, paint),
  ].join('\n')
}

function headline({ passed, site, requests }: DrillReport, paint: Paint): string {
  if (!passed) return paint('red', `FAILED  ${plural(requests.failed, 'request')} failed when ${site} died`)
  if (requests.degraded === 0) return paint('green', `PASSED  ${site} died and no request failed`)
  const degraded = plural(requests.degraded, 'request')
  return paint('yellow', `PASSED  ${site} died, no request failed, ${degraded} got the fallback`)
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
  if (returnedMs !== null) return `${seconds(returnedMs)} after the kill, every endpoint usable`
  return returnWithinMs === 0 ? 'not waited for' : `not within ${seconds(returnWithinMs)} after the load`
}

function events(report: DrillReport, paint: Paint): string[] {
  const shown = report.events.slice(0, eventsShown)
  const left = report.events.length - shown.length
  return [
    report.events.length === 0 ? 'The gateway reported nothing.' : 'What the gateway did, after the kill:',
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
