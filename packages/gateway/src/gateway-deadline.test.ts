import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rawServer, type RawHandler } from '@budao/testkit'
import { testGateway, until } from './test-gateway.test.ts'

const fine: RawHandler = async ({ connection, body }) => {
  await body()
  connection.respond(200, 'fine')
}

function errorOf(body: string): string {
  return (JSON.parse(body) as { error: string }).error
}

function timeoutIn(head: string): number | undefined {
  const value = /^X-Budao-Timeout: (\d+)\r$/im.exec(head)?.[1]
  return value === undefined ? undefined : Number(value)
}

test('what is left of the client’s time is told to the endpoint, at most what the service allows', async (t) => {
  const backend = await rawServer(t, fine)
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    service: { timeouts: { request: '2s' }, retry: { attempts: 0 } },
  })
  for (const line of ['X-Budao-Timeout: 1500', 'grpc-timeout: 1500m', 'x-budao-timeout: 60000'])
    assert.equal((await gateway.request('/', [line])).status, 200)
  const [first, second, third] = backend.heads.map(timeoutIn)
  assert.ok(first! > 0 && first! <= 1_500, String(first))
  assert.ok(second! > 0 && second! <= 1_500, String(second))
  assert.ok(third! > 1_500 && third! <= 2_000, String(third))
  for (const head of backend.heads) assert.equal(head.match(/timeout/gi)!.length, 1)

  for (const line of ['X-Budao-Timeout: soon', 'X-Budao-Timeout: -1', 'X-Other: 1']) {
    assert.equal((await gateway.request('/', [line])).status, 200)
    assert.equal(timeoutIn(backend.heads.at(-1)!), undefined)
  }
})

test('an attempt that another may follow is told its own share', async (t) => {
  const backend = await rawServer(t, fine)
  const gateway = await testGateway(t, {
    endpoints: [backend.address, { address: '127.0.0.1:1', site: 'west' }],
    service: { timeouts: { request: '10s', perTry: '1s', announce: true } },
  })
  await gateway.request('/')
  assert.ok(timeoutIn(backend.heads[0]!)! <= 1_000)
  await gateway.request('POST /', [], 'x')
  const whole = timeoutIn(backend.heads[1]!)!
  assert.ok(whole > 1_000 && whole <= 10_000, String(whole))
})

test('a request whose time is over is answered at once, and nobody is asked', async (t) => {
  const backend = await rawServer(t, fine)
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  for (const line of ['X-Budao-Timeout: 0', 'grpc-timeout: 0n']) {
    const response = await gateway.request('/', [line])
    assert.equal(response.status, 504)
    assert.equal(errorOf(response.body), 'deadline_passed')
  }
  assert.equal(backend.heads.length, 0)
})

test('a client in a hurry is told when its time is over, and the endpoint is not blamed for that', async (t) => {
  const backend = await rawServer(t, () => {})
  const gateway = await testGateway(t, { endpoints: [backend.address], service: { retry: { attempts: 0 } } })
  for (let i = 0; i < 4; i++) {
    const response = await gateway.request('/', ['X-Budao-Timeout: 30'])
    assert.equal(response.status, 504)
    assert.equal(errorOf(response.body), 'upstream_timeout')
  }
  await until('the endpoint to be told', () => backend.open === 0)
  const [endpoint] = gateway.service().endpoints
  assert.equal(endpoint!.failuresTotal, 0)
  assert.equal(endpoint!.breaker.calls, 0)
  assert.equal(gateway.service().breaker.calls, 0)
})

test('an answer that has begun in time may take longer', async (t) => {
  const backend = await rawServer(t, ({ connection }) => {
    connection.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab')
    setTimeout(() => connection.write('cd'), 250)
  })
  const gateway = await testGateway(t, { endpoints: [backend.address] })
  assert.equal((await gateway.request('/', ['X-Budao-Timeout: 100'])).body, 'abcd')
})
