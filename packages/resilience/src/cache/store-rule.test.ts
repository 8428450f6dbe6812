import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { judgeAnswer, type AnswerFacts, type Freshness, type StorePolicy } from './store-rule.ts'

const at = Date.UTC(2026, 0, 1, 12)
const date = (offsetMs: number): string => new Date(at + offsetMs).toUTCString()
const plain: StorePolicy = { whileRevalidateMs: 0, ifErrorMs: 0, fallbackMs: 0 }

function judge(
  headers: Readonly<Record<string, string>>,
  facts: Partial<AnswerFacts> = {},
  policy: Partial<StorePolicy> = {},
): ReturnType<typeof judgeAnswer> {
  return judgeAnswer(
    {
      method: 'GET',
      status: 200,
      credentials: 'none',
      requestNoStore: false,
      header: (name) => headers[name],
      requestedAt: at,
      receivedAt: at,
      ...facts,
    },
    { ...plain, ...policy },
  )
}

const fresh = { 'cache-control': 'max-age=60' }

const refused: [
  why: string,
  headers: Record<string, string>,
  facts?: Partial<AnswerFacts>,
  policy?: Partial<StorePolicy>,
][] = [
  ['method', fresh, { method: 'POST' }],
  ['method', fresh, { method: 'HEAD' }],
  ['partial', fresh, { status: 206 }],
  ['partial', { ...fresh, 'content-range': 'bytes 0-1/2' }],
  ['status', fresh, { status: 304 }],
  ['status', fresh, { status: 503 }],
  ['no-store', { 'cache-control': 'no-store, max-age=60' }],
  ['no-store', fresh, { requestNoStore: true }],
  ['private', { 'cache-control': 'private, max-age=60' }],
  ['private', { 'cache-control': 'private="x", s-maxage=60' }],
  ['set-cookie', { 'cache-control': 'public, max-age=60', 'set-cookie': 'a=b' }],
  ['vary', { ...fresh, vary: 'accept, *' }],
  ['credentials', fresh, { credentials: 'authorization' }],
  ['credentials', fresh, { credentials: 'other' }],
  ['credentials', { 'cache-control': 'must-revalidate, max-age=60' }, { credentials: 'other' }],
  ['credentials', {}, { credentials: 'authorization' }, { ttlMs: 60_000 }],
  ['private', { 'cache-control': 'private' }, {}, { ttlMs: 60_000, fallbackMs: 60_000 }],
  ['lifetime', {}],
  ['lifetime', { 'cache-control': 'max-age=0' }],
  ['lifetime', {}, { status: 302 }, { defaultTtlMs: 60_000 }],
  ['lifetime', { 'cache-control': 'no-cache', etag: '"1"' }, { status: 302 }],
  ['lifetime', {}, { status: 404 }, { ttlMs: 60_000, fallbackMs: 60_000 }],
]
for (const [why, headers, facts, policy] of refused) {
  test(`refused as ${why}: ${JSON.stringify([headers, facts ?? {}, policy ?? {}])}`, () => {
    assert.equal(judge(headers, facts, policy), why)
  })
}

const kept: [
  freshness: Partial<Freshness>,
  headers: Record<string, string>,
  facts?: Partial<AnswerFacts>,
  policy?: Partial<StorePolicy>,
][] = [
  [{ freshMs: 60_000, explicit: false, keepMs: 60_000 }, fresh],
  [{ freshMs: 10_000, explicit: true }, { 'cache-control': 's-maxage=10, max-age=60' }],
  [{ freshMs: 60_000, explicit: true }, { 'cache-control': 'public, max-age=60' }, { credentials: 'other' }],
  [
    { freshMs: 60_000, explicit: true, noStale: true },
    { 'cache-control': 'must-revalidate, max-age=60' },
    { credentials: 'authorization' },
  ],
  [{ freshMs: 30_000 }, { date: date(0), expires: date(30_000) }],
  [{ freshMs: 30_000 }, { expires: date(30_000) }],
  [
    { freshMs: 0, keepMs: 86_400_000 },
    { expires: '0', etag: '"1"' },
  ],
  [{ freshMs: 60_000 }, { ...fresh, expires: '0' }],
  [
    { freshMs: 50_000, initialAgeMs: 10_000 },
    { ...fresh, age: '10' },
  ],
  [
    { freshMs: 0, initialAgeMs: 0 },
    { ...fresh, etag: '"1"', age: '0, 0' },
  ],
  [{ freshMs: 0 }, { ...fresh, etag: '"1"', age: '-1' }],
  [{ freshMs: 48_000, initialAgeMs: 12_000 }, { ...fresh, age: '10' }, { requestedAt: at - 2_000 }],
  [
    { freshMs: 40_000, initialAgeMs: 20_000 },
    { ...fresh, date: date(-20_000) },
  ],
  [
    { freshMs: 60_000, initialAgeMs: 0 },
    { ...fresh, date: date(20_000) },
  ],
  [
    { freshMs: 5_000, initialAgeMs: 10_000 },
    { 'cache-control': 'no-cache', age: '10' },
    {},
    { ttlMs: 5_000 },
  ],
  [{ freshMs: 5_000 }, {}, {}, { defaultTtlMs: 5_000 }],
  [{ freshMs: 60_000 }, fresh, {}, { defaultTtlMs: 5_000 }],
  [{ freshMs: 60_000 }, fresh, { status: 404 }, { ttlMs: 5_000 }],
  [{ freshMs: 60_000 }, fresh, { status: 302 }],
  [{ whileRevalidateMs: 7_000, ifErrorMs: 8_000 }, fresh, {}, { whileRevalidateMs: 7_000, ifErrorMs: 8_000 }],
  [
    { whileRevalidateMs: 1_000, ifErrorMs: 2_000 },
    { 'cache-control': 's-maxage=1, stale-while-revalidate=1, stale-if-error=2' },
    {},
    { whileRevalidateMs: 7_000, ifErrorMs: 8_000 },
  ],
  [{ whileRevalidateMs: 0, ifErrorMs: 0 }, { 'cache-control': 's-maxage=1' }, {}, { ifErrorMs: 8_000 }],
  [
    { whileRevalidateMs: 0, ifErrorMs: 0, noStale: true, fallbackMs: 9_000 },
    { 'cache-control': 'max-age=1, proxy-revalidate, stale-if-error=9' },
    {},
    { ifErrorMs: 8_000, fallbackMs: 9_000 },
  ],
  [{ freshMs: 0, fallbackMs: 9_000, keepMs: 9_000 }, {}, {}, { fallbackMs: 9_000 }],
]
for (const [freshness, headers, facts, policy] of kept) {
  test(`kept with ${JSON.stringify(freshness)}: ${JSON.stringify([headers, facts ?? {}, policy ?? {}])}`, () => {
    const verdict = judge(headers, facts, policy)
    assert.ok(typeof verdict === 'object', JSON.stringify(verdict))
    for (const [key, value] of Object.entries(freshness))
      assert.equal(verdict[key as keyof Freshness], value, key)
  })
}
