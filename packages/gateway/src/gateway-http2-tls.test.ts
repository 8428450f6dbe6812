import assert from 'node:assert/strict'
import { connect, type ClientHttp2Session, type SecureClientSessionOptions } from 'node:http2'
import { test, type TestContext } from 'node:test'
import { rawServer, TestCa, type RawServer } from '@budao/testkit'
import { requestText, testFiles, testGateway, type TestGateway } from './test-gateway.test.ts'
import { tlsClient } from './test-tls.test.ts'

const ca = new TestCa()
const site = ca.issue({ names: ['shop.example'] })

async function tlsGateway(
  t: TestContext,
  listener: Readonly<Record<string, unknown>> = {},
): Promise<{ gateway: TestGateway; backend: RawServer }> {
  const dir = testFiles(t, { 'site.crt': site.cert, 'site.key': site.key, 'ca.crt': ca.cert })
  const backend = await rawServer(t, ({ connection }) => connection.respond(200, 'fine'))
  const tls = { cert: 'site.crt', key: 'site.key', ...(listener['tls'] as object | undefined) }
  const config = { endpoints: [backend.address], listener: { ...listener, protocol: 'https', tls } }
  return { gateway: await testGateway(t, config, dir), backend }
}

function h2Session(
  t: TestContext,
  port: number,
  options: SecureClientSessionOptions = {},
): ClientHttp2Session {
  const session = connect(`https://127.0.0.1:${port}`, {
    ca: ca.cert,
    servername: 'shop.example',
    checkServerIdentity: () => undefined,
    ...options,
  })
  session.on('error', () => {})
  t.after(() => session.destroy())
  return session
}

async function get(
  session: ClientHttp2Session,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  const stream = session.request({ ':path': '/', ...headers })
  let body = ''
  for await (const part of stream.setEncoding('utf8')) body += String(part)
  return body
}

test('behind TLS both sides agree on HTTP/2 by default, and on HTTP/1.1 with who wants that', async (t) => {
  const { gateway, backend } = await tlsGateway(t)
  const session = h2Session(t, gateway.port)
  assert.equal(await get(session), 'fine')
  assert.equal(session.alpnProtocol, 'h2')
  assert.match(backend.heads[0]!, /\r\nX-Forwarded-Proto: https\r\n/)
  for (const ALPNProtocols of [['http/1.1'], []]) {
    const { client } = await tlsClient(t, gateway.port, { ALPNProtocols })
    client.send(requestText('/'))
    assert.equal((await client.readResponse()).status, 200)
  }
})

test('a listener can do without either protocol', async (t) => {
  const { gateway: only1 } = await tlsGateway(t, { protocols: ['http/1.1'] })
  const { socket } = await tlsClient(t, only1.port, { ALPNProtocols: ['h2', 'http/1.1'] })
  assert.equal(socket.alpnProtocol, 'http/1.1')
  const { gateway: only2 } = await tlsGateway(t, { protocols: ['h2'] })
  assert.equal(await get(h2Session(t, only2.port)), 'fine')
  await assert.rejects(tlsClient(t, only2.port, { ALPNProtocols: ['http/1.1'] }))
  const { client } = await tlsClient(t, only2.port, { ALPNProtocols: [] })
  assert.equal(await client.readToEnd(), '')
})

test('endpoints are told of a client’s certificate with HTTP/2 too, and lies are removed', async (t) => {
  const { gateway, backend } = await tlsGateway(t, {
    tls: { clientAuth: { ca: 'ca.crt' } },
    trustForwarded: true,
  })
  const session = h2Session(t, gateway.port, ca.issue({ commonName: 'phone' }))
  assert.equal(await get(session, { 'x-client-cert-subject': 'CN=root' }), 'fine')
  assert.match(backend.heads[0]!, /\r\nX-Client-Cert-Subject: CN=phone\r\n/i)
  assert.doesNotMatch(backend.heads[0]!, /CN=root/)
})

test('many requests at once on one connection, answered each with its own', async (t) => {
  const { gateway } = await tlsGateway(t)
  const session = h2Session(t, gateway.port)
  const bodies = await Promise.all(Array.from({ length: 90 }, () => get(session)))
  assert.ok(bodies.every((body) => body === 'fine'))
  assert.equal(gateway.connections.downstream <= 1, true)
  session.close()
  await gateway.quiet()
})
