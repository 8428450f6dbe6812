import { countErrors } from './rounds.ts'
import type { Round } from './rounds.ts'
import { pairedRatios, spreadOf } from './statistics.ts'
import { spreadText, table } from './table.ts'

const mebibyte = 2 ** 20

/** The tables, at most 100 columns wide: figures, then ours divided by each of the others. */
export function gatewayReport(names: readonly string[], rounds: readonly Round[]): string {
  const by = (name: string): Round[] => rounds.filter(({ contender }) => contender === name)
  const parts = [
    `Median [min–max] of ${Math.max(...rounds.map(({ round }) => round))} rounds.`,
    speedTable(names, by),
    latencyTable(names, by),
  ]
  if (names.includes('budao') && names.length > 1) parts.push(ratioTable(names, by), reachText(by))
  return `\n${parts.join('\n\n')}\n`
}

type By = (name: string) => Round[]
type Measure = (round: Round) => number | null | undefined

const cpu: Measure = ({ proxy }) => proxy?.cpuMicrosPerRequest
const rss: Measure = ({ proxy }) => (proxy === null ? undefined : proxy.rssBytes / mebibyte)
const peakRss: Measure = ({ proxy }) => (proxy === null ? undefined : proxy.peakRssBytes / mebibyte)
const busy: Measure = ({ proxy }) => proxy?.busyPercent

function speedTable(names: readonly string[], by: By): string {
  return table(
    ['', 'requests/s', 'CPU µs/request', 'core busy %', 'errors'],
    names.map((name) => [
      name,
      cell(by(name), ({ requestsPerSecond }) => requestsPerSecond, 0),
      cell(by(name), cpu, 1),
      cell(by(name), busy, 0),
      String(by(name).reduce((sum, { errors }) => sum + countErrors(errors), 0)),
    ]),
  )
}

function latencyTable(names: readonly string[], by: By): string {
  return table(
    ['', 'p50 ms', 'p99 ms', 'RSS MiB', 'peak RSS MiB'],
    names.map((name) => [
      name,
      cell(by(name), ({ p50Ms }) => p50Ms, 2),
      cell(by(name), ({ p99Ms }) => p99Ms, 2),
      cell(by(name), rss, 0),
      cell(by(name), peakRss, 0),
    ]),
  )
}

function ratioTable(names: readonly string[], by: By): string {
  const ratio = (name: string, measure: Measure): string => {
    const ratios = ratiosOf(by('budao'), by(name), measure)
    return ratios.length === 0 ? '–' : spreadText(spreadOf(ratios), 2)
  }
  return table(
    ['budao ÷', 'CPU/request', 'requests/s', 'p99', 'RSS'],
    names
      .filter((name) => name !== 'budao')
      .map((name) => [
        name,
        ratio(name, cpu),
        ratio(name, ({ requestsPerSecond }) => requestsPerSecond),
        ratio(name, ({ p99Ms }) => p99Ms),
        ratio(name, rss),
      ]),
  )
}

/** The marks the project has set itself, each with what was measured. */
function reachText(by: By): string {
  const lines = [
    mark('CPU/request ÷ nginx', ratiosOf(by('budao'), by('nginx'), cpu), '≤', 1.3),
    mark('@fastify/http-proxy ÷ CPU/request', ratiosOf(by('@fastify/http-proxy'), by('budao'), cpu), '≥', 5),
    mark(
      'RSS in MB',
      values(by('budao'), ({ proxy }) => proxy && proxy.rssBytes / 1e6),
      '≤',
      100,
    ),
  ]
  return lines.filter((line) => line !== '').join('\n')
}

function mark(what: string, seen: readonly number[], relation: '≤' | '≥', limit: number): string {
  if (seen.length === 0) return ''
  const spread = spreadOf(seen)
  const meets = (value: number): boolean => (relation === '≤' ? value <= limit : value >= limit)
  const verdict = meets(spread.median)
    ? meets(spread.min) && meets(spread.max)
      ? 'met'
      : 'met by the median'
    : 'missed'
  return `${what}: ${spreadText(spread, 2)}, wanted ${relation} ${limit}: ${verdict}`
}

function ratiosOf(a: readonly Round[], b: readonly Round[], measure: Measure): number[] {
  return pairedRatios(byRound(a, measure), byRound(b, measure))
}

function byRound(rounds: readonly Round[], measure: Measure): Map<number, number> {
  const result = new Map<number, number>()
  for (const round of rounds) {
    const value = measure(round)
    if (value !== undefined && value !== null) result.set(round.round, value)
  }
  return result
}

function values(rounds: readonly Round[], measure: Measure): number[] {
  return [...byRound(rounds, measure).values()]
}

function cell(rounds: readonly Round[], measure: Measure, digits: number): string {
  const seen = values(rounds, measure)
  return seen.length === 0 ? '–' : spreadText(spreadOf(seen), digits)
}
