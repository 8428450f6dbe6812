import { countErrors } from './rounds.ts'
import type { Round } from './rounds.ts'
import type { Mark, Scenario } from './scenarios.ts'
import { pairedRatios, spreadOf } from './statistics.ts'
import type { Spread } from './statistics.ts'
import { spreadText, table } from './table.ts'

const mebibyte = 2 ** 20

/** What one scenario has shown. */
export interface ScenarioResult {
  readonly scenario: Scenario
  /** Of those that were timed, in the order of the tables. */
  readonly names: readonly string[]
  readonly versions: Readonly<Record<string, string>>
  readonly skipped: readonly { readonly contender: string; readonly reason: string }[]
  readonly rounds: readonly Round[]
}

/** The tables, at most 100 columns wide: figures, then ours divided by each of the others. */
export function gatewayReport(result: ScenarioResult): string {
  const { scenario, names, rounds } = result
  if (rounds.length === 0) return ''
  const by = roundsBy(result)
  const parts = [
    `${scenario.name}: median [min–max] of ${Math.max(...rounds.map(({ round }) => round))} rounds.`,
    speedTable(names, by),
    latencyTable(names, by),
  ]
  if (names.includes('budao') && names.length > 1) parts.push(ratioTable(names, by), marksText(scenario, by))
  return `\n${parts.filter((part) => part !== '').join('\n\n')}\n`
}

/** Ours divided by each of the others, one line a scenario: how the cost of a request follows what is asked for. */
export function summaryReport(results: readonly ScenarioResult[]): string {
  const others = [...new Set(results.flatMap(({ names }) => names))].filter(
    (name) => name !== 'budao' && name !== 'direct',
  )
  return `\nbudao ÷ other, CPU/request\n${table(
    ['', ...others],
    results.map((result) => [
      result.scenario.name,
      ...others.map((name) => {
        const ratios = ratiosOf(roundsBy(result)('budao'), roundsBy(result)(name), cpu)
        return ratios.length === 0 ? '–' : spreadText(spreadOf(ratios), 2)
      }),
    ]),
  )}\n`
}

/** For machines: ours divided by each of the others. */
export function scenarioRatios(
  result: ScenarioResult,
): Record<string, Partial<Record<'cpu' | 'requestsPerSecond' | 'p99' | 'rss', Spread>>> {
  const by = roundsBy(result)
  const entries = result.names
    .filter((name) => name !== 'budao')
    .map((name) => {
      const ratios = Object.entries(compared).flatMap(([what, measure]) => {
        const seen = ratiosOf(by('budao'), by(name), measure)
        return seen.length === 0 ? [] : [[what, spreadOf(seen)]]
      })
      return [name, Object.fromEntries(ratios)]
    })
  return Object.fromEntries(entries)
}

type By = (name: string) => Round[]
type Measure = (round: Round) => number | null | undefined

const cpu: Measure = ({ proxy }) => proxy?.cpuMicrosPerRequest
const rss: Measure = ({ proxy }) => (proxy === null ? undefined : proxy.rssBytes / mebibyte)
const peakRss: Measure = ({ proxy }) => (proxy === null ? undefined : proxy.peakRssBytes / mebibyte)
const busy: Measure = ({ proxy }) => proxy?.busyPercent
const p99: Measure = ({ p99Ms }) => p99Ms
const requestsPerSecond: Measure = (round) => round.requestsPerSecond
const compared = { cpu, requestsPerSecond, p99, rss }

function roundsBy({ rounds }: ScenarioResult): By {
  return (name) => rounds.filter(({ contender }) => contender === name)
}

function speedTable(names: readonly string[], by: By): string {
  return table(
    ['', 'requests/s', 'CPU µs/request', 'core busy %', 'errors'],
    names.map((name) => [
      name,
      cell(by(name), requestsPerSecond, 0),
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
      cell(by(name), p99, 2),
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
      .map((name) => [name, ...Object.values(compared).map((measure) => ratio(name, measure))]),
  )
}

/** The marks the project has set itself, each with what was measured. */
function marksText({ marks }: Scenario, by: By): string {
  const lines = marks.map((mark) => markText(mark, by))
  const memory = values(by('budao'), ({ proxy }) => proxy && proxy.rssBytes / 1e6)
  return [...lines, verdict('RSS in MB', memory, '≤', 100)].filter((line) => line !== '').join('\n')
}

function markText({ what, against, limit }: Mark, by: By): string {
  const [ours, theirs] = [by('budao'), by(against)]
  switch (what) {
    case 'cpu':
      return verdict(`CPU/request ÷ ${against}`, ratiosOf(ours, theirs, cpu), '≤', limit)
    case 'cpu-inverse':
      return verdict(`${against} ÷ CPU/request`, ratiosOf(theirs, ours, cpu), '≥', limit)
    case 'p99-added':
      return verdict(`p99 added to ${against}, ms`, differences(ours, theirs, p99), '≤', limit)
  }
}

function verdict(what: string, seen: readonly number[], relation: '≤' | '≥', limit: number): string {
  if (seen.length === 0) return ''
  const spread = spreadOf(seen)
  const meets = (value: number): boolean => (relation === '≤' ? value <= limit : value >= limit)
  const word = meets(spread.median)
    ? meets(spread.min) && meets(spread.max)
      ? 'met'
      : 'met by the median'
    : 'missed'
  return `${what}: ${spreadText(spread, 2)}, wanted ${relation} ${limit}: ${word}`
}

function ratiosOf(a: readonly Round[], b: readonly Round[], measure: Measure): number[] {
  return pairedRatios(byRound(a, measure), byRound(b, measure))
}

/** `a − b` of each round that has both. */
function differences(a: readonly Round[], b: readonly Round[], measure: Measure): number[] {
  const other = byRound(b, measure)
  return [...byRound(a, measure)].flatMap(([round, value]) => {
    const base = other.get(round)
    return base === undefined ? [] : [value - base]
  })
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
