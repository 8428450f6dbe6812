import type { LogRecord, LogsReport, LogValue } from '@budao/model'
import { el } from './element.ts'
import type { Content, Element, Node } from './element.ts'
import { badge } from './failover-view.ts'
import { formatTime } from './format.ts'
import { signOf } from './labels.ts'
import type { Tone } from './labels.ts'
import { logBars } from './log-bars.ts'
import { canAsk } from './log-condition.ts'
import type { LogsState } from './log-page.ts'
import type { Words } from './words.ts'

const bodyCharsMax = 500
const openCharsMax = 20_000
const fieldsMax = 100
const valueCharsMax = 1_000

const tones: Readonly<Record<string, Tone>> = { fatal: 'bad', error: 'bad', warn: 'warn' }
/** As `severityName` of the model: the page loads nothing of it. */
const names = ['trace', 'debug', 'info', 'warn', 'error', 'fatal']

const example = `logs:
  files:
    - { paths: ["/var/log/shop/*.log"], service: shop }`

/** Everything below the form: bars, records, or why there are none. */
export function logView(state: LogsState, now: Date, words: Words): Node[] {
  const { status, tally, records, open } = state
  if (status === 'off') {
    return [
      el(
        'section',
        { class: 'card', 'data-key': 'off', 'data-logs': 'off' },
        el('h2', null, words.logOff),
        el('p', null, words.logOffHint),
        el('pre', null, example),
      ),
    ]
  }
  return [
    el(
      'section',
      { 'data-key': 'logs', id: 'logs', 'data-logs': status, 'aria-labelledby': 'logs-title' },
      el('h2', { id: 'logs-title', class: 'unseen' }, words.logs),
      ...troubles(state, words),
      tally !== null && tally.total > 0 && logBars(tally, now, words),
      el('p', { class: 'line found', 'data-key': 'found', role: 'status' }, found(state, words)),
      records.length > 0 &&
        el(
          'ol',
          { class: 'records', 'data-key': 'records' },
          records.map((record) => row(record, open.has(record), now, words)),
        ),
      el('p', { class: 'line', 'data-key': 'pages' }, pageButtons(state, words)),
    ),
  ]
}

function troubles({ status, problem, report, follow }: LogsState, words: Words): Node[] {
  const told = [
    ...(status === 'refused' ? [{ tone: 'bad', text: `${words.logRefused}: ${problem}` }] : []),
    ...(status === 'failed' ? [{ tone: 'bad', text: `${words.logFailed}: ${problem}` }] : []),
    ...ofCollecting(report, words),
    ...(follow?.away == null ? [] : [{ tone: 'warn', text: words.logAway }]),
    ...(follow === null || follow.missed === 0
      ? []
      : [{ tone: 'warn', text: words.logMissed(follow.missed) }]),
  ]
  return told.map(({ tone, text }) =>
    el(
      'p',
      { class: `notice ${tone}`, role: 'alert', 'data-key': text, 'data-log-trouble': tone },
      `${signOf(tone as Tone)} ${text}`,
    ),
  )
}

function ofCollecting(report: LogsReport | null, words: Words): { tone: Tone; text: string }[] {
  const { intake, sinks } = report ?? { intake: null, sinks: [] }
  return [
    ...(intake === null || intake.problem === null
      ? []
      : [{ tone: 'bad' as const, text: words.logBlocked(intake.problem) }]),
    ...sinks.flatMap(({ name, problem }) =>
      problem === null ? [] : [{ tone: 'warn' as const, text: words.logSinkAway(name, problem) }],
    ),
    ...(intake === null || intake.droppedBytes === 0
      ? []
      : [{ tone: 'warn' as const, text: words.logDropped(intake.droppedBytes) }]),
  ]
}

function found(state: LogsState, words: Words): Content[] {
  const { status, records, older, read, report, follow, paged } = state
  const kept = report?.intake ?? null
  return [
    status === 'asking' && el('b', null, words.logAsking),
    follow !== null && el('b', { 'data-following': true }, words.logFollowing(follow.came)),
    status === 'answered' &&
      follow === null &&
      (records.length === 0
        ? el('b', null, kept?.lines === 0 && kept.storeBytes === 0 ? words.logNothingYet : words.logNone)
        : el('b', null, paged ? words.logShownOlder(records.length) : words.logShown(records.length, older))),
    status === 'answered' && follow === null && records.length === 0 && el('span', null, words.logNoneHint),
    read !== null && el('span', { class: 'quiet' }, words.logRead(read.bytes, read.blocks, read.skipped)),
    kept !== null && el('span', { class: 'quiet end' }, words.logKept(kept.files, kept.storeBytes)),
  ]
}

