import { parseDuration, severities, wordIn } from '@budao/model'
import { isLevelName } from '../record/filter-match.ts'
import { LogFilterError, parseLogFilter, type LogFilter } from '@budao/model'
import { ConditionError } from './condition-error.ts'
import type { Comparison, Condition, LogCondition, MetricCondition, Scope, Threshold } from './condition.ts'
import { readSelector } from './selector-parser.ts'
import { TokenReader } from './token-reader.ts'

const quantiles: Readonly<Record<string, number>> = { p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99, p999: 0.999 }
const ofLogs = ['count', 'rate', 'ratio', ...Object.keys(quantiles), 'absent']
const ofMetrics = ['value', 'avg', 'min', 'max', ...ofLogs]
/** A rule is a line that people read. */
const lengthMax = 4_000
const comparisons = ['>=', '<=', '==', '!=', '>', '<']
/** A day of one-second parts is what one rule may remember. */
const windowMsMax = 86_400_000

/**
 * Reads a condition such as `ratio(log.level:error / *) > 0.05 in 5m by service min 50`. Throws ConditionError with the place
 * of what is wrong. docs/reference/alerts.md has the grammar.
 */
export function parseCondition(source: string): Condition {
  if (source.length > lengthMax)
    throw new ConditionError(lengthMax, `at most ${lengthMax} characters`, `${source.length}`)
  const [head = '', blank = '', written = ''] = /^(\s*)(\w*)\s*/.exec(source) ?? []
  const name = written.toLowerCase()
  const known = ofMetrics.includes(name)
  if (!known || source[head.length] !== '(')
    new TokenReader(source, known ? head.length : blank.length).refuse(
      known ? '`(`' : `one of ${ofMetrics.join(', ')}`,
    )
  const inner = innerOf(source, head.length + 1)
  const clauses = new TokenReader(source, inner.end + 1)
  const isMetric = /^\s*[a-zA-Z_][a-zA-Z0-9_]*\{/.test(source.slice(inner.start, inner.end))
  if (isMetric) return readMetric(source, name, inner, clauses)
  if (ofLogs.includes(name)) return readLog(source, name, inner, clauses)
  return new TokenReader(source, inner.start, inner.end).refuse(
    'a metric such as budao_link_up{}',
    `${name} is of metrics only`,
  )
}

/** What stands in the brackets, and where a lone `/` parts it. */
interface Inner {
  readonly start: number
  readonly slash: number | undefined
  readonly end: number
}

function innerOf(source: string, start: number): Inner {
  let depth = 0
  let slash: number | undefined
  for (let at = start; at < source.length; at++) {
    const char = source[at]
    if (char === '"') {
      at++
      while (at < source.length && source[at] !== '"') at += source[at] === '\\' ? 2 : 1
    } else if (char === '(') depth++
    else if (char === ')' && depth-- === 0) return { start, slash, end: at }
    else if (char === '/' && depth === 0 && /\s/.test(source[at - 1]!) && /\s/.test(source[at + 1] ?? ''))
      slash ??= at
  }
  throw new ConditionError(source.length, '`)`', 'the end')
}

function readLog(source: string, name: string, inner: Inner, clauses: TokenReader): LogCondition {
  const quantile = wordIn(quantiles, name)
  const shared = name === 'ratio' ? (inner.slash ?? needsSlash(source, inner)) : undefined
  const [, lead = '', field] = quantile === undefined ? [] : (/^(\s*)(\S*)/.exec(within(source, inner)) ?? [])
  const rest = inner.start + lead.length + (field ?? '').length
  const where = quantile === undefined ? inner.start : whereBegins(source, rest, inner.end)
  if (field === '') new TokenReader(source, inner.start, inner.end).refuse('the field that has the number')
  const filter = readFilter(source, where, shared ?? inner.end)
  const of = shared === undefined ? undefined : readFilter(source, shared + 1, inner.end)
  const { threshold, scope } = readClauses(clauses, name, 'log')
  const base = { source: 'log', filter, ...scope } as const
  if (name === 'absent') return { ...base, kind: 'absent' }
  if (quantile !== undefined)
    return { ...base, kind: 'quantile', field: field!, quantile, threshold: threshold! }
  if (of !== undefined) return { ...base, kind: 'ratio', of, threshold: threshold! }
  return { ...base, kind: name as 'count' | 'rate', threshold: threshold! }
}

/** Where the filter begins behind `where`, of `p99(duration_ms where service:shop)`. */
function whereBegins(source: string, from: number, end: number): number {
  const rest = source.slice(from, end)
  if (rest.trim() === '') return end
  const [word] = /^\s+where\s/i.exec(rest) ?? []
  if (word !== undefined) return from + word.length
  return new TokenReader(source, from, end).refuse(
    '`where` and a filter, or `)`',
    'such as p99(duration_ms where service:shop)',
  )
}

function readFilter(source: string, from: number, to: number): LogFilter {
  let filter: LogFilter
  try {
    filter = parseLogFilter(source.slice(from, to))
  } catch (error) {
    if (!(error instanceof LogFilterError)) throw error
    const [, expected = '', found = ''] = /expected (.*), found (.*)$/s.exec(error.message) ?? []
    throw new ConditionError(from + error.column - 1, expected, found)
  }
  checkFilter(filter, source, from)
  return filter
}

/** What can be searched for and cannot be meant in a rule. */
function checkFilter(filter: LogFilter, source: string, from: number): void {
  if (filter.kind === 'and' || filter.kind === 'or')
    for (const part of filter.parts) checkFilter(part, source, from)
  else if (filter.kind === 'not') checkFilter(filter.part, source, from)
  else if (filter.kind === 'text' && /^budao_\w+$/.test(filter.text))
    throw new ConditionError(
      Math.max(from, source.indexOf(filter.text, from)),
      'a filter of records',
      `\`${filter.text}\``,
      `${filter.text}{} is the metric`,
    )
  else if (filter.kind === 'field' && /[<>]/.test(filter.operator)) {
    const isLevel = isLevelName(filter.name)
    if (
      isLevel ? Object.hasOwn(severities, filter.value.toLowerCase()) : Number.isFinite(Number(filter.value))
    )
      return
    throw new ConditionError(
      Math.max(from, source.indexOf(filter.value, source.indexOf(filter.name, from))),
      isLevel ? `one of ${Object.keys(severities).join(', ')}` : 'a number',
      `\`${filter.value}\``,
    )
  }
}

function readMetric(source: string, name: string, inner: Inner, clauses: TokenReader): MetricCondition {
  const tokens = new TokenReader(source, inner.start, inner.end)
  const selector = readSelector(tokens)
  const of = name === 'ratio' ? (readSlash(tokens), readSelector(tokens)) : undefined
  if (tokens.next.kind !== 'end') tokens.refuse('`)`')
  const { threshold, scope } = readClauses(clauses, name, 'metric')
  const quantile = wordIn(quantiles, name)
  if (scope.min > 0 && of === undefined && quantile === undefined)
    tokens.refuse('a ratio or a quantile with `min`', 'other values of metrics are not made of samples')
  const base = { source: 'metric', selector, ...scope } as const
  if (name === 'absent') return { ...base, kind: 'absent' }
  if (quantile !== undefined) return { ...base, kind: 'quantile', quantile, threshold: threshold! }
  if (of !== undefined) return { ...base, kind: 'ratio', of, threshold: threshold! }
  type Plain = 'value' | 'avg' | 'min' | 'max' | 'count' | 'rate'
  return { ...base, kind: name as Plain, threshold: threshold! }
}

function within(source: string, { start, end }: Inner): string {
  return source.slice(start, end)
}

function needsSlash(source: string, { end }: Inner): never {
  return new TokenReader(source, end, end).refuse('`/` and what it is a share of', 'with spaces around the /')
}

function readSlash(tokens: TokenReader): void {
  if (tokens.next.kind !== 'word' || tokens.next.text !== '/')
    tokens.refuse('`/` and what it is a share of', 'with spaces around the /')
  tokens.take()
}

/** What stands behind the bracket: a threshold first, then `in`, `by` and `min` in any order. */
function readClauses(
  tokens: TokenReader,
  name: string,
  source: Condition['source'],
): { threshold: Threshold | undefined; scope: Scope } {
  const threshold = name === 'absent' ? undefined : readThreshold(tokens)
  let windowMs: number | undefined
  let by: string[] | '*' | undefined
  let min: number | undefined
  while (tokens.next.kind !== 'end') {
    if (windowMs === undefined && tokens.takeWord('in')) windowMs = readWindow(tokens)
    else if (by === undefined && tokens.takeWord('by')) by = readBy(tokens, source)
    else if (min === undefined && tokens.takeWord('min')) min = readMin(tokens)
    else tokens.refuse('`in` and a duration, `by` and names, `min` and a number, each once, or the end')
  }
  if (windowMs === undefined && name !== 'value' && !(name === 'absent' && source === 'metric'))
    tokens.refuse('`in` and a duration, such as in 5m')
  if (name === 'absent' && source === 'metric' && by !== undefined)
    tokens.refuse('no `by`: series that are absent have no labels')
  if (name === 'absent' && min !== undefined) tokens.refuse('no `min`: absent counts nothing')
  return { threshold, scope: { windowMs: windowMs ?? 0, by: by ?? [], min: min ?? 0 } }
}

function readThreshold(tokens: TokenReader): Threshold {
  const comparison = tokens.takeSign(...comparisons) as Comparison | undefined
  if (comparison === undefined) tokens.refuse('>, >=, <, <=, == or != and a number')
  const token = tokens.take()
  const [, digits, percent] = /^(-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(%?)$/i.exec(token.text) ?? []
  if (digits === undefined || token.kind !== 'word') tokens.refuse('a number', undefined, token)
  return { comparison: comparison!, limit: percent === '%' ? Number(digits) / 100 : Number(digits) }
}

function readWindow(tokens: TokenReader): number {
  const token = tokens.take()
  const ms = token.kind === 'word' ? parseDuration(token.text) : undefined
  if (ms === undefined || ms < 1_000 || ms > windowMsMax)
    tokens.refuse('a duration from 1s to 24h, such as 5m', undefined, token)
  return ms!
}

function readBy(tokens: TokenReader, source: Condition['source']): string[] | '*' {
  if (source === 'metric' && tokens.takeWord('*')) return '*'
  const names: string[] = []
  do {
    const token = tokens.take()
    const pattern = source === 'metric' ? /^[a-zA-Z_][a-zA-Z0-9_]*$/ : /^[^/*]+$/
    if (token.kind !== 'word' || !pattern.test(token.text))
      tokens.refuse(source === 'metric' ? 'names of labels, or *' : 'names of fields', undefined, token)
    names.push(token.text)
  } while (tokens.takeSign(',') !== undefined)
  return names
}

function readMin(tokens: TokenReader): number {
  const token = tokens.take()
  const min = /^\d{1,9}$/.test(token.text) ? Number(token.text) : 0
  if (min < 1) tokens.refuse('a whole number above 0', undefined, token)
  return min
}
