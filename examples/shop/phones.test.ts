import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Phones } from './phones.ts'
import type { PhonesCounts } from './phones.ts'

test('phones browse through their home gateway, both gateways have their own', async (t) => {
  const seen: string[][] = [[], []]
  const [one, two] = await Promise.all(
    seen.map((paths) =>
      gateway(t, (request, response) => {
        paths.push(`${request.method} ${request.url?.replace(/[?/]\w*(=\d+)?$/, '')}`)
        if (request.method === 'POST') assert.ok(request.headers['idempotency-key'])
        response.writeHead(request.method === 'POST' ? 201 : 200).end('{}')
      }),
    ),
  )
  const counts = await live(t, [one!, two!], ({ ok, orders }) => ok > 200 && orders > 0)
  assert.equal(counts.failed + counts.backup + counts.degraded, 0)
  for (const paths of seen) assert.ok(paths.includes('GET /api/products'))
})

test('a gateway that cannot be reached: its phones use the other one', async (t) => {
  const alive = await gateway(t, (_, response) => void response.end('{}'))
  const counts = await live(t, [await nobody(), alive], ({ ok, backup }) => ok > 20 && backup > 20)
  assert.equal(counts.failed, 0)
})

test('a gateway that answers with an error is not left, and users notice', async (t) => {
  const broken = await gateway(t, (_, response) => void response.writeHead(503).end())
  const counts = await live(t, [broken, broken], ({ failed }) => failed > 20)
  assert.equal(counts.ok + counts.backup, 0)
})

test('answers of the fallback are counted apart; both gateways gone counts as failed', async (t) => {
  const degraded = await gateway(
    t,
    (_, response) => void response.setHeader('X-Budao-Fallback', 'json').end('{}'),
  )
  await live(t, [degraded], (counts) => counts.degraded > 20 && counts.ok === 0)
  await live(t, [await nobody(), await nobody()], (counts) => counts.failed > 20 && counts.ok === 0)
})

async function live(
  t: TestContext,
  gateways: readonly string[],
  until: (counts: PhonesCounts) => boolean,
): Promise<PhonesCounts> {
  const phones = new Phones(Math.random, { gateways, users: 8, thinkMs: 1, timeoutMs: 30_000 })
  t.after(() => phones.stop())
  phones.start()
  while (!until(phones.counts)) await sleep(5)
  await phones.stop()
  return phones.counts
}

async function gateway(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  const port = await listen(server)
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${port}`
}

async function nobody(): Promise<string> {
  const server = createServer()
  const port = await listen(server)
  server.close()
  await once(server, 'close')
  return `http://127.0.0.1:${port}`
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
