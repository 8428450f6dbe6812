import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { Agent as TlsAgent, request as requestTls } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { missingJson } from './nginx-backends.ts'
import type { Backends } from './nginx-backends.ts'
import { productJson } from './product.ts'

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** True when the connection had carried a request before. */
  readonly reused: boolean
}

interface Question {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** A list is sent chunked, one chunk an item. */
  readonly body?: Buffer | readonly Buffer[]
}

/** Where to ask, and how. */
export interface Door {
  readonly scheme: 'http' | 'https'
  readonly port: number
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>
}

/**
 * What is wrong with the answers at this door, one line a problem; empty when it may be timed. A proxy that
 * answers wrongly is easily the fastest.
 */
export async function wrongAnswers(
  door: Door,
  backends: Pick<Backends, 'large'>,
  throughProxy: boolean,
): Promise<string[]> {
  using client = new Client(door, answerMsMax)
  const problems: string[] = []
  const check = async (what: string, body: () => Promise<void>): Promise<void> => {
    try {
      await body()
    } catch (error) {
      problems.push(
        `${what}: ${(error instanceof Error ? error.message : String(error)).split('\n', 4).join(' ')}`,
      )
    }
  }
  await check('GET', async () => {
    const answer = await client.ask('/api/products')
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['content-type'], 'application/json')
    assert.equal(answer.body.toString(), productJson)
  })
  await check('keep-alive', async () => {
    await client.ask('/api/products')
    assert.equal((await client.ask('/api/products')).reused, true, 'the connection was not kept')
  })
  await check('HEAD', async () => {
    const answer = await client.ask('/api/products', { method: 'HEAD' })
    assert.equal(answer.status, 200)
    assert.equal(answer.body.length, 0)
    assert.equal(answer.headers['content-length'], '200')
  })
  await check('404', async () => {
    const answer = await client.ask('/missing')
    assert.equal(answer.status, 404)
    assert.equal(answer.body.toString(), missingJson)
  })
  await check('large body', async () => {
    const answer = await client.ask('/large')
    assert.equal(answer.status, 200)
    assert.ok(answer.body.equals(backends.large), `${answer.body.length} bytes, other than those sent`)
  })
  if (throughProxy) {
    await check('both backends', async () => {
      const seen = new Set<unknown>()
      for (let i = 0; i < 200 && seen.size < 2; i++) {
        seen.add((await client.ask('/api/products')).headers['x-backend'])
      }
      assert.deepEqual(seen, new Set(['a', 'b']))
    })
    const json = Buffer.from(JSON.stringify({ order: 'x'.repeat(5_000) }))
    const type = { 'Content-Type': 'application/json' }
    await check('POST', async () => {
      const answer = await client.ask('/echo', { method: 'POST', headers: type, body: json })
      assert.equal(answer.status, 200)
      assert.ok(answer.body.equals(json), `${answer.body.length} bytes of ${json.length} came back`)
    })
    await check('POST, chunked', async () => {
      const body = [json.subarray(0, 100), json.subarray(100)]
      const answer = await client.ask('/echo', { method: 'POST', headers: type, body })
      assert.equal(answer.status, 200)
      assert.ok(answer.body.equals(json), `${answer.body.length} bytes of ${json.length} came back`)
    })
  }
  return problems
}

/** Resolves with the first 200 on that port; rejects with what it saw last when `timeoutMs` are over. */
export async function waitForAnswer(at: number | Door, path: string, timeoutMs = 15_000): Promise<void> {
  const door: Door = typeof at === 'number' ? { scheme: 'http', port: at, headers: {} } : at
  const until = performance.now() + timeoutMs
  for (;;) {
    using client = new Client(door, triedMsMax)
    const seen = await client.ask(path).then(
      ({ status }) => String(status),
      (error: unknown) => String(error),
    )
    if (seen === '200') return
    if (performance.now() > until) throw new Error(`no 200 from ${path} within ${timeoutMs} ms: ${seen}`)
    await sleep(50)
  }
}

/** A bound, not an expectation: what is found here is wrong answers, and a process may be held up for seconds. */
const answerMsMax = 30_000
/** Who waits for somebody to come up asks again. */
const triedMsMax = 5_000

/** One kept connection, one request at a time. */
class Client implements Disposable {
  readonly #door: Door
  readonly #limitMs: number
  readonly #agent: Agent

  constructor(door: Door, limitMs: number) {
    this.#door = door
    this.#limitMs = limitMs
    const kept = { keepAlive: true, maxSockets: 1 }
    // Certificates of a bench are signed by nobody.
    this.#agent =
      door.scheme === 'http' ? new Agent(kept) : new TlsAgent({ ...kept, rejectUnauthorized: false })
  }

  ask(path: string, { method = 'GET', headers = {}, body }: Question = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { scheme, port, headers: always } = this.#door
      const options = { host: '127.0.0.1', port, path, method, agent: this.#agent }
      const length = body instanceof Buffer ? { 'Content-Length': String(body.length) } : {}
      const call = (scheme === 'http' ? request : requestTls)({
        ...options,
        headers: { ...always, ...headers, ...length },
        signal: AbortSignal.timeout(this.#limitMs),
      })
      call.once('error', reject)
      call.once('response', (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.once('error', reject)
        response.once('end', () => {
          const { statusCode = 0, headers: seen } = response
          resolve({
            status: statusCode,
            headers: seen,
            body: Buffer.concat(parts),
            reused: call.reusedSocket,
          })
        })
      })
      for (const part of Array.isArray(body) ? (body as readonly Buffer[]) : []) call.write(part)
      call.end(body instanceof Buffer ? body : undefined)
    })
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }
}
