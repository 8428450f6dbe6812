import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer as createHttp, type RequestListener } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { HealthCheckConfig, UpstreamTlsConfig } from '@budao/model'
import { freePort, tempDir, TestCa } from '@budao/testkit'
import { openProbe, type EndpointProbe, type ProbeTls } from './endpoint-probe.ts'
import { EndpointTls } from './endpoint-tls.ts'

const check: HealthCheckConfig = {
  type: 'http',
  path: '/healthz',
  expectStatus: ['200-399'],
  interval: 1_000,
  timeout: 500,
  unhealthyAfter: 3,
  healthyAfter: 2,
}
const patienceMs = 10_000

async function listen(t: TestContext, server: Server & { closeAllConnections(): void }): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

function open(
  t: TestContext,
  address: string,
  tls: ProbeTls,
  how: Partial<HealthCheckConfig> | undefined = {},
  broken: (cause: string) => void = () => {},
): EndpointProbe {
  const probe = openProbe(address, how === undefined ? undefined : { ...check, ...how }, tls, broken)
  t.after(() => probe.close())
  return probe
}

test('an endpoint that speaks TLS is asked over TLS, and has to be who it should be', async (t) => {
  const [folder, ca] = [tempDir(t), new TestCa()]
  writeFileSync(join(folder, 'ca.crt'), ca.cert)
  writeFileSync(join(folder, 'other.crt'), new TestCa('Another').cert)
  const asked: string[] = []
  let status = 200
  const serve: RequestListener = (request, response) => {
    asked.push(`${request.method} ${request.url}`)
    response.writeHead(status).end('fine')
  }
  const server = createHttps(ca.issue({ names: ['shop.example', 'spiffe://corp/shop'] }), serve)
  const address = await listen(t, server)
  const tls = (more: Partial<UpstreamTlsConfig>): EndpointTls =>
    new EndpointTls({ ca: 'ca.crt', verify: true, minVersion: 'TLSv1.2', ...more }, folder, () => 0)

  const table: readonly [what: string, more: Partial<UpstreamTlsConfig>, outcome: string][] = [
    ['its name', { serverName: 'shop.example' }, 'answered'],
    ['the address, which is not in the certificate', {}, 'failed'],
    ['one of the names that it may have', { sans: ['spiffe://corp/shop'] }, 'answered'],
    ['none of them', { sans: ['spiffe://corp/bank'] }, 'failed'],
    ['another authority', { ca: 'other.crt', serverName: 'shop.example' }, 'failed'],
    ['nobody looks', { verify: false }, 'answered'],
  ]
  for (const [what, more, outcome] of table) {
    assert.equal(await open(t, address, tls(more)).ask(patienceMs), outcome, what)
    assert.equal(await open(t, address, tls(more), { type: 'tcp' }).ask(patienceMs), outcome, `${what}, tcp`)
  }
  assert.deepEqual([...new Set(asked)], ['GET /healthz'])

  const said: string[] = []
  const probe = open(t, address, tls({ serverName: 'shop.example' }), {}, (cause) => said.push(cause))
  assert.equal(await probe.ask(patienceMs), 'answered')
  status = 503
  assert.equal(await probe.ask(patienceMs), 'failed')
  // It ends: the kept connection says so at once, and the next question is refused.
  server.close()
  server.closeAllConnections()
  while (said.length === 0) await new Promise((resolve) => setImmediate(resolve))
  assert.match(said.join(), /^(closed|reset)$/)
  assert.equal(await probe.ask(patienceMs), 'refused')
})

test('without a check, or with files that are not here, an endpoint is only connected to', async (t) => {
  let asked = 0
  const server = createHttp((_, response) => {
    asked++
    response.end()
  })
  const address = await listen(t, server)
  assert.equal(await open(t, address, 'unknown').ask(patienceMs), 'answered')
  assert.equal(await openProbe(address, undefined, 'none', () => {}).ask(patienceMs), 'answered')
  assert.equal(asked, 0)
  const said: string[] = []
  const probe = open(t, address, 'none', {}, (cause) => said.push(cause))
  assert.equal(await probe.ask(patienceMs), 'answered')
  assert.equal(asked, 1)
  server.close()
  server.closeAllConnections()
  while (said.length === 0) await new Promise((resolve) => setImmediate(resolve))
  assert.match(said.join(), /^(closed|reset)$/)
  assert.equal(await open(t, `127.0.0.1:${await freePort()}`, 'unknown').ask(patienceMs), 'refused')
  const missing: UpstreamTlsConfig = { ca: 'nowhere.crt', verify: true, minVersion: 'TLSv1.2' }
  assert.throws(() => new EndpointTls(missing, tempDir(t), () => 0), /nowhere\.crt/)
})

test('files that were renewed count for the next connection, and a bad moment does not', (t) => {
  const [folder, first, second] = [tempDir(t), new TestCa('First'), new TestCa('Second')]
  const file = join(folder, 'ca.crt')
  writeFileSync(file, first.cert)
  let now = 0
  const tls = new EndpointTls({ ca: 'ca.crt', verify: true, minVersion: 'TLSv1.2' }, folder, () => now)
  writeFileSync(file, second.cert)
  assert.equal(String(tls.settings('a').ca), first.cert)
  now = 10_000
  assert.equal(String(tls.settings('a').ca), second.cert)
})
