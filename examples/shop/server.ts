/**
 * One process of the demo shop's API:
 * `node --conditions=@budao/source examples/shop/server.ts --port 7001 --site east --data data/shop/shop-east.db --name shop-east-1`
 */
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { ReplicatorClient } from '@budao/replicator/outbox'
import { answer } from './api.ts'
import type { Answer } from './api.ts'
import { epochOf } from './epoch.ts'
import { flaws, Flawed } from './flaw.ts'
import { Store } from './store.ts'

const bodyLimit = 64 * 1024
const failures = 120

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    site: { type: 'string', default: 'east' },
    data: { type: 'string', default: 'data/shop/shop-east.db' },
    name: { type: 'string', default: 'shop' },
    replicator: { type: 'string' },
    /** The file with its flaw: it is a release that can be made a bad one. */
    flaw: { type: 'string' },
  },
})

mkdirSync(dirname(values.data), { recursive: true })
const store = new Store(values.data, values.site)
/** Null: there is no other site. */
const replicator =
  values.replicator === undefined ? null : new ReplicatorClient({ url: values.replicator, timeoutMs: 3_000 })
const flawed = values.flaw === undefined ? null : new Flawed(values.flaw)
let draining = false

const server = createServer((request, response) => {
  serve(request, response).catch((error: unknown) => {
    console.error(`${values.name}: ${request.method} ${request.url}:`, error)
    if (response.headersSent) response.destroy()
    else send(request, response, { status: 500, body: { code: 500, message: 'The shop failed, not you.' } })
  })
})
// Longer than the gateway keeps an idle connection, so that the gateway is the one who closes.
server.keepAliveTimeout = 65_000
server.headersTimeout = 66_000
server.requestTimeout = 30_000
server.on('error', (error) => {
  console.error(`${values.name}: ${error.message}`)
  process.exit(1)
})
server.listen(Number(values.port), '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  console.log(`${values.name} at ${values.site} serves on 127.0.0.1:${port}`)
})

process.on('SIGTERM', drain)
process.on('SIGINT', drain)

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url === '/healthz') {
    const status = draining ? 503 : 200
    return send(request, response, {
      status,
      body: { code: draining ? 503 : 0, state: draining ? 'draining' : 'serving' },
    })
  }
  if (request.url === '/demo/errors' && request.method === 'POST') {
    failPayments()
    return send(request, response, { status: 200, body: { code: 0, data: { errors: failures } } })
  }
  if (flawed !== null) {
    if (request.url === '/demo/release') return toldFlaw(flawed, request, response)
    if (await flawed.meet())
      return send(request, response, {
        status: 503,
        body: { code: 503, message: 'This release is a bad one.' },
      })
  }
  const body = request.method === 'GET' || request.method === 'HEAD' ? '' : await read(request)
  if (body === undefined) {
    // Its rest is not read: the connection cannot be used again.
    response.setHeader('Connection', 'close')
    return send(request, response, {
      status: 413,
      body: { code: 413, message: `Body: expected at most ${bodyLimit} bytes.` },
    })
  }
  const { method = 'GET', url = '/', headers } = request
  const answered = answer(store, { method, url, headers, body })
  const written = store.takeWritten()
  if (written !== null && replicator !== null) {
    const settled = await replicator.settled(written, epochOf(headers) ?? undefined)
    // It is here, and arrives there in time. Nobody is told so before it has: the same request again is the same order.
    if (settled === 'unknown') return send(request, response, notYet)
  }
  send(request, response, answered)
}

/** POST the name of a flaw to have it; GET says which it is. */
async function toldFlaw(release: Flawed, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === 'POST' && !release.become((await read(request)) ?? ''))
    return send(request, response, {
      status: 400,
      body: { code: 400, message: `Body: expected one of ${flaws.join(', ')}.` },
    })
  send(request, response, { status: 200, body: { code: 0, data: { flaw: release.flaw } } })
}

/** What stands in the log when the bank does not answer for a moment. For who wants to see alerts: no payment is really tried. */
function failPayments(): void {
  for (let n = 0; n < failures; n++) {
    const line = { level: 'error', message: '支付回调失败: the bank did not answer within 3 s', payment: n }
    console.error(
      JSON.stringify({
        time: new Date().toISOString(),
        ...line,
        'event.reason': 'bank-timeout',
        process: values.name,
      }),
    )
  }
}

const notYet: Answer = {
  status: 503,
  body: { code: 503, message: 'Not known to be safe yet: ask again with the same Idempotency-Key.' },
  headers: { 'Retry-After': '1' },
}

function send(request: IncomingMessage, response: ServerResponse, { status, body, headers }: Answer): void {
  const text = body === undefined ? '' : JSON.stringify(body)
  response.writeHead(status, {
    ...(status === 204
      ? {}
      : { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': Buffer.byteLength(text) }),
    'X-Site': values.site,
    'X-Process': values.name,
    ...(draining ? { Connection: 'close' } : {}),
    ...headers,
  })
  response.end(request.method === 'HEAD' ? undefined : text)
}

/** The whole body as text; undefined when it is over the limit. */
async function read(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > bodyLimit) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/**
 * First says no to health checks and asks clients to leave, and only then closes: `server.close()` alone
 * resets idle keep-alive connections on which a request may already be under way.
 */
function drain(): void {
  if (draining) return
  draining = true
  setTimeout(() => server.close(() => store.close()), 200)
  setTimeout(() => process.exit(0), 3_000).unref()
}
