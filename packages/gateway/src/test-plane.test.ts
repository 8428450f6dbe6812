import type { TestContext } from 'node:test'
import { createSnapshot, type EventDraft } from '@budao/model'
import { parseConfig } from '@budao/model/parser'
import { SeededRandom } from '@budao/resilience'
import { Arena } from './threads/arena.ts'
import type { CallOrigin } from './upstream/backend-call.ts'
import { CallMetrics } from './metrics/call-metrics.ts'
import { DataPlane } from './threads/data-plane.ts'
import { Caches } from './cache/caches.ts'
import { ListenerMetrics } from './metrics/listener-metrics.ts'
import { Metrics } from './metrics/metrics.ts'
import { ProcessClock } from './threads/process-clock.ts'
import { runtimeCells } from './threads/runtime.ts'
import type { Service } from './service/service.ts'
import { configText, type TestConfig } from './test-gateway.test.ts'
import { noTls } from './tls/tls-material.ts'

/** A data plane in the thread of the test, for what has no client. Ends with the test. */
export async function testPlane(
  t: TestContext,
  config: TestConfig,
): Promise<{ readonly plane: DataPlane; readonly shop: Service; readonly events: readonly EventDraft[] }> {
  const read = parseConfig(configText(config), 'test.json')
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  const snapshot = createSnapshot(read.config, 'test.json', 0, Date.now())
  const arena = new Arena(1_024 * 1_024)
  const clock = new ProcessClock()
  const events: EventDraft[] = []
  const plane = new DataPlane(clock, new SeededRandom(1), {
    worker: 0,
    memory: arena.memory,
    listenerMetrics: new SharedArrayBuffer(ListenerMetrics.bytesFor()),
    metrics: new SharedArrayBuffer(Metrics.bytesFor(16) + CallMetrics.bytes),
    wallNow: () => Date.now(),
    report: (event) => events.push(event),
    warn: (message) => {
      throw new Error(message)
    },
    askKeys: () => {},
  })
  t.after(() => plane.close())
  plane.apply(
    await plane.prepare({
      snapshot,
      configVersion: 1,
      layout: arena.arrange(runtimeCells(snapshot, 1), clock.now()),
      listenerRows: {},
      siteRows: Object.fromEntries(Object.keys(read.config.sites).map((name, row) => [name, row])),
      tls: noTls,
      routeRows: Object.fromEntries(read.config.routes.map(({ name }, row) => [name, row])),
      callRows: {},
      workers: 1,
      cacheMemory: new Caches().arrange(snapshot.config),
      baseDir: '.',
    }),
  )
  return { plane, shop: plane.runtime.services.get('shop')!, events }
}

/** Some client. */
export const someone: CallOrigin = {
  authority: 'Shop.example:8080',
  scheme: 'http',
  clientIp: '192.0.2.1',
  lines: 'X-Forwarded-For: 192.0.2.1\r\nX-Request-Id: r-1\r\n',
}
