import { createServer, type Server } from 'node:http'
import { Socket, type AddressInfo } from 'node:net'
import { createSnapshot } from '@budao/model'
import { parseConfig } from '@budao/model/parser'
import { SeededRandom } from '@budao/resilience'
import { Arena } from '../threads/arena.ts'
import { DataPlane } from '../threads/data-plane.ts'
import { Downstream } from '../client/downstream.ts'
import { Caches } from '../cache/caches.ts'
import { ListenerMetrics } from '../metrics/listener-metrics.ts'
import { CallMetrics } from '../metrics/call-metrics.ts'
import { Metrics } from '../metrics/metrics.ts'
import { noTls } from '../tls/tls-material.ts'
import { ProcessClock } from '../threads/process-clock.ts'
import { runtimeCells } from '../threads/runtime.ts'
import { forwarded } from './fuzz-forwarded.ts'
import { record } from './fuzz-node.ts'
import { OwnReader } from './fuzz-own.ts'
import type { ReadMessage, Reading } from './fuzz-readings.ts'
import { RequestStreams } from './fuzz-requests.ts'

/** What a campaign through a whole gateway has found. */
export interface GatewayFuzzReport {
  streams: number
  /** Requests that the backend received, as it was meant to. */
  messages: number
  readonly failures: string[]
}

/** An answer of one stream must come within this time; it takes a few milliseconds. */
const PATIENCE_MS = 10_000

/**
 * Sends damaged streams in pieces through a gateway, to a backend that Node's HTTP server reads for: what arrives there must be
 * exactly the requests that our reader takes, which the other campaign compares with Node's reading of the stream.
 */
export async function fuzzGateway(
  seed: number,
  streamsMax: number,
  signal?: AbortSignal,
): Promise<GatewayFuzzReport> {
  const report: GatewayFuzzReport = { streams: 0, messages: 0, failures: [] }
  const source = new RequestStreams(seed)
  const own = new OwnReader()
  const backend = await Backend.start()
  const plane = await planeTo(backend.address)
  const stopped = (): boolean => signal?.aborted === true || report.failures.length >= 10
  while (report.streams < streamsMax && !stopped()) {
    const pieces = source.split(source.next())
    const ours = own.read(pieces)
    const client = new MemorySocket(plane, pieces)
    const problem = await answered(client, ours)
    client.destroy()
    const received = backend.take()
    const found = problem ?? difference(ours, received)
    if (found !== null)
      report.failures.push(
        `through the gateway ${JSON.stringify(pieces)}: ${found}; it answered ${JSON.stringify(client.written)}`,
      )
    report.streams++
    report.messages += received.length
  }
  await plane.close()
  backend.close()
  return report
}

/** Waits until every request that is complete has its answer, and every refusal its own. */
async function answered(client: MemorySocket, ours: Reading): Promise<string | null> {
  const answers = ours.messages.filter(({ complete }) => complete).length + (ours.end === 'refused' ? 1 : 0)
  const until = performance.now() + PATIENCE_MS
  for (;;) {
    const statuses = client.statuses
    if (statuses.length > answers) return `${statuses.length} answers, expected ${answers}`
    if (statuses.length === answers && client.ended === (ours.end !== 'waiting')) break
    if (performance.now() > until)
      return `${statuses.length} answers, expected ${answers}; closed: ${client.ended}, expected ${ours.end}`
    await new Promise((done) => setImmediate(done))
  }
  const refusals = client.statuses.filter((status) => status !== 200)
  return refusals.length === (ours.end === 'refused' ? 1 : 0)
    ? null
    : `refusals ${refusals.join()}, expected ${ours.end}`
}

function difference(ours: Reading, received: readonly ReadMessage[]): string | null {
  const expected = ours.messages.filter(({ complete }) => complete).map(forwarded)
  const [a, b] = [JSON.stringify(received.map(withoutOurs)), JSON.stringify(expected)]
  return a === b ? null : `the backend received ${a}, expected ${b}`
}

/** Without the lines that the gateway adds, which always stand last. */
function withoutOurs(message: ReadMessage): ReadMessage {
  const from = message.headers.findIndex(([name]) => name === 'X-Forwarded-For')
  const added = message.headers.slice(from).map(([name]) => name)
  const wrong = added.filter((name) => !ADDED.includes(name))
  return {
    ...message,
    headers: [...message.headers.slice(0, from), ...wrong.map((name) => [name, 'unexpected'] as const)],
  }
}

