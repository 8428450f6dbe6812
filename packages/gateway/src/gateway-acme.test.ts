import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { freePort, rawExchange, rawServer, startPebble, TestCa } from '@budao/testkit'
import {
  requestText,
  testFiles,
  testGateway,
  until,
  type TestConfig,
  type TestGateway,
} from './test-gateway.test.ts'
import { tlsClient } from './test-tls.test.ts'

const CHALLENGE = '/.well-known/acme-challenge/'

interface Wish {
  readonly dir: string
  readonly directory: string
  readonly httpPort: number
  readonly hosts?: readonly string[]
  readonly retryMs?: number
}

/** A gateway whose listener `web` gets its certificate by itself, and whose listener `plain` answers for it. */
async function serve(t: TestContext, wish: Wish): Promise<{ gateway: TestGateway; config: TestConfig }> {
  const backend = await rawServer(t, ({ connection }) => connection.respond(200, 'backend'))
  const acme = {
    directory: wish.directory,
    email: 'ops@shop.example',
    hosts: wish.hosts ?? ['localhost'],
    caFile: 'directory.crt',
    agreeToTerms: true,
  }
  const config: TestConfig = {
    workers: 2,
    endpoints: [backend.address],
    listeners: [
      { name: 'web', address: '127.0.0.1:0', protocol: 'https', tls: { acme } },
      { name: 'plain', address: `127.0.0.1:${wish.httpPort}`, protocol: 'http' },
    ],
  }
  const gateway = await testGateway(t, config, wish.dir, {
    acmeFolder: join(wish.dir, 'acme'),
    acmeRetryMs: wish.retryMs ?? 100,
    certificatePollMs: 20,
  })
  return { gateway, config }
}

/** Who has issued what a client is shown. */
async function issuerShown(t: TestContext, gateway: TestGateway): Promise<string> {
  const { socket } = await tlsClient(t, gateway.port, { servername: 'localhost' })
  const { issuer } = socket.getPeerCertificate()
  socket.destroy()
  return String(issuer.CN)
}

test('acme: a certificate is proved, issued, shown by both workers, kept for nobody else to read, and used again', async (t) => {
  const [port, httpPort] = [await freePort(), await freePort()]
  const pebble = await startPebble(t, httpPort, port)
  if (pebble === undefined) return
  const dir = testFiles(t, { 'directory.crt': pebble.ca })
  const { gateway } = await serve(t, { dir, directory: pebble.directory, httpPort })
  await until('a certificate', () => gateway.eventsOf('certificate.issued', 'web').length === 1)
  assert.equal(gateway.eventsOf('certificate.issue-failed').length, 0)
  for (let i = 0; i < 6; i++) {
    await until('both workers show it', async () =>
      /Pebble Intermediate/.test(await issuerShown(t, gateway).catch(() => '')),
    )
  }
  const folder = join(dir, 'acme')
  for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name)
  assert.equal(readdirSync(folder).length, 2, 'an account key and a certificate, nothing half written')
  // No token is under way any more: the path is a path as others are.
  const token = /acme-challenge\/([\w-]+)/.exec(pebble.process.output)
  assert.ok(token !== null, pebble.process.output)
  const known = await rawExchange(t, httpPort, requestText(CHALLENGE + token[1]))
  assert.equal(known.body, 'backend')
  await gateway.gateway.close()
  const kept = readFileSync(join(folder, 'web.pem'), 'utf8')
  const again = await serve(t, { dir, directory: pebble.directory, httpPort })
  assert.match(await issuerShown(t, again.gateway), /Pebble Intermediate/)
  assert.equal(readFileSync(join(folder, 'web.pem'), 'utf8'), kept)
})

test('acme: one that nears its end is renewed under connections that stay open', async (t) => {
  const [port, httpPort] = [await freePort(), await freePort()]
  const pebble = await startPebble(t, httpPort, port)
  if (pebble === undefined) return
  const dir = testFiles(t, { 'directory.crt': pebble.ca })
  const day = 86_400_000
  const old = new TestCa('Old CA').issue({
    names: ['localhost'],
    from: new Date(Date.now() - 80 * day),
    until: new Date(Date.now() + 10 * day),
  })
  const { gateway, config } = await serve(t, {
    dir,
    directory: `https://127.0.0.1:${await freePort()}/dir`,
    httpPort,
    retryMs: 60_000,
  })
  await until('a failure', () => gateway.eventsOf('certificate.issue-failed', 'web').length === 1)
  const [failed] = gateway.eventsOf('certificate.issue-failed')
  assert.equal(failed!.severity, 'critical')
  assert.match(String(failed!.evidence['problem']), /ECONNREFUSED/)
  await assert.rejects(tlsClient(t, gateway.port), 'there is nothing to show')
  writeFileSync(join(dir, 'acme', 'web.pem'), old.cert + old.key)
  await until('what was put in place is shown', async () => {
    return (await issuerShown(t, gateway).catch(() => '')) === 'Old CA'
  })
  const before = await tlsClient(t, gateway.port)
  const [web, plain] = config.listeners!
  const tls = web!['tls'] as { acme: object }
  const result = await gateway.apply({
    ...config,
    listeners: [{ ...web, tls: { acme: { ...tls.acme, directory: pebble.directory } } }, plain!],
  })
  assert.deepEqual(result, { ok: true })
  await until('a renewal', () => gateway.eventsOf('certificate.issued', 'web').length === 1)
  await until('the new one is shown', async () => /Pebble/.test(await issuerShown(t, gateway)))
  before.client.send(requestText('/'))
  assert.equal((await before.client.readResponse()).body, 'backend')
})

test('acme: a directory that finds the names not proved is told, and the last good certificate stays', async (t) => {
  const [port, httpPort] = [await freePort(), await freePort()]
  // It asks at a port where nobody answers.
  const pebble = await startPebble(t, await freePort(), port)
  if (pebble === undefined) return
  const dir = testFiles(t, { 'directory.crt': pebble.ca })
  const { gateway } = await serve(t, { dir, directory: pebble.directory, httpPort })
  await until('two failures', () => gateway.eventsOf('certificate.issue-failed', 'web').length >= 2)
  const problems = gateway.eventsOf('certificate.issue-failed').map(({ evidence }) => evidence)
  assert.match(String(problems[0]!['problem']), /[Cc]onnection refused|unauthorized|challenge/)
  assert.equal(problems[1]!['failures'], 2)
  assert.equal(gateway.eventsOf('certificate.issued').length, 0)
})

test('acme: without the authority of the directory it is not believed', async (t) => {
  const [port, httpPort] = [await freePort(), await freePort()]
  const pebble = await startPebble(t, httpPort, port)
  if (pebble === undefined) return
  const dir = testFiles(t, { 'directory.crt': new TestCa('Somebody else').cert })
  const { gateway } = await serve(t, { dir, directory: pebble.directory, httpPort, retryMs: 60_000 })
  await until('a failure', () => gateway.eventsOf('certificate.issue-failed', 'web').length === 1)
  const [failed] = gateway.eventsOf('certificate.issue-failed')
  assert.match(String(failed!.evidence['problem']), /certificate/)
})
