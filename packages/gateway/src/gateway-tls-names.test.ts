import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { rawServer, startProcess, requireDebian, TestCa, type TestCertificate } from '@budao/testkit'
import {
  requestText,
  testFiles,
  testGateway,
  until,
  type TestConfig,
  type TestGateway,
} from './test-gateway.test.ts'
import { tlsClient, type TlsClient } from './test-tls.test.ts'

const ca = new TestCa()

function files(certificates: Readonly<Record<string, TestCertificate>>): Record<string, string> {
  const texts = Object.entries(certificates).flatMap(([name, { cert, key }]) => [
    [`${name}.crt`, cert],
    [`${name}.key`, key],
  ])
  return { 'ca.crt': ca.cert, ...Object.fromEntries(texts) }
}

async function serve(
  t: TestContext,
  dir: string,
  tls: unknown,
  config: TestConfig = {},
): Promise<{ gateway: TestGateway; heads: string[]; config: TestConfig }> {
  const backend = await rawServer(t, ({ connection }) => connection.respond(200, 'fine'))
  const whole = {
    workers: 2,
    endpoints: [backend.address],
    ...config,
    listener: { protocol: 'https', tls, ...config.listener },
  }
  const gateway = await testGateway(t, whole, dir, { certificatePollMs: 20 })
  return { gateway, heads: backend.heads, config: whole }
}

async function get({ client }: TlsClient, lines: readonly string[] = []): Promise<number> {
  client.send(requestText('/', lines))
  return (await client.readResponse()).status
}

test('the certificate follows the name: exact, wildcard, names given by hand, else the first one', async (t) => {
  const dir = testFiles(
    t,
    files({
      a: ca.issue({ names: ['a.example', 'also-a.example'] }),
      b: ca.issue({ names: ['b.example', '*.b.example'] }),
      c: ca.issue({ names: ['c.example'] }),
    }),
  )
  const { gateway } = await serve(t, dir, {
    certificates: [
      { cert: 'a.crt', key: 'a.key' },
      { cert: 'b.crt', key: 'b.key' },
      { cert: 'c.crt', key: 'c.key', hosts: ['*.given.example'] },
    ],
  })
  const table = [
    ['a.example', 'a.example'],
    ['also-a.example', 'a.example'],
    ['b.example', 'b.example'],
    ['x.b.example', 'b.example'],
    ['x.y.b.example', 'a.example'],
    ['x.given.example', 'c.example'],
    ['c.example', 'a.example'],
    ['nobody.example', 'a.example'],
    [undefined, 'a.example'],
  ] as const
  for (const [servername, subject] of table) {
    const client = await tlsClient(t, gateway.port, servername === undefined ? {} : { servername })
    assert.equal(client.subject, subject, String(servername))
    assert.equal(await get(client), 200)
  }
})

test('a real client agrees: openssl verifies the chain and the name, and resumes at whichever thread it meets', async (t) => {
  const openssl = await requireDebian(t, 'openssl')
  if (openssl === undefined) return
  const dir = testFiles(
    t,
    files({ a: ca.issue({ names: ['a.example'] }), b: ca.issue({ names: ['b.example'] }) }),
  )
  const { gateway } = await serve(t, dir, {
    certificates: [
      { cert: 'a.crt', key: 'a.key' },
      { cert: 'b.crt', key: 'b.key' },
    ],
  })
  for (const version of ['-tls1_2', '-tls1_3']) {
    const target = ['-connect', `127.0.0.1:${gateway.port}`, '-servername', 'b.example', version]
    const args = ['s_client', ...target, '-CAfile', join(dir, 'ca.crt'), '-verify_hostname', 'b.example']
    // Reconnects five times with the session of the first connection.
    const run = startProcess(t, openssl, [...args, '-reconnect'])
    await run.waitForOutput(/Verify return code: 0 \(ok\)/)
    if (version === '-tls1_2') await run.waitForOutput(/(Reused, TLSv1\.2[\s\S]*){5}/)
  }
  const old = startProcess(t, openssl, ['s_client', '-connect', `127.0.0.1:${gateway.port}`, '-tls1_1'])
  assert.notEqual(await old.exited(), 0)
})

