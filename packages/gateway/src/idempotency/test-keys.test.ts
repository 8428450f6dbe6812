import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { MessageChannel } from 'node:worker_threads'
import type { EventDraft } from '@budao/model'
import { LocalCells } from '@budao/resilience'
import { tempDir } from '@budao/testkit'
import type { RedisStore } from '../providers/redis-store.ts'
import { storeCells } from '../stores/store-status.ts'
import { KeyFileDesk } from './key-file-desk.ts'
import { KeyFile } from './key-file.ts'
import { KeyFilePort } from './key-file-port.ts'
import type { FirstResult, KeyClaim, Settlement } from './key-store.ts'

export const HOUR = 3_600_000

export function claimOf(more: Partial<KeyClaim> = {}): KeyClaim {
  return {
    name: 'orders',
    id: 'k1',
    fingerprint: 'f1',
    owner: randomUUID(),
    leaseMs: HOUR,
    ttlMs: HOUR,
    takesUncertain: true,
    entriesMax: 10_000,
    ...more,
  }
}

/** Every byte there is, as a picture would have them. */
export const body = Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i)).toString('latin1')
export const result: FirstResult = {
  status: 201,
  reason: 'Created',
  lines: 'X-Name: caf\u00e9\r\nX-B: 2\r\n',
  body,
}

export function keep(what: FirstResult = result, ttlMs = HOUR): Settlement {
  return { kind: 'keep', result: what, ttlMs, bytesMax: 1_000_000 }
}

export const doubt: Settlement = { kind: 'doubt', ttlMs: HOUR }

export function fileDesk(t: TestContext, path = join(tempDir(t), 'keys.db')) {
  const events: EventDraft[] = []
  const file = new KeyFile(path, { now: () => performance.now(), wallNow: () => Date.now() })
  const desk = new KeyFileDesk(file, path, (event) => events.push(event))
  t.after(() => desk.close())
  return { desk, events, file }
}

export function portTo(t: TestContext, desk: KeyFileDesk): { store: KeyFilePort; close: () => void } {
  const { port1, port2 } = new MessageChannel()
  desk.serve(port1)
  const store = new KeyFilePort()
  store.connect(port2)
  t.after(() => port2.close())
  return { store, close: () => port2.close() }
}

/** How a test's own Redis on `port` is reached, as `RedisStore.open` and `RedisConnection.open` take it. */
export function redisOn(port: number): Parameters<typeof RedisStore.open> {
  return [
    {
      url: `redis://127.0.0.1:${port}`,
      timeout: 5_000,
      connectTimeout: 5_000,
      failures: 3,
      probeInterval: 100,
      keyPrefix: 'test:',
    },
    { name: 'keys', cells: new LocalCells(storeCells(1)), worker: 0, baseDir: '/', report: () => {} },
  ]
}
