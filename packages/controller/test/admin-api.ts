import type { TestContext } from 'node:test'
import { createAdminServer } from '../src/admin-server.ts'
import { EventLog } from '../src/event-log.ts'
import { MemorySource } from './memory-source.ts'

/** An admin API over a source in memory, and who asks it. `Said` is what of its answers the tests look at. */
export interface AdminApi<Said> {
  readonly source: MemorySource
  readonly url: string
  /** `path` is below /api/v1. An operator's token is `do`, a viewer's `see`. */
  ask(method: string, path: string, body?: unknown, token?: string): Promise<Answer<Said>>
}

export interface Answer<Said> {
  readonly status: number
  readonly headers: Headers
  readonly body: Said
}

/** Ends with the test. */
export async function adminApi<Said>(t: TestContext): Promise<AdminApi<Said>> {
  const source = new MemorySource(await EventLog.open())
  const server = await createAdminServer({
    source,
    address: '127.0.0.1:0',
    tokens: { viewer: 'see', operator: 'do' },
    log: { info() {}, warn() {}, error() {} },
  })
  t.after(() => server.close())
  return {
    source,
    url: server.url,
    async ask(method, path, body, token = 'do') {
      const response = await fetch(`${server.url}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return { status: response.status, headers: response.headers, body: (await response.json()) as Said }
    },
  }
}
