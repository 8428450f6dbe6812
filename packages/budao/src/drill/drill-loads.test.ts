import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { DrillLoads } from './drill-loads.ts'
import type { DrillOptions } from './run-drill.ts'
import { writesReport } from './writes-report.ts'
import type { WritesReport } from './writes-report.ts'

/** A gateway that acknowledges every write, in this epoch, where it is asked which. */
async function gateway(t: TestContext, epoch: () => number): Promise<URL> {
  const server = createServer((request, response) => {
    request.resume()
    if (request.headers['x-budao-echo'] === 'epoch') {
      response.setHeader('X-Budao-Epoch', epoch())
      response.setHeader('X-Budao-Unit', 'shop')
    }
    response.end('kept')
  })
  t.after(() => server.closeAllConnections())
  t.after(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
}

/** Writes through both, as a drill does. */
async function written(t: TestContext, east: () => number, west: () => number): Promise<WritesReport> {
  const [url, other] = [await gateway(t, east), await gateway(t, west)]
  const writes = { method: 'POST', path: '/orders', headers: {}, rate: 200 }
  const options = { url, others: [other], rate: 10, timeoutMs: 5_000, drills: { writes } }
  const now = (): number => performance.now()
  const loads = new DrillLoads(now, options as unknown as DrillOptions, 'drill', null)
  t.after(() => loads.close())
  const startMs = now()
  loads.start()
  await sleep(300)
  const { writes: samples } = await loads.stop()
  const through = loads.writtenThrough
  assert.deepEqual(through, [url.host, other.host])
  return writesReport({ samples, fates: [], startMs, endMs: now(), through }, startMs, 500)
}

test('two gateways that acknowledge writes in two epochs at once are noticed', async (t) => {
  const report = await written(
    t,
    () => 7,
    () => 8,
  )
  assert.equal(report.olderEpochAccepted, true)
  assert.deepEqual(
    report.units.map(({ unit, epochs }) => [unit, epochs.map(({ epoch }) => epoch)]),
    [['shop', [7, 8]]],
  )
  assert.equal(report.named, report.requests.ok)
})

test('a move from one epoch to the next is none', async (t) => {
  let asked = 0
  const epoch = (): number => (asked++ < 20 ? 7 : 8)
  const report = await written(t, epoch, epoch)
  assert.deepEqual([report.olderEpochAccepted, report.epochs], [false, [7, 8]])
})
