import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GatewayReport } from '@budao/model'
import { sampleEndpoint as endpoint, sampleService as shop, sampleSite } from '@budao/testkit'
import { event, report } from '../test/reports.ts'
import type { Tone } from './labels.ts'
import { summarise } from './summary.ts'
import type { RouteTraffic } from './traffic.ts'
import { languages } from './words.ts'

const noon = new Date('2026-01-01T12:00:00.000Z')
const quiet: RouteTraffic = { name: 'shop-api', answers: 100, errors: 0, fallbacks: 0, retries: 0 }
const opened = { state: 'open', calls: 20, failures: 12, slow: 0 } as const
const dead = endpoint('b:1', 'west', {
  state: 'unhealthy',
  healthy: false,
  lastCheckError: 'connection refused',
})
const westDown = [sampleSite('east'), sampleSite('west', { state: 'down', usable: 0, requestsPerSecond: 0 })]

const situations: [
  what: string,
  changes: Partial<GatewayReport>,
  tone: Tone,
  headline: RegExp,
  broken: RegExp[],
][] = [
  ['all is well', {}, 'good', /^Everything is up$/, []],
  [
    'a site is lost and the other serves',
    { sites: westDown, services: [shop([endpoint('a:1', 'east'), dead], { state: 'degraded' })] },
    'warn',
    /^Site west is down; east serves$/,
    [/^b:1 \(west\) is unhealthy: connection refused$/],
  ],
  [
    'a service is lost',
    { services: [shop([dead], { state: 'down' })], sites: westDown },
    'bad',
    /^shop is down$/,
    [/^b:1 \(west\) is unhealthy/],
  ],
  [
    'an endpoint is ejected, its breaker open: one line',
    {
      services: [
        shop([endpoint('b:1', 'west', { state: 'ejected', ejectedForMs: 23_400, breaker: opened })], {
          state: 'degraded',
        }),
      ],
    },
    'warn',
    /^shop is degraded$/,
    [/^b:1 \(west\) is ejected: after failed requests, for 24 s more$/],
  ],
  [
    'an endpoint is out by its breaker',
    {
      services: [shop([endpoint('b:1', 'west', { state: 'open', breaker: opened })], { state: 'degraded' })],
    },
    'warn',
    /degraded/,
    [/^b:1 \(west\) is open: 12 of 20 calls failed$/],
  ],
  [
    'a breaker was forced, and may have been forgotten',
    { services: [shop([endpoint('a:1', 'east', { breaker: { ...opened, state: 'forced-closed' } })])] },
    'warn',
    /attention/,
    [/^breaker of a:1 is forced closed$/],
  ],
  [
    'the breaker of a service is open',
    { services: [shop([endpoint('a:1', 'east')], { breaker: opened })] },
    'warn',
    /attention/,
    [/^breaker of shop is open$/],
  ],
  [
    'a configuration was refused',
    { refused: { at: noon.toISOString(), problems: ['p'] } },
    'warn',
    /attention/,
    [/refused; snapshot 4 goes on/],
  ],
  [
    'a worker crashed',
    { workers: [{ id: 1, state: 'crashed', restarts: 2 }] },
    'warn',
    /attention/,
    [/^worker 1/],
  ],
  ['it drains', { state: 'draining' }, 'warn', /^This gateway is draining$/, []],
  [
    'so few are healthy that health is ignored',
    { services: [shop([endpoint('a:1', 'east')], { state: 'degraded', panic: true })] },
    'warn',
    /degraded/,
    [/panic/],
  ],
]
for (const [what, changes, tone, headline, broken] of situations) {
  test(`when ${what}`, () => {
    const summary = summarise(report(changes), [], [quiet], noon, languages.en)
    assert.equal(summary.tone, tone)
    assert.match(summary.headline, headline)
    assert.equal(summary.broken.length, broken.length, JSON.stringify(summary.broken))
    broken.forEach((pattern, index) => assert.match(summary.broken[index]!, pattern))
    // The other language judges the same.
    assert.equal(summarise(report(changes), [], [quiet], noon, languages.zh).tone, tone)
  })
}

test('a long list of broken parts is cut, and says so', () => {
  const many = Array.from({ length: 20 }, (_, index) =>
    endpoint(`x:${index}`, 'west', { state: 'unhealthy' }),
  )
  const { broken } = summarise(
    report({ services: [shop(many, { state: 'down' })] }),
    [],
    null,
    noon,
    languages.en,
  )
  assert.equal(broken.length, 7)
  assert.equal(broken.at(-1), 'and 14 more')
})

const notices: [lately: RouteTraffic[] | null, tone: Tone, text: RegExp][] = [
  [null, 'plain', /Measuring/],
  [[quiet], 'good', /^Nobody: every request was answered/],
  [[{ ...quiet, retries: 3 }], 'good', /^Nobody: 3 retries\/s hide it/],
  [
    [{ ...quiet, retries: 3, fallbacks: 2 }],
    'warn',
    /^Users of shop-api get 2 fallback answers\/s, no errors$/,
  ],
  [[{ ...quiet, errors: 5, fallbacks: 2 }], 'bad', /^Users of shop-api see 5 errors\/s \(5 %\)$/],
  [
    [
      { ...quiet, errors: 1 },
      { ...quiet, name: 'pay', errors: 50 },
    ],
    'bad',
    /^Users of pay see 50 errors\/s \(50 %\); Users of shop-api/,
  ],
]
for (const [lately, tone, text] of notices) {
  test(`who notices ${JSON.stringify(lately)}: ${text.source}`, () => {
    const { noticed } = summarise(report(), [], lately, noon, languages.en)
    assert.equal(noticed.tone, tone)
    assert.match(noticed.text, text)
  })
}

test('where nobody asks, nobody notices', () => {
  const idle = report({ requestsPerSecond: 0 })
  const { noticed } = summarise(idle, [], [{ ...quiet, answers: 0 }], noon, languages.en)
  assert.match(noticed.text, /there are no requests/)
})

test('what was done by itself: the newest first, not what people did, not what is long past', () => {
  const events = [
    event(1, { at: '2026-01-01T11:00:00.000Z' }),
    event(2),
    event(3, { kind: 'endpoint.ejected' }),
    event(4, { kind: 'breaker.forced' }),
    event(5, { kind: 'snapshot.applied' }),
    event(6, { kind: 'breaker.opened' }),
  ]
  const { done } = summarise(report(), events, [quiet], noon, languages.en)
  assert.deepEqual(
    done.map(({ seq }) => seq),
    [6, 3, 2],
  )
})