function pageButtons({ older, paged, records, status }: LogsState, words: Words): Content[] {
  if (status !== 'answered') return []
  return [
    paged && el('button', { type: 'button', 'data-log-page': 'newest' }, words.logNewest),
    older && records.length > 0 && el('button', { type: 'button', 'data-log-page': 'older' }, words.logOlder),
  ]
}

const keys = new WeakMap<LogRecord, number>()
let nextKey = 1

/** A record by the number it has on this page. */
export function recordOf(state: LogsState, key: string): LogRecord | undefined {
  return state.records.find((record) => keys.get(record) === Number(key))
}

function row(record: LogRecord, open: boolean, now: Date, words: Words): Element {
  let key = keys.get(record)
  if (key === undefined) keys.set(record, (key = nextKey++))
  const { timestamp, severityNumber, severityText, body, resource } = record
  const level = names[Math.ceil(severityNumber / 4) - 1] ?? 'none'
  const service = resource['service.name']
  const shown = open ? openCharsMax : bodyCharsMax
  return el(
    'li',
    { 'data-key': `${key}`, class: `record ${level}`, 'data-level': level },
    el('time', { datetime: new Date(timestamp).toISOString() }, clock(timestamp, now)),
    el(
      'span',
      { class: 'level' },
      badge(
        tones[level] ?? 'plain',
        severityText === '' || level !== 'none' ? words.logLevels[level]! : severityText,
      ),
    ),
    typeof service === 'string' && service !== ''
      ? el(
          'button',
          {
            type: 'button',
            class: 'bare service-name',
            'data-log-field': 'service',
            'data-log-value': service,
            'aria-label': words.logServiceOnly(service),
          },
          service,
        )
      : el('span', { class: 'service-name' }),
    el(
      'button',
      {
        type: 'button',
        class: `bare message${open ? ' open' : ''}`,
        'data-log-record': key,
        'aria-expanded': open ? 'true' : 'false',
        title: open ? undefined : words.logRecordOpen,
      },
      body.slice(0, shown) || '–',
      body.length > shown && el('span', { class: 'quiet' }, words.logCut(body.length - shown)),
    ),
    open && fields(record, words),
  )
}

function clock(timestamp: number, now: Date): string {
  const at = new Date(timestamp)
  return `${formatTime(at, now)}.${String(at.getMilliseconds()).padStart(3, '0')}`
}

function fields(record: LogRecord, words: Words): Element {
  const { severityText, traceId, spanId, resource, attributes } = record
  const all: [string, LogValue | undefined][] = [
    ['log.level', severityText === '' ? undefined : severityText],
    ['trace.id', traceId],
    ['span.id', spanId],
    ...Object.entries(resource),
    ...Object.entries(attributes),
  ]
  const there = all.filter(([, value]) => value !== undefined && value !== '')
  return el(
    'dl',
    { class: 'fields' },
    field('observed', new Date(record.observed).toISOString(), false, words),
    there
      .slice(0, fieldsMax)
      .map(([name, value]) => field(name, value!, canAsk(name) && value !== null, words)),
    there.length > fieldsMax && el('dd', { class: 'quiet' }, words.logMoreFields(there.length - fieldsMax)),
  )
}

function field(name: string, value: LogValue, asks: boolean, words: Words): Element {
  const text = String(value)
  const shown = text.length > valueCharsMax ? `${text.slice(0, valueCharsMax)}…` : text
  const short = text.slice(0, 60)
  const button = (how: 'only' | 'without', label: string, of: string): Element =>
    el(
      'button',
      {
        type: 'button',
        class: 'small',
        'data-log-field': name,
        'data-log-value': text,
        'data-log-without': how === 'without',
        'aria-label': of,
      },
      label,
    )
  return el(
    'div',
    { 'data-key': name },
    el('dt', null, name),
    el('dd', null, shown),
    asks &&
      text.length <= valueCharsMax &&
      el(
        'dd',
        { class: 'ask' },
        button('only', words.logOnly, words.logOnlyOf(name, short)),
        button('without', words.logWithout, words.logWithoutOf(name, short)),
      ),
  )
}
