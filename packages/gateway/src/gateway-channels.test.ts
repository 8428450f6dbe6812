import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { compactVerify, importSPKI } from 'jose'
import { testFiles, testGateway, until, type TestGateway } from './test-gateway.test.ts'

const pem = (bits: number): string =>
  generateKeyPairSync('rsa', {
    modulusLength: bits,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey
const key = pem(2_048)
const [a, b] = ['https://a.example.com', 'https://b.example.com:8443']

interface Payload {
  readonly v: number
  readonly version: number
  readonly iat: number
  readonly exp: number
  readonly order: readonly string[]
}

function routes(channels: object): { name: string }[] {
  const match = [{ path: { exact: '/budao/v1/channels' } }]
  return [{ name: 'channels', match, serve: { channels: { key: 'key.pem', ...channels } } }] as unknown as {
    name: string
  }[]
}

async function gatewayWith(
  t: TestContext,
  channels: object,
  files: Record<string, string> = {},
): Promise<{ gateway: TestGateway; dir: string }> {
  const dir = testFiles(t, { 'key.pem': key, ...files })
  const gateway = await testGateway(t, { routes: routes(channels), workers: 2 }, dir, {
    certificatePollMs: 20,
  })
  return { gateway, dir }
}

async function list(gateway: TestGateway): Promise<Payload> {
  const response = await gateway.request('/budao/v1/channels')
  assert.equal(response.status, 200, response.body)
  assert.equal(response.header('content-type'), 'application/jose')
  assert.equal(response.header('cache-control'), 'no-store')
  const spki = createPublicKey(key).export({ type: 'spki', format: 'pem' }) as string
  const { payload, protectedHeader } = await compactVerify(response.body, await importSPKI(spki, 'RS256'))
  assert.equal(protectedHeader.alg, 'RS256')
  // As small code on a phone does it.
  const [head, body, signature] = response.body.split('.')
  const input = Buffer.from(`${head}.${body}`)
  assert.ok(verify('sha256', input, createPublicKey(key), Buffer.from(signature!, 'base64url')))
  return JSON.parse(new TextDecoder().decode(payload)) as Payload
}

test('the order of the configuration is signed once, for all workers and requests', async (t) => {
  const { gateway } = await gatewayWith(t, { order: [a, b], version: 7 })
  const { v, version, iat, exp, order } = await list(gateway)
  assert.deepEqual({ v, version, order }, { v: 1, version: 7, order: [a, b] })
  assert.equal(exp - iat, 3_600)
  const texts = new Set<string>()
  for (let index = 0; index < 12; index++) texts.add((await gateway.request('/budao/v1/channels')).body)
  assert.equal(texts.size, 1)
  assert.equal((await gateway.request('POST /budao/v1/channels')).status, 405)
  const metrics = gateway.gateway.metrics()
  assert.match(metrics, /^budao_channels_version\{route="channels"\} 7$/m)
  assert.match(metrics, /^budao_channels_expiry_seconds\{route="channels"\} 3[0-9.]+$/m)
})

test('a list is signed anew at half of its life', async (t) => {
  const { gateway } = await gatewayWith(t, { order: [a, b], version: 1, ttl: '2s' })
  const { iat } = await list(gateway)
  await until('a younger list', async () => (await list(gateway)).iat > iat)
})

test('an order in a file is told when the file changes; what apps would refuse is refused, with the last good one in force', async (t) => {
  const file = (version: number, order: readonly string[]): string => JSON.stringify({ version, order })
  const { gateway, dir } = await gatewayWith(t, { file: 'order.json' }, { 'order.json': file(3, [a, b]) })
  const write = (text: string): void => {
    writeFileSync(join(dir, 'draft'), text)
    renameSync(join(dir, 'draft'), join(dir, 'order.json'))
  }
  assert.deepEqual((await list(gateway)).order, [a, b])
  write(file(4, [b, a]))
  await until('the new order', async () => (await list(gateway)).version === 4)
  assert.deepEqual((await list(gateway)).order, [b, a])
  const [changed] = gateway.eventsOf('channels.changed', 'channels')
  assert.deepEqual(changed!.evidence, { version: 4, before: 3, order: `${b} ${a}` })
  const bad: [text: string, problem: RegExp][] = [
    [file(3, [a, b]), /expected at least 4, which is in force, got 3/],
    [file(4, [a, b]), /expected more than 4, since the order is another, got 4/],
    ['{', /expected JSON such as/],
    [file(5, []), /order: /],
    [file(5, [a, a]), /given twice/],
    [file(5, ['https://a.example.com/path']), /order\[0\]: /],
    [JSON.stringify({ version: 5, order: [a], more: 1 }), /more/],
  ]
  for (const [index, [text, problem]] of bad.entries()) {
    write(text)
    await until(`event ${index}`, () => gateway.eventsOf('channels.refused').length === index + 1)
    assert.match(String(gateway.eventsOf('channels.refused')[index]!.evidence['problem']), problem)
    assert.equal((await list(gateway)).version, 4)
  }
  write(file(6, [a, b]))
  await until('the repaired file', async () => (await list(gateway)).version === 6)
})

test('a reload may raise the version, not lower it', async (t) => {
  const { gateway } = await gatewayWith(t, { order: [a, b], version: 2 })
  const apply = (order: readonly string[], version: number) =>
    gateway.apply({ routes: routes({ order, version }), workers: 2 })
  for (const [order, version] of [
    [[a, b], 1],
    [[b, a], 2],
  ] as const) {
    const refused = await apply(order, version)
    assert.ok(!refused.ok)
    assert.match(refused.problem, /^route channels: channels: version: expected /)
    assert.deepEqual((await list(gateway)).order, [a, b])
  }
  assert.deepEqual(await apply([b, a], 3), { ok: true })
  assert.deepEqual((await list(gateway)).order, [b, a])
})

test('a key that apps cannot check keeps a gateway from starting, without a word of the key', async (t) => {
  const ec = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey
  const table: [text: string, problem: RegExp][] = [
    [pem(1_024), /at least 2048 bits, got 1024/],
    [ec, /expected an RSA key/],
    [key + key, /expected one key, got 2/],
    [key.replace(/\n[^-]{40}/, '\n'), /expected a key in PEM without a password/],
    ['nothing', /expected a private key in PEM/],
  ]
  for (const [text, problem] of table) {
    const dir = testFiles(t, { 'key.pem': text })
    await assert.rejects(testGateway(t, { routes: routes({ order: [a, b], version: 1 }) }, dir), (error) => {
      assert.match(String(error), problem)
      assert.doesNotMatch(String(error), /MII/)
      return true
    })
  }
})

test('a worker that is replaced has the list too', async (t) => {
  const dir = testFiles(t, { 'key.pem': key, 'crash.js': crash })
  const crashing = { name: 'crash', match: [{ path: { exact: '/crash' } }], respond: {} }
  const all = [
    ...routes({ order: [a, b], version: 1 }),
    { ...crashing, filters: [{ module: { path: 'crash.js' } }] },
  ]
  const gateway = await testGateway(t, { routes: all }, dir)
  await gateway.request('/crash').catch(() => {})
  await until('the worker is back', () => gateway.eventsOf('worker.started').length > 0)
  assert.equal((await list(gateway)).version, 1)
})

const crash = `export default () => ({ onRequest() { setImmediate(() => { throw new Error('on purpose') }); return new Promise(() => {}) } })`
