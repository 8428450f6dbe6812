import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { productJson } from './product.ts'

/**
 * A backend with bad habits on demand, for what nginx cannot do. `node origin.ts NAME [PORT]` prints
 * `listening PORT`.
 *
 * `/echo` the body · `/slow?ms=` head at once, the rest later · `/late?ms=` all of it later ·
 * `/stream?ms=` as fast as it is taken · `/stats` what is going on here · everything else 200 bytes of JSON.
 */
const [name = 'origin', port = '0'] = process.argv.slice(2)

/** `/stats` and health checks are not counted. */
const stats = { inFlight: 0, answered: 0, aborted: 0 }

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://origin')
  response.setHeader('X-Backend', name)
  if (pathname === '/stats' || pathname === '/healthz') {
    response.end(JSON.stringify(stats))
    return
  }
  stats.inFlight++
  response.once('close', () => {
    stats.inFlight--
    if (response.writableFinished) stats.answered++
    else stats.aborted++
  })
  void answer(pathname, Number(searchParams.get('ms') ?? 0), request, response)
})
// An idle connection closed from here would make other measurements meet the keep-alive race.
server.keepAliveTimeout = 3_600_000
server.requestTimeout = 0
server.listen(Number(port), '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`listening ${typeof address === 'object' ? address?.port : address}\n`)
})
process.once('SIGTERM', () => process.exit(0))

async function answer(
  path: string,
  ms: number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const closed = new AbortController()
  response.once('close', () => closed.abort())
  try {
    if (path === '/echo') {
      response.setHeader('Content-Type', request.headers['content-type'] ?? 'application/octet-stream')
      return void response.end(Buffer.concat(await request.toArray()))
    }
    response.setHeader('Content-Type', 'application/json')
    if (path === '/stream') return await stream(ms, response, closed.signal)
    if (path === '/late') await sleep(ms, undefined, { signal: closed.signal })
    response.setHeader('Content-Length', Buffer.byteLength(productJson))
    if (path === '/slow') {
      response.write(productJson.slice(0, 1))
      await sleep(ms, undefined, { signal: closed.signal })
      response.end(productJson.slice(1))
      return
    }
    response.end(productJson)
  } catch {
    // The other side went away: `close` has counted it.
    response.destroy()
  }
}

async function stream(ms: number, response: ServerResponse, signal: AbortSignal): Promise<void> {
  const chunk = Buffer.alloc(16_384, 0x20)
  const until = performance.now() + ms
  while (performance.now() < until) {
    if (!response.write(chunk)) await once(response, 'drain', { signal })
    await sleep(5, undefined, { signal })
  }
  response.end()
}
