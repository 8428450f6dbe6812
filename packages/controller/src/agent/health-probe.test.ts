import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer as createTcp } from 'node:net'
import { test } from 'node:test'
import type { ProcessHealthConfig } from '@budao/model'
import { freePort } from '@budao/testkit'
import { probeHealth } from './health-probe.ts'

const http: ProcessHealthConfig = {
  type: 'http',
  path: '/healthz',
  interval: 1_000,
  timeout: 2_000,
  unhealthyAfter: 3,
  startTimeout: 60_000,
}
const around = { cwd: '/', env: process.env }
const exec = (script: string, timeout = 10_000): Promise<string> =>
  probeHealth({ ...http, type: 'exec', command: ['sh', '-c', script], timeout }, '', around)

test('http: a status below 400 is well, all else says what is wrong', async (t) => {
  const server = createServer((request, response) => {
    response.statusCode = request.url === '/healthz' ? 204 : 503
    response.end()
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.after(() => server.close())
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  assert.equal(await probeHealth(http, address, around), '')
  assert.equal(await probeHealth({ ...http, path: '/other' }, address, around), 'status 503')
})

test('http and tcp: who accepts and says nothing hangs for one and lives for the other', async (t) => {
  const server = createTcp(() => {}).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.after(() => server.close())
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  assert.equal(await probeHealth({ ...http, timeout: 50 }, address, around), 'no answer within 50 ms')
  assert.equal(await probeHealth({ ...http, type: 'tcp' }, address, around), '')
})

test('http and tcp: nobody there', async () => {
  const address = `127.0.0.1:${await freePort()}`
  for (const type of ['http', 'tcp'] as const)
    assert.match(await probeHealth({ ...http, type }, address, around), /ECONNREFUSED/)
})

test('exec: by its exit code, and not for longer than its timeout', async () => {
  assert.equal(await exec('exit 0'), '')
  assert.equal(await exec('exit 3'), 'ended with code 3')
  assert.equal(await exec('sleep 100.125', 50), 'not done within 50 ms')
  const missing = { ...http, type: 'exec', command: ['/no/such/program'] } as const
  assert.match(await probeHealth(missing, '', around), /ENOENT/)
})
