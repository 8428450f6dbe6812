import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rawServer } from '@budao/testkit'
import { SeededRandom } from '@budao/resilience'
import { testGateway } from './test-gateway.test.ts'

/** What an origin says of an answer, and whether that makes it everybody's. */
const sayings: readonly [headers: Record<string, string>, forAll: boolean][] = [
  [{}, false],
  [{ 'Cache-Control': 'max-age=60' }, false],
  [{ 'Cache-Control': 'private, max-age=60' }, false],
  [{ 'Cache-Control': 'no-store' }, false],
  [{ 'Cache-Control': 'no-cache', ETag: '"1"' }, false],
  [{ 'Cache-Control': 'public, max-age=60' }, true],
  [{ 'Cache-Control': 's-maxage=60' }, true],
  [{ 'Cache-Control': 'public, max-age=60', 'Set-Cookie': 'session=1' }, false],
  [{ 'Cache-Control': 'public, max-age=60', Vary: '*' }, false],
  [{ 'Cache-Control': 'max-age=60', Vary: 'Cookie' }, false],
  [{ 'Cache-Control': 'max-age=0, stale-while-revalidate=60, stale-if-error=60' }, false],
]

const clients: readonly (readonly string[])[] = [
  [],
  ['Cookie: user=1'],
  ['Cookie: user=2'],
  ['Authorization: Bearer 3'],
  ['X-Session: 4'],
  ['Cookie: user=5', 'Range: bytes=0-100'],
  ['Cookie: user=6', 'If-None-Match: "0"'],
]

test('no client is given what was said to another one, unless the origin said that it is for all', async (t) => {
  const random = new SeededRandom(20_260_101)
  const draw = <T>(from: readonly T[]): T => from[Math.floor(random.next() * from.length)]!
  const forAll = new Set<string>()
  let answers = 0
  let failing = false
  const backend = await rawServer(t, async ({ connection, head, body }) => {
    await body()
    if (failing && random.next() < 0.5) return connection.respond(503, 'down')
    const who = /\r\n(?:cookie|authorization|x-session): ([^\r]+)/i.exec(head)?.[1] ?? 'anybody'
    const [headers, shared] = draw(sayings)
    const text = `${++answers} for ${who}`
    if (shared) forAll.add(text)
    connection.respond(200, text, headers)
  })
  const gateway = await testGateway(t, {
    workers: 2,
    endpoints: [backend.address],
    service: { outlier: false, breaker: false },
    route: {
      cache: {
        ttl: '1m',
        staleIfError: '1m',
        staleWhileRevalidate: '1m',
        credentials: ['Cookie', 'X-Session'],
      },
      fallback: { stale: '1m' },
    },
  })
  let shared = 0
  for (let round = 0; round < 40; round++) {
    failing = round % 4 === 3
    const asks = Array.from({ length: 12 }, async () => {
      const lines = draw(clients)
      const me = lines[0]?.replace(/^[^:]+: /, '') ?? 'anybody'
      const answer = await gateway.request(`/${Math.floor(random.next() * 5)}`, lines)
      const said = /^\d+ for (.+)$/.exec(answer.body)?.[1]
      if (said === undefined || said === me) return
      shared++
      assert.ok(forAll.has(answer.body), `${me} was given "${answer.body}"`)
    })
    await Promise.all(asks)
    if (round % 5 === 4) await gateway.gateway.purgeCache({})
  }
  assert.ok(shared > 0, 'what is for all is shared')
})