test('a session is resumed at every thread, with every certificate, and after a reload', async (t) => {
  const dir = testFiles(
    t,
    files({ a: ca.issue({ names: ['a.example'] }), b: ca.issue({ names: ['b.example'] }) }),
  )
  const tls = {
    certificates: [
      { cert: 'a.crt', key: 'a.key' },
      { cert: 'b.crt', key: 'b.key' },
    ],
  }
  const { gateway, config } = await serve(t, dir, tls)
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    for (const servername of ['a.example', 'b.example']) {
      const options = { servername, minVersion: version, maxVersion: version }
      const first = await tlsClient(t, gateway.port, options)
      await get(first)
      const session = first.session()!
      const resumed = async (): Promise<boolean> => {
        const next = await tlsClient(t, gateway.port, { ...options, session })
        await get(next)
        return next.resumed
      }
      // The system spreads connections over both threads: ten all at one are one chance in a thousand.
      for (let i = 0; i < 10; i++) assert.ok(await resumed(), `${version} ${servername} ${i}`)
      assert.deepEqual(await gateway.apply({ ...config, service: { outlier: false } }), { ok: true })
      assert.ok(await resumed(), 'after a reload')
    }
  }
  assert.match(
    gateway.gateway.metrics(),
    /budao_gateway_tls_handshakes_total{listener="web",result="resumed"} 44\n/,
  )
})

test('changed files are taken without a reload, a bad pair is refused, and open connections stay', async (t) => {
  const dir = testFiles(t, files({ site: ca.issue({ names: ['old.example'] }) }))
  const { gateway } = await serve(t, dir, { cert: 'site.crt', key: 'site.key' })
  const open = await tlsClient(t, gateway.port)
  assert.equal(open.subject, 'old.example')

  const next = ca.issue({ names: ['new.example'] })
  writeFileSync(join(dir, 'site.key'), next.key)
  await until(
    'the bad pair is refused',
    () => gateway.eventsOf('certificate.refused', 'site.crt').length === 1,
  )
  assert.match(String(gateway.eventsOf('certificate.refused')[0]!.evidence['problem']), /another certificate/)
  assert.equal((await tlsClient(t, gateway.port)).subject, 'old.example')

  writeFileSync(join(dir, 'site.crt'), next.cert)
  await until('the new pair is in use', () => gateway.eventsOf('certificate.renewed').length === 1)
  await until('by both threads', async () => {
    const subjects = await Promise.all(Array.from({ length: 8 }, () => tlsClient(t, gateway.port)))
    return subjects.every(({ subject }) => subject === 'new.example')
  })
  assert.equal(await get(open), 200)
  const [certificate] = gateway.gateway.report().certificates
  assert.deepEqual(certificate!.hosts, ['new.example'])
})

test('what expires soon is told, and counted for graphs', async (t) => {
  const soon = new Date(Date.now() + 5 * 86_400_000)
  const from = new Date(Date.now() - 80 * 86_400_000)
  const dir = testFiles(
    t,
    files({
      soon: ca.issue({ names: ['soon.example'], from, until: soon }),
      past: ca.issue({ names: ['past.example'], from, until: new Date(Date.now() - 1_000) }),
      fine: ca.issue({ names: ['fine.example'] }),
    }),
  )
  const { gateway } = await serve(t, dir, {
    certificates: ['soon', 'past', 'fine'].map((name) => ({ cert: `${name}.crt`, key: `${name}.key` })),
  })
  const [expiring, ...others] = gateway.eventsOf('certificate.expiring')
  assert.deepEqual([expiring!.subject, others.length], ['soon.crt', 0])
  assert.match(expiring!.message, /expires in 4 days/)
  assert.equal(gateway.eventsOf('certificate.expired')[0]!.subject, 'past.crt')
  const seconds = (name: string): number =>
    Number(
      new RegExp(`^budao_tls_certificate_expiry_seconds{.*source="${name}.crt".*} (.+)$`, 'm').exec(
        gateway.gateway.metrics(),
      )![1],
    )
  assert.ok(Math.abs(seconds('soon') - 5 * 86_400) < 60)
  assert.ok(seconds('past') < 0)
})

