import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test, type TestContext } from 'node:test'
import { freePort, rawServer } from '@budao/testkit'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { type TestGateway, testGateway, until } from './test-gateway.test.ts'

const first = await generateKeyPair('ES256')
const second = await generateKeyPair('ES256')

async function keySet(...pairs: (readonly [kid: string, pair: typeof first])[]): Promise<string> {
  const keys = await Promise.all(
    pairs.map(async ([kid, { publicKey }]) => ({ ...(await exportJWK(publicKey)), kid, alg: 'ES256' })),
  )
  return JSON.stringify({ keys })
}

function token(
  kid: string,
  { privateKey }: typeof first,
  claims: Record<string, unknown> = {},
): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', kid })
    .setExpirationTime('1h')
    .sign(privateKey)
}

interface KeyServer {
  asked: number
  body: string
  status: number
}

async function keyServer(t: TestContext, port: number, body: string): Promise<KeyServer> {
  const state: KeyServer = { asked: 0, body, status: 200 }
  const server = createServer((_, response) => {
    state.asked++
    response.writeHead(state.status).end(state.body)
  })
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done))
  t.after(() => server.close().closeAllConnections())
  return state
}

async function gatewayWith(
  t: TestContext,
  port: number,
  filters: readonly unknown[] = [],
): Promise<TestGateway> {
  const origin = await rawServer(t, ({ connection }) =>
    connection.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
  )
  return testGateway(t, {
    workers: 2,
    endpoints: [`127.0.0.1:${origin.port}`],
    route: {
      filters: [
        { jwt: { jwks: `http://127.0.0.1:${port}/keys`, fetch: { cooldown: '1ms', timeout: '1s' } } },
        ...filters,
      ],
    },
  })
}

async function status(gateway: TestGateway, signed: string): Promise<number> {
  return (await gateway.request('/', [`Authorization: Bearer ${signed}`])).status
}

test('keys of a URL are fetched once for all workers, and a new key is found when a token names it', async (t) => {
  const port = await freePort()
  const server = await keyServer(t, port, await keySet(['a', first]))
  const gateway = await gatewayWith(t, port)
  assert.equal(server.asked, 1)
  const [old, fresh] = [await token('a', first), await token('b', second)]
  for (let i = 0; i < 4; i++) assert.equal(await status(gateway, old), 200)
  assert.equal(await status(gateway, fresh), 403)
  server.body = await keySet(['b', second])
  await until('the new key is found', async () => (await status(gateway, fresh)) === 200)
  assert.equal(gateway.eventsOf('keys.changed').length, 1)
  // The old key is gone, with what was remembered of its tokens, in both workers.
  for (let i = 0; i < 8; i++) assert.equal(await status(gateway, old), 403)
  assert.match(gateway.gateway.metrics(), /budao_gateway_keys_up\{url="http:\/\/127.0.0.1:\d+\/keys"\} 1/)
})

test('a gateway starts without its keys, answers 503 meanwhile, and goes on without a restart', async (t) => {
  const port = await freePort()
  const gateway = await gatewayWith(t, port)
  const signed = await token('a', first)
  const { status: without, body } = await gateway.request('/', [`Authorization: Bearer ${signed}`])
  assert.equal(without, 503)
  assert.match(body, /token_keys_unavailable/)
  assert.equal(gateway.eventsOf('keys.unavailable').length, 1)
  const server = await keyServer(t, port, await keySet(['a', first]))
  await until('the keys are there', async () => (await status(gateway, signed)) === 200)
  server.status = 500
  for (let i = 0; i < 4; i++) assert.equal(await status(gateway, signed), 200)
})

test('a limit by claim counts one user over addresses and tokens', async (t) => {
  const port = await freePort()
  await keyServer(t, port, await keySet(['a', first]))
  const gateway = await gatewayWith(t, port, [{ rateLimit: { key: 'claim:sub', requests: 3, per: '1h' } }])
  const tokens = await Promise.all([1, 2, 3, 4].map((n) => token('a', first, { sub: 'u1', n })))
  const all: number[] = []
  for (const each of tokens) all.push(await status(gateway, each))
  assert.deepEqual(all, [200, 200, 200, 429])
  assert.equal(await status(gateway, await token('a', first, { sub: 'u2' })), 200)
})