const ADDED = [
  'X-Forwarded-For',
  'Host',
  'X-Forwarded-Proto',
  'X-Forwarded-Host',
  'X-Request-Id',
  'traceparent',
  'Transfer-Encoding',
]

class Backend {
  readonly #server: Server
  #messages: ReadMessage[] = []

  private constructor(server: Server) {
    this.#server = server
    server.on('request', (request, response) => {
      record(request, this.#messages)
      request.on('end', () => response.end('ok'))
    })
  }

  static async start(): Promise<Backend> {
    const server = createServer({ insecureHTTPParser: false, keepAliveTimeout: 0 })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    return new Backend(server)
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** The complete requests since the last call: those that broke off are none. */
  take(): ReadMessage[] {
    const messages = this.#messages.splice(0)
    return messages.filter(({ complete }) => complete)
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

async function planeTo(address: string): Promise<DataPlane> {
  const parsed = parseConfig(
    JSON.stringify({
      version: 1,
      node: { name: 'fuzz', site: 'here' },
      sites: { here: {} },
      listeners: [{ name: 'web', address: '127.0.0.1:0', protocol: 'http' }],
      services: { all: { endpoints: [{ address, site: 'here' }], retry: { attempts: 0 } } },
      // Upgrades are for tests of their own: what asks for one in a way that is refused is no matter of reading.
      routes: [{ name: 'all', upgrade: [], backends: [{ service: 'all' }] }],
    }),
    'fuzz.json',
  )
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  const snapshot = createSnapshot(parsed.config, 'fuzz.json', 0, Date.now())
  const clock = new ProcessClock()
  const arena = new Arena(65_536)
  const layout = arena.arrange(runtimeCells(snapshot, 1), clock.now())
  const plane = new DataPlane(clock, new SeededRandom(1), {
    worker: 0,
    memory: arena.memory,
    metrics: new SharedArrayBuffer(Metrics.bytesFor(1) + CallMetrics.bytes),
    listenerMetrics: new SharedArrayBuffer(ListenerMetrics.bytesFor()),
    wallNow: () => Date.now(),
    report: () => {},
    warn: (message) => console.error(message),
    askKeys: () => {},
  })
  plane.apply(
    await plane.prepare({
      snapshot,
      configVersion: 1,
      layout,
      routeRows: { all: 0 },
      siteRows: {},
      callRows: {},
      listenerRows: {},
      tls: noTls,
      workers: 1,
      cacheMemory: new Caches().arrange(snapshot.config),
      baseDir: '.',
    }),
  )
  return plane
}

/** A client's connection in memory: each piece is one read of the gateway, as soon as it reads. */
class MemorySocket extends Socket {
  written = ''
  readonly #pieces: string[]

  constructor(plane: DataPlane, pieces: readonly string[]) {
    super()
    this.#pieces = [...pieces]
    const [listener] = plane.runtime.plan.snapshot.config.listeners
    // The downstream replaces `push`: from here on it is how bytes get there.
    void new Downstream(plane, {
      socket: this,
      listener: listener!,
      address: '',
      pair: null,
      early: null,
      alpn: '',
      certificate: null,
    })
    this.#feed()
  }

  get ended(): boolean {
    return this.writableEnded || this.destroyed
  }

  /** Of the final answers so far. */
  get statuses(): number[] {
    return [...this.written.matchAll(/HTTP\/1\.1 ([2-5]\d\d) /g)].map(([, status]) => Number(status))
  }

  override _read(): void {
    this.#feed()
  }

  override _write(bytes: Buffer | string, encoding: BufferEncoding, done: () => void): void {
    this.written +=
      typeof bytes === 'string' ? bytes : bytes.toString(encoding === 'latin1' ? encoding : 'latin1')
    done()
  }

  override _writev(chunks: { chunk: Buffer | string; encoding: BufferEncoding }[], done: () => void): void {
    for (const { chunk, encoding } of chunks) this._write(chunk, encoding, () => {})
    done()
  }

  #feed(): void {
    setImmediate(() => {
      const piece = this.#pieces.shift()
      if (piece !== undefined && !this.destroyed && this.push(Buffer.from(piece, 'latin1'))) this.#feed()
    })
  }
}