test('mutual TLS: who has no valid certificate is not served, backends are told of it, and lies are removed', async (t) => {
  const stranger = new TestCa('Stranger')
  const dir = testFiles(t, files({ site: ca.issue({ names: ['site.example'] }) }))
  const { gateway, heads } = await serve(
    t,
    dir,
    {
      cert: 'site.crt',
      key: 'site.key',
      clientAuth: { ca: 'ca.crt', forward: ['subject', 'fingerprint', 'certificate'] },
    },
    { listener: { trustForwarded: true } },
  )
  const phone = ca.issue({ commonName: 'phone 不倒' })
  const lies = ['X-Client-Cert-Subject: CN=root', 'Client-Cert: :AAAA:', 'client-cert-chain: :AAAA:']
  const first = await tlsClient(t, gateway.port, phone)
  assert.equal(await get(first, lies), 200)
  const head = heads.at(-1)!
  assert.match(head, /^X-Client-Cert-Subject: CN=phone \\E4\\B8\\8D\\E5\\80\\92\r$/im)
  assert.match(head, /^X-Client-Cert-Fingerprint: [0-9a-f]{64}\r$/im)
  assert.match(head, /^Client-Cert: :[A-Za-z0-9+/]+={0,2}:\r$/im)
  assert.doesNotMatch(head, /root|AAAA/)

  // Resumption skips the check of the certificate, not the certificate.
  const again = await tlsClient(t, gateway.port, { ...phone, session: first.session()! })
  assert.equal(await get(again), 200)
  assert.ok(again.resumed)
  assert.match(heads.at(-1)!, /^X-Client-Cert-Subject: CN=phone/im)

  for (const options of [{}, stranger.issue({ commonName: 'phone 2' })]) {
    await assert.rejects(async () => get(await tlsClient(t, gateway.port, options)))
  }
})

test('mutual TLS on request: without a certificate nothing is said, one that is shown must be valid', async (t) => {
  const stranger = new TestCa('Stranger')
  const dir = testFiles(t, files({ site: ca.issue({ names: ['site.example'] }) }))
  const { gateway, heads } = await serve(t, dir, {
    cert: 'site.crt',
    key: 'site.key',
    clientAuth: { ca: 'ca.crt', mode: 'request' },
  })
  const lie = ['X-Client-Cert-Subject: CN=root']
  const anonymous = await tlsClient(t, gateway.port)
  assert.equal(await get(anonymous, lie), 200)
  assert.doesNotMatch(heads.at(-1)!, /Client-Cert/i)
  const resumed = await tlsClient(t, gateway.port, { session: anonymous.session()! })
  assert.equal(await get(resumed), 200)
  assert.doesNotMatch(heads.at(-1)!, /Client-Cert/i)
  const known = await tlsClient(t, gateway.port, ca.issue({ commonName: 'phone' }))
  assert.equal(await get(known, lie), 200)
  assert.match(heads.at(-1)!, /^X-Client-Cert-Subject: CN=phone\r$/im)
  assert.doesNotMatch(heads.at(-1)!, /CN=root/)
  await assert.rejects(async () =>
    get(await tlsClient(t, gateway.port, stranger.issue({ commonName: 'phone' }))),
  )
  for (const { socket } of [anonymous, resumed, known]) socket.destroy()
  await gateway.quiet()
})

test('a plain listener removes what says whose certificate was verified, under every spelling', async (t) => {
  const backend = await rawServer(t, ({ connection }) => connection.respond(200, 'fine'))
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  const lies = ['Client-Cert: :AAAA:', 'X-Client-Cert-Subject: CN=root', 'X-Client-Cert-Fingerprint: 00']
  assert.equal((await gateway.request('/', lies)).status, 200)
  assert.doesNotMatch(backend.heads.at(-1)!, /client-cert/i)
  for (const name of ['client_cert', 'X_Client-Cert-Subject', 'Client_Cert_Chain'])
    assert.equal((await gateway.request('/', [`${name}: x`])).status, 400, name)
})

test('a listener turns to TLS and back without closing its port; rules change for new connections only', async (t) => {
  const dir = testFiles(t, files({ site: ca.issue({ names: ['site.example'] }) }))
  const tls = { cert: 'site.crt', key: 'site.key' }
  const { gateway, config } = await serve(t, dir, tls)
  const { port } = gateway
  const open = await tlsClient(t, port, { maxVersion: 'TLSv1.2' })
  const strict = { ...config, listener: { protocol: 'https', tls: { ...tls, minVersion: 'TLSv1.3' } } }
  assert.deepEqual(await gateway.apply(strict), { ok: true })
  await assert.rejects(tlsClient(t, port, { maxVersion: 'TLSv1.2' }), /alert protocol version/)
  assert.equal(await get(open), 200)
  assert.deepEqual(await gateway.apply({ ...config, listener: { protocol: 'http' } }), { ok: true })
  assert.equal(gateway.port, port)
  assert.equal((await gateway.request('/')).status, 200)
  const bad = { ...config, listener: { protocol: 'https', tls: { ...tls, ciphers: 'NONSENSE' } } }
  const refused = await gateway.apply(bad)
  assert.ok(!refused.ok && /site\.crt and site\.key cannot be used: .*no cipher match/.test(refused.problem))
})
