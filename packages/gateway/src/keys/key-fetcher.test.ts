import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Config, EventDraft } from '@budao/model'
import { parseConfig } from '@budao/model/parser'
import { freePort, tempDir } from '@budao/testkit'
import { until } from '../test-gateway.test.ts'
import { KeyFetcher } from './key-fetcher.ts'
import type { KeyTexts } from './remote-texts.ts'

const keysOf = (...ids: string[]): string =>
  JSON.stringify({ keys: ids.map((kid) => ({ kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', kid })) })

interface World {
  readonly fetcher: KeyFetcher
  readonly config: Config
  readonly url: string
  readonly events: EventDraft[]
  readonly told: KeyTexts[]
  /** Moves the clock that cooldowns are measured with. */
  at: number
  asked: number
  answer: { status: number; body: string; hang?: boolean; headers?: Record<string, string> }
}

interface Wanted {
  readonly folder?: string
  readonly fetch?: string
  readonly port?: number
}

async function world(t: TestContext, { folder, fetch = '{}', port }: Wanted = {}): Promise<World> {
  const made = {
    events: [],
    told: [],
    at: 0,
    asked: 0,
    answer: { status: 200, body: keysOf('a') },
  } as unknown as World
  const server = createServer((_, response) => {
    made.asked++
    const { status, body, hang, headers } = made.answer
    if (hang === true) return
    response.writeHead(status, headers).end(body)
  })
  if (port === undefined) {
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    t.after(() => server.close().closeAllConnections())
  }
  const address = port ?? (server.address() as { port: number }).port
  const url = `http://127.0.0.1:${address}/jwks?secret=x`
  const fetcher = new KeyFetcher({
    now: () => made.at,
    outside: { keysFolder: folder, report: (event) => made.events.push(event), warn: () => {} },
    tell: (texts) => made.told.push(texts),
  })
  t.after(() => fetcher.close())
  return Object.assign(made, { fetcher, url, config: configWith(url, fetch) })
}

function configWith(url: string, fetch: string): Config {
  const parsed = parseConfig(
    `version: 1
node: { name: gw-1, site: east }
sites: { east: {} }
listeners: [{ name: web, address: "127.0.0.1:0", protocol: http }]
services: { shop: { endpoints: [{ address: "127.0.0.1:1", site: east }] } }
routes: [{ name: all, backends: [{ service: shop }], filters: [{ jwt: { jwks: "${url}", fetch: ${fetch} } }] }]`,
    'test.yaml',
  )
  assert.ok(parsed.ok, JSON.stringify(parsed))
  return parsed.config
}

const kinds = ({ events }: World): string[] => events.map(({ kind }) => kind)

test('keys are there before a configuration is in force, and told to all threads', async (t) => {
  const made = await world(t)
  await made.fetcher.prepare(made.config)
  assert.deepEqual(made.fetcher.texts(), { [made.url]: keysOf('a') })
  assert.deepEqual(made.told.at(-1), made.fetcher.texts())
  assert.deepEqual(kinds(made), [])
  await made.fetcher.prepare(made.config)
  assert.equal(made.asked, 1)
})

test('a key that is not known is looked for, once in a cooldown, whoever asks how often', async (t) => {
  const made = await world(t)
  await made.fetcher.prepare(made.config)
  made.answer.body = keysOf('a', 'b')
  await made.fetcher.wanted(made.url)
  assert.equal(made.asked, 1)
  made.at = 30_001
  await Promise.all([made.fetcher.wanted(made.url), made.fetcher.wanted(made.url)])
  assert.equal(made.asked, 2)
  assert.deepEqual(made.told.at(-1), { [made.url]: keysOf('a', 'b') })
  assert.deepEqual(kinds(made), ['keys.changed'])
  assert.equal(made.events[0]!.evidence['keys'], 'a b')
  await made.fetcher.wanted(made.url)
  assert.equal(made.asked, 2)
})

test('keys are fetched again after each interval', async (t) => {
  const made = await world(t, { fetch: '{ interval: 20ms }' })
  await made.fetcher.prepare(made.config)
  made.answer.body = keysOf('b')
  await until('the new keys are told', () => made.told.at(-1)?.[made.url] === keysOf('b'))
})

const failures: [what: string, answer: World['answer'], reason: RegExp][] = [
  ['an error', { status: 500, body: '' }, /expected 200, got 500/],
  [
    'a redirect',
    { status: 302, body: '', headers: { location: 'http://evil.example/' } },
    /expected 200, got 302/,
  ],
  ['no JSON', { status: 200, body: '<html>' }, /not JSON/],
  ['no key', { status: 200, body: '{"keys":[]}' }, /1 to 100 keys/],
  ['a shared secret', { status: 200, body: '{"keys":[{"kty":"oct","k":"AA"}]}' }, /symmetric/],
  ['more than a mebibyte', { status: 200, body: ' '.repeat(1_048_577) }, /at most 1048576 bytes/],
  ['nothing in time', { status: 200, body: '', hang: true }, /no complete answer within 200 ms/],
]
for (const [what, answer, reason] of failures) {
  test(`${what} leaves the last good keys in force, told once, until there are good ones again`, async (t) => {
    const made = await world(t, { fetch: '{ interval: 20ms, cooldown: 20ms, timeout: 200ms }' })
    await made.fetcher.prepare(made.config)
    made.answer = answer
    await until('it is told', () => made.events.length === 1)
    assert.equal(made.events[0]!.kind, 'keys.unavailable')
    assert.equal(made.events[0]!.severity, 'warning')
    assert.match(String(made.events[0]!.evidence['reason']), reason)
    assert.doesNotMatch(JSON.stringify(made.events), /secret/)
    const { asked } = made
    await until('it is tried again', () => made.asked > asked + 1)
    assert.deepEqual(kinds(made), ['keys.unavailable'])
    assert.equal(made.fetcher.texts()[made.url], keysOf('a'))
    assert.equal(made.fetcher.report()[0]!.up, false)
    made.answer = { status: 200, body: keysOf('b') }
    await until('the new keys are there', () => made.fetcher.texts()[made.url] === keysOf('b'))
    assert.deepEqual(kinds(made), ['keys.unavailable', 'keys.available'])
  })
}

test('a copy from before lets a gateway start while the URL is away', async (t) => {
  const folder = tempDir(t)
  const first = await world(t, { folder })
  await first.fetcher.prepare(first.config)
  await until('the copy is written', () => readdirSync(folder).some((name) => name.endsWith('.json')))
  first.answer = { status: 503, body: '' }
  const second = new KeyFetcher({
    now: () => 0,
    outside: { keysFolder: folder, report: (event) => first.events.push(event), warn: () => {} },
    tell: () => {},
  })
  t.after(() => second.close())
  await second.prepare(first.config)
  assert.equal(second.texts()[first.url], keysOf('a'))
  await until('it is told', () => first.events.length > 0)
  assert.equal(first.events[0]!.severity, 'warning')
})

test('a copy that is broken is none; without keys a gateway starts all the same, and says that it is critical', async (t) => {
  const folder = tempDir(t)
  const made = await world(t, { folder, port: await freePort() })
  writeFileSync(join(folder, 'x.json'), 'broken')
  await made.fetcher.prepare(made.config)
  assert.equal(made.fetcher.texts()[made.url], undefined)
  assert.equal(made.events[0]!.severity, 'critical')
})

test('what no configuration names any more is not fetched', async (t) => {
  const made = await world(t, { fetch: '{ interval: 20ms }' })
  await made.fetcher.prepare(made.config)
  made.fetcher.retain(undefined)
  assert.deepEqual(made.fetcher.report(), [])
})
