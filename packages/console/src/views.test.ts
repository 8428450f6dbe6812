import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AlertReport, AlertsReport } from '@budao/model'
import { sampleEndpoint as endpoint, sampleService as shop } from '@budao/testkit'
import { event, report, route } from '../test/reports.ts'
import { banner, headlineOf } from './banner.ts'
import { isDrained } from './drain-dialog.ts'
import { el, textOf } from './element.ts'
import type { Element, Node } from './element.ts'
import { eventList } from './event-list.ts'
import { pill, signOf, toneOf } from './labels.ts'
import { answered, initialState, unanswered } from './page-state.ts'
import { nextDelayMs } from './schedule.ts'
import { refused, routes, services, sites } from './tables.ts'
import { chooseLanguage, languages } from './words.ts'
import type { Language, Words } from './words.ts'

const words = languages.en
const now = new Date('2026-01-01T12:00:10.000Z')

/** Every element below, itself included. */
function all(node: Node): Element[] {
  return typeof node === 'string' ? [] : [node, ...node.children.flatMap(all)]
}

test('content is flattened, and nothing stands for nothing', () => {
  const made = el('p', { hidden: true, title: undefined, class: false, 'data-n': 0 }, 'a', null, false, '', [
    1,
    ['b'],
  ])
  assert.deepEqual(made, { tag: 'p', attributes: { hidden: '', 'data-n': '0' }, children: ['a', '1', 'b'] })
})

test('a state is a sign and a word, never colour alone, in both languages', () => {
  for (const language of Object.values(languages)) {
    for (const [state, word] of Object.entries(language.states)) {
      const shown = pill(state as keyof Words['states'], language)
      assert.equal(textOf(shown), signOf(toneOf(state as keyof Words['states'])) + word)
    }
  }
  assert.equal(new Set(['good', 'warn', 'bad', 'plain'].map((tone) => signOf(tone as 'good'))).size, 4)
})

test('a state this page does not know is shown without a judgement', () => {
  const shown = pill('quarantined' as 'up', words)
  assert.equal(textOf(shown), '•quarantined')
})

test('an endpoint that is out says why, in its row', () => {
  const out = endpoint('b:1', 'west', {
    state: 'unhealthy',
    lastCheckError: 'connection refused',
    release: 'canary',
  })
  const shown = services(report({ services: [shop([endpoint('a:1', 'east'), out])] }), words)
  const rows = all(shown).filter(({ attributes }) => 'data-endpoint' in attributes)
  assert.deepEqual(
    rows.map((row) => row.attributes['data-state']),
    ['usable', 'unhealthy'],
  )
  assert.match(textOf(rows[1]!), /b:1 release canary.*west.*unhealthy.*connection refused.*0 of 6\u202f000/)
})

test('every cell of a table has its column’s name, for narrow screens', () => {
  for (const shown of [services(report(), words), routes(report(), words)]) {
    const elements = all(shown)
    const titles = elements
      .filter(({ tag, attributes }) => tag === 'th' && attributes['scope'] === 'col')
      .map(textOf)
    for (const row of elements.filter(({ tag }) => tag === 'tr').slice(1)) {
      const cells = row.children as Element[]
      assert.equal(cells.length, titles.length)
      cells.slice(1).forEach((cell, index) => assert.equal(cell.attributes['data-title'], titles[index + 1]))
    }
  }
})

test('tables keep their meaning for screen readers although a phone shows them as cards', () => {
  const elements = all(services(report(), words))
  const roles: Record<string, string[]> = {
    table: ['table'],
    thead: ['rowgroup'],
    tbody: ['rowgroup'],
    tr: ['row'],
    td: ['cell'],
    th: ['columnheader', 'rowheader'],
  }
  for (const { tag, attributes } of elements) {
    if (tag in roles) assert.ok(roles[tag]!.includes(attributes['role'] ?? ''), `${tag} has its role`)
    if (tag === 'button') assert.ok(attributes['aria-label'], 'each button says what it changes')
  }
})

test('an empty configuration is said, not drawn as an empty table', () => {
  assert.match(textOf(services(report({ services: [] }), words)), /names no services/)
  assert.match(textOf(routes(report({ routes: [] }), words)), /names no routes/)
})

test('errors of a route stand out', () => {
  const shown = routes(report({ routes: [route('a', 10, { errors: 2 })] }), words)
  assert.equal(all(shown).filter(({ attributes }) => attributes['class'] === 'bad-number').length, 1)
})

test('sites show their state and load', () => {
  assert.match(textOf(sites(report(), words)), /east✓up1 of 1 endpoints usable120 requests\/s/)
})

test('a refused configuration is shown with every problem', () => {
  assert.equal(refused(report(), now, words), null)
  const shown = refused(report({ refused: { at: now.toISOString(), problems: ['one', 'two'] } }), now, words)
  assert.match(textOf(shown!), /refused.*onetwo$/)
})

