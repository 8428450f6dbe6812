import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { RawClient, rawServer } from '@budao/testkit'
import { requestText, testFiles, testGateway, type TestConfig } from './test-gateway.test.ts'

// Self-signed, of these tests alone, valid for a hundred years.
const first = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgQvr4okS1+dWMh++I
DPcYG4GmqxVQHmpIRYX08O45jr6hRANCAAROLhhX1EWxedkL2hsAt3agnn49+mG4
rT1WhLLU/4Y1hSCr1uSWwLj2xC+/0k2u0TIqfJ7ADfe8qDDYOKh7HNEO
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBgDCCASWgAwIBAgIUAymIKWc5dQRdQhLMoeqzQ45OU9gwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJYS5leGFtcGxlMCAXDTI2MTEyMzAyMDE0MloYDzIxMjYxMDMw
MDIwMTQyWjAUMRIwEAYDVQQDDAlhLmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAROLhhX1EWxedkL2hsAt3agnn49+mG4rT1WhLLU/4Y1hSCr1uSWwLj2
xC+/0k2u0TIqfJ7ADfe8qDDYOKh7HNEOo1MwUTAdBgNVHQ4EFgQUPH4sDEUh1kGG
EPu/YvuXmNEGBF8wHwYDVR0jBBgwFoAUPH4sDEUh1kGGEPu/YvuXmNEGBF8wDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEApzJoknfCwjJMVvEOjTTN
KfSd5iGPOgNAWwYteb/PcFQCIQCsrvtpjnVeUD3y5sLbFlWIn7ajJdkM2wf9dByI
TR3j6Q==
-----END CERTIFICATE-----
`,
}
const second = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgo/VbXbOjHI/WsUCj
KVcDdoO6jxwguuOVzD19BPSXIGehRANCAATXDofWM7VReo1iwgdYMP+UVgfwJrEp
pW9TVFuBgL1FN4kzMn34nNuF9jLXHGGgG8cks6TUM09qXeD+DBimXOo4
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBfzCCASWgAwIBAgIUVTmbb4Rb7AMekxx4GtiUfTpIsUYwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJYi5leGFtcGxlMCAXDTI2MTEyMzAyMDE0MloYDzIxMjYxMDMw
MDIwMTQyWjAUMRIwEAYDVQQDDAliLmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATXDofWM7VReo1iwgdYMP+UVgfwJrEppW9TVFuBgL1FN4kzMn34nNuF
9jLXHGGgG8cks6TUM09qXeD+DBimXOo4o1MwUTAdBgNVHQ4EFgQUfsRuqQ2N8Czf
RbfY0wztWu86EUAwHwYDVR0jBBgwFoAUfsRuqQ2N8CzfRbfY0wztWu86EUAwDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiAp9dIKFZJQ/WulReFv+Oh5
fE35tdzEQAT11O/jGoosGAIhAN7+BgetQ9MGoBtV4ox/RhA19zmgwPq3QUIoMkZf
CKJ/
-----END CERTIFICATE-----
`,
}

function tlsConfig(address: string): TestConfig {
  return {
    workers: 2,
    endpoints: [address],
    listener: { protocol: 'https', tls: { cert: 'site.crt', key: 'site.key' } },
    // The backend is in the test's own thread, which a loaded machine keeps waiting.
    service: { outlier: false, timeouts: { request: '20s' } },
  }
}

async function tlsConnect(t: TestContext, port: number): Promise<{ client: RawClient; subject: string }> {
  const socket: TLSSocket = connect({
    port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
  })
  t.after(() => socket.destroy())
  const client = new RawClient(socket)
  await once(socket, 'secureConnect')
  assert.equal(socket.alpnProtocol, 'http/1.1')
  return { client, subject: String(socket.getPeerCertificate().subject.CN) }
}

test('https: requests and answers of all sizes, kept connections, and the scheme that backends are told', async (t) => {
  const dir = testFiles(t, { 'site.key': first.key, 'site.crt': first.cert })
  const large = 'x'.repeat(3_000_000)
  const backend = await rawServer(t, async ({ connection, body, target }) => {
    const size = (await body()).length
    connection.respond(200, target === '/large' ? large : String(size))
  })
  const gateway = await testGateway(t, tlsConfig(backend.address), dir)
  const { client, subject } = await tlsConnect(t, gateway.port)
  assert.equal(subject, 'a.example')
  client.send(requestText('/large') + requestText('POST /', [], 'x'.repeat(500_000)) + requestText('/'))
  assert.equal((await client.readResponse()).body.length, large.length)
  assert.equal((await client.readResponse()).body, '500000')
  assert.equal((await client.readResponse()).body, '0')
  assert.match(backend.heads[0]!, /^X-Forwarded-Proto: https\r$/m)
  client.send(requestText('/', ['Connection: close']))
  assert.equal((await client.readResponse()).body, '0')
  assert.equal(await client.readToEnd(), '')
})

test('https: a renewed certificate is served from the next reload on; a broken one is refused', async (t) => {
  const dir = testFiles(t, { 'site.key': first.key, 'site.crt': first.cert })
  const backend = await rawServer(t, ({ connection }) => connection.respond(200, 'fine'))
  const gateway = await testGateway(t, tlsConfig(backend.address), dir)
  const { port } = gateway
  const before = await tlsConnect(t, port)
  writeFileSync(join(dir, 'site.key'), second.key)
  assert.equal(
    (await gateway.apply({ ...tlsConfig(backend.address), service: { breaker: false } })).ok,
    false,
    'key and certificate do not fit',
  )
  assert.equal((await tlsConnect(t, port)).subject, 'a.example')
  writeFileSync(join(dir, 'site.crt'), second.cert)
  assert.deepEqual(await gateway.apply(tlsConfig(backend.address)), { ok: true })
  assert.equal(gateway.port, port)
  for (let i = 0; i < 6; i++) assert.equal((await tlsConnect(t, port)).subject, 'b.example')
  before.client.send(requestText('/'))
  assert.equal((await before.client.readResponse()).body, 'fine')
})

test('https: one who speaks plain HTTP, or nothing, is closed and leaves nothing behind', async (t) => {
  const dir = testFiles(t, { 'site.key': first.key, 'site.crt': first.cert })
  const backend = await rawServer(t, ({ connection }) => connection.respond(200, 'fine'))
  const config = tlsConfig(backend.address)
  const gateway = await testGateway(
    t,
    { ...config, listener: { ...config.listener, limits: { headTimeout: '200ms' } } },
    dir,
  )
  const plain = await gateway.connect()
  plain.send(requestText('/'))
  await plain.readToEnd()
  const mute = await gateway.connect()
  await mute.readToEnd()
  const { client } = await tlsConnect(t, gateway.port)
  client.send(requestText('/'))
  assert.equal((await client.readResponse()).body, 'fine')
  client.socket.destroy()
  await gateway.quiet()
})
