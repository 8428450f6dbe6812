import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseLogFilter } from '@budao/model'
import type { LogRecord, LogsTally } from '@budao/model'
import type { Element, Node } from './element.ts'
import { textOf } from './element.ts'
import { logBars } from './log-bars.ts'
import { canAsk, conditionOf, withCondition, withLevel } from './log-condition.ts'
import type { LogsState } from './log-page.ts'
import { readSearch, searchParameters, searchQuery } from './log-search.ts'
import { logView } from './log-view.ts'
import { readRoute, routeTo } from './page-route.ts'
import { ServerEventReader } from './server-events.ts'
import { languages } from './words.ts'

const words = languages.en
const now = new Date('2026-01-01T12:00:10Z')

const record = (body: string, changes: Partial<LogRecord> = {}): LogRecord => ({
  timestamp: now.getTime() - 5_000,
  observed: now.getTime(),
  severityNumber: 17,
  severityText: 'error',
  body,
  resource: { 'service.name': 'shop' },
  attributes: { 'url.path': '/a b', 'odd name': 1 },
  ...changes,
})

const state = (changes: Partial<LogsState> = {}): LogsState => ({
  search: readSearch({}),
  status: 'answered',
  problem: '',
  records: [],
  older: false,
  read: { blocks: 1, skipped: 2, bytes: 3_000_000, lines: 4 },
  tally: null,
  report: null,
  follow: null,
  open: new Set(),
  paged: false,
  ...changes,
})

test('what is pressed becomes a condition that a filter reads as meant, whatever is in the value', () => {
  for (const value of ['plain', 'two words', 'a"b\\c', '*', '', 'x:y', '(a)', '支付', '-1']) {
    assert.deepEqual(parseLogFilter(conditionOf('k', value)), {
      kind: 'field',
      name: 'k',
      operator: '=',
      value,
    })
    assert.deepEqual(parseLogFilter(conditionOf('k', value, true)), {
      kind: 'not',
      part: { kind: 'field', name: 'k', operator: '=', value },
    })
  }
  assert.deepEqual([canAsk('url.path'), canAsk('odd name'), canAsk('a:b')], [true, false, false])
})

const additions: [filter: string, condition: string, wanted: string][] = [
  ['', 'k:v', 'k:v'],
  ['*', 'k:v', 'k:v'],
  ['支付', 'k:v', '支付 k:v'],
  ['a k:v', 'k:v', 'a k:v'],
  ['a -k:v', 'k:v', 'a k:v'],
  ['k:v', '-k:v', '-k:v'],
  ['a or b', 'k:v', '(a or b) k:v'],
]
for (const [filter, condition, wanted] of additions) {
  test(`${condition} added to "${filter}" is "${wanted}"`, () => {
    assert.equal(withCondition(filter, condition), wanted)
  })
}

test('a level takes the place of another one', () => {
  assert.equal(withLevel('支付 log.level>=warn k:v', 'log.level:error'), '支付 k:v log.level:error')
  assert.equal(withLevel('log.level:info', 'log.level:error'), 'log.level:error')
})

test('a search is an address and comes back from it; the usual is left out', () => {
  const search = { filter: '支付 "a b"', range: 'between', from: '2026-01-01T10:00:00', to: '' } as const
  const address = routeTo('logs', searchQuery(search))
  assert.deepEqual(readRoute(address).page, 'logs')
  assert.deepEqual(readSearch(readRoute(address).query), search)
  assert.equal(routeTo('logs', searchQuery(readSearch({}))), '#/logs')
  assert.equal(readRoute('#/nothing?x').page, 'overview')
  assert.deepEqual(searchParameters(readSearch({ range: '15m' })), { from: '15m' })
  assert.deepEqual(searchParameters(readSearch({ range: 'all' }), 0), { to: '1970-01-01T00:00:00.000Z' })
  assert.equal(searchParameters(search)['from'], new Date('2026-01-01T10:00:00').toISOString())
})

test('events of a stream are whole however they were cut', () => {
  const text = 'retry: 1000\n\n: alive\n\ndata: {"a":1}\n\nevent: missed\ndata: 7\n\n'
  for (let cut = 0; cut <= text.length; cut++) {
    const reader = new ServerEventReader()
    assert.deepEqual(
      [...reader.take(text.slice(0, cut)), ...reader.take(text.slice(cut))],
      [
        { kind: 'message', data: '{"a":1}' },
        { kind: 'missed', data: '7' },
      ],
    )
  }
  assert.throws(() => new ServerEventReader().take('x'.repeat(9_000_000)), /without an end/)
})

test('a record shows its line; opened, every field with buttons that say what they do', () => {
  const one = record('支付回调失败', { traceId: 'ab' })
  const closed = view(state({ records: [one], older: true }))
  assert.match(textOf(closed), /The latest 1 of more.*error.*shop支付回调失败.*Older/)
  assert.equal(find(closed, 'data-log-without').length, 0)
  const open = view(state({ records: [one], open: new Set([one]) }))
  const asked = find(open, 'data-log-without').map(({ attributes }) => attributes['aria-label'])
  assert.deepEqual(asked, [
    'Without log.level being error',
    'Without trace.id being ab',
    'Without service.name being shop',
    'Without url.path being /a b',
  ])
})

test('long lines and many fields are cut, with how much is missing', () => {
  const attributes = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`f${index}`, index]))
  const long = record('x'.repeat(50_000), { attributes })
  assert.match(textOf(view(state({ records: [long] }))), /… 49.500 more characters/)
  assert.match(textOf(view(state({ records: [long], open: new Set([long]) }))), /and 20\d more fields/)
})

test('that nothing was found, that nothing can be, and why, are said', () => {
  assert.match(textOf(view(state())), /No record passes\. ?Try a longer time/)
  assert.match(textOf(view(state({ status: 'off' }))), /collects no logs.*paths/s)
  const refused = view(state({ status: 'refused', problem: 'column 3: expected …', read: null }))
  assert.match(textOf(refused), /cannot be read: column 3/)
  assert.equal(find(refused, 'data-log-trouble')[0]!.attributes['role'], 'alert')
  const follow = { came: 5, missed: 7, away: 'gone' }
  assert.match(textOf(view(state({ follow }))), /broke off.*7 were too many.*Following: 5 came/s)
})

test('bars say in words what they show, and are marked where they are too low', () => {
  const tally: LogsTally = {
    from: now.getTime() - 60_000,
    stepMs: 30_000,
    levels: { error: [0, 3], info: [40, 10] },
    total: 53,
    complete: false,
    read: { blocks: 1, skipped: 0, bytes: 1, lines: 53 },
  }
  const shown = logBars(tally, now, words)
  const [image] = find([shown], 'aria-label')
  assert.match(image!.attributes['aria-label']!, /^53 records from .* to .*: error 3, info 50$/)
  assert.equal(find([shown], 'data-bar-from').length, 2)
  assert.match(textOf(shown), /up to 40 in 30 s.*older bars are too low/)
  assert.equal(find([shown], 'data-log-level').length, 2)
})

function view(of: LogsState): Node[] {
  return logView(of, now, words)
}

function find(nodes: readonly Node[], attribute: string): Element[] {
  return nodes.flatMap((node) =>
    typeof node === 'string'
      ? []
      : [...(attribute in node.attributes ? [node] : []), ...find(node.children, attribute)],
  )
}