test('events come newest first, with their evidence', () => {
  const shown = eventList([event(1), event(2, { evidence: { misses: 3, lastError: null } })], now, words)
  const items = all(shown).filter(({ attributes }) => 'data-event' in attributes)
  assert.deepEqual(
    items.map((item) => item.attributes['data-key']),
    ['2', '1'],
  )
  assert.match(textOf(items[0]!), /10 s ago.*warningendpoint unhealthyevent 2misses 3lastError null/)
  assert.match(textOf(eventList([], now, words)), /No events yet/)
})

test('an event of a kind this page does not know is still shown', () => {
  assert.match(
    textOf(eventList([event(1, { kind: 'site.fenced' as 'gateway.started' })], now, words)),
    /site\.fenced/,
  )
})

test('silence of the admin API is the headline, with the last known state below', () => {
  const state = answered(initialState, report(), { lastSeq: 0, events: [] }, now, 0)
  assert.equal(headlineOf(state, now, words).text, 'Everything is up')
  const silent = unanswered(state, 'timed out', now)
  assert.deepEqual(headlineOf(silent, now, words), { sign: '✕', text: words.unreachable })
  const shown = banner(silent, new Date(now.getTime() + 23_000), words)
  assert.match(textOf(shown[0]!), /does not answer.*\(23 s\).*timed out.*Below is what it said at/)
  assert.match(textOf(shown[1]!), /Everything is up/)
})

test('an alert that fires and is told of is in the headline; one that is silenced is not', () => {
  const alert = (name: string, muted: AlertReport['muted'], state: AlertReport['state'] = 'firing') =>
    ({ name, severity: 'P1', state, muted, since: now.toISOString(), labels: {} }) as unknown as AlertReport
  const seen = (...alerts: AlertReport[]): string => {
    const known = { report: { alerts } as unknown as AlertsReport, history: null }
    const state = answered(initialState, report(), { lastSeq: 0, events: [] }, now, 0, null, known)
    return `${headlineOf(state, now, words).text}. ${textOf(banner(state, now, words))}`
  }
  assert.match(seen(alert('a', 'silenced'), alert('b', null, 'pending')), /^Everything is up\./)
  assert.match(
    seen(alert('a', null), alert('b', null), alert('a', null)),
    /^Serving, but something needs attention\..*Alert a fires \(P1, 2 of them\)Alert b fires \(P1\)/,
  )
})

test('before the first answer nothing is claimed', () => {
  assert.match(textOf(banner(initialState, now, words)), /Asking/)
  const silent = unanswered(initialState, 'refused', now)
  assert.doesNotMatch(textOf(banner(silent, now, words)), /Below|up/)
})

const preferences: [preferred: string[], language: Language][] = [
  [[], 'en'],
  [['', 'zh-CN', 'en'], 'zh'],
  [['', 'en-US', 'zh'], 'en'],
  [['', 'de-DE', 'zh-TW'], 'zh'],
  [['fr'], 'en'],
  [['zh', 'en-GB'], 'zh'],
]
for (const [preferred, language] of preferences) {
  test(`a reader of ${preferred.join(', ') || 'nothing'} gets ${language}`, () => {
    assert.equal(chooseLanguage(preferred), language)
  })
}

test('asking slows down while nobody answers, but never stops', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 1_000].map(nextDelayMs),
    [1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000],
  )
})

test('an endpoint says where it comes from, and what a person drains can be put back where it was drained', () => {
  const drain = { since: '2026-01-01T00:00:00.000Z', reason: 'new kernel', endpoints: 1, inFlight: 2 }
  const lease = { origin: 'registered', leaseMs: 24_200 } as const
  const drained = report({
    services: [
      shop([
        endpoint('a:1', 'east', { origin: 'resolved', resolvedFrom: 'shop.internal:1' }),
        endpoint('b:1', 'east', { ...lease, state: 'draining' }),
        endpoint('c:1', 'west', { state: 'draining' }),
      ]),
    ],
    drains: [
      { ...drain, site: 'west', endpoint: null, service: null },
      { ...drain, site: null, endpoint: 'b:1', service: null },
    ],
  })
  const rows = all(services(drained, words)).filter(({ attributes }) => 'data-endpoint' in attributes)
  assert.match(textOf(rows[0]!), /from shop\.internal:1.*Drain…/)
  assert.match(textOf(rows[1]!), /registered, lease ends in 25 s.*draining.*Put back…/)
  const buttons = rows.map((row) => all(row).find(({ attributes }) => 'data-drain-endpoint' in attributes))
  assert.deepEqual(
    buttons.map((button) => button?.attributes['data-drain-service']),
    ['shop', undefined, undefined],
  )
  assert.equal(buttons[2], undefined, 'its site is drained: it is put back there')
  const cards = all(sites(drained, words)).filter(({ attributes }) => 'data-site' in attributes)
  assert.match(textOf(cards[1]!), /new kernel · 2 requests under way Put back…/)
  assert.match(textOf(cards[0]!), /Drain…/)
  assert.deepEqual(
    [
      isDrained(drained, { site: 'west' }),
      isDrained(drained, { site: 'east' }),
      isDrained(drained, { endpoint: 'b:1' }),
      isDrained(drained, { endpoint: 'b:1', service: 'shop' }),
    ],
    [true, false, true, false],
  )
})
