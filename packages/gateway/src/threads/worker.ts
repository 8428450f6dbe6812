import { parentPort, workerData } from 'node:worker_threads'
import { SeededRandom } from '@budao/resilience'
import { DataPlane } from './data-plane.ts'
import { ProcessClock } from './process-clock.ts'
import type { Runtime } from './runtime.ts'
import type { FromWorker, ToWorker, WorkerAnswer, WorkerStart } from './worker-messages.ts'

const { worker, memory, metrics, listenerMetrics, seed } = workerData as WorkerStart
const port = parentPort!

const plane = new DataPlane(new ProcessClock(), new SeededRandom(seed[0]), {
  worker,
  memory: new Int32Array(memory),
  metrics,
  listenerMetrics,
  wallNow: () => Date.now(),
  report: (event) => send({ kind: 'event', event }),
  warn: (message) => send({ kind: 'warning', message }),
  askKeys: (url) => send({ kind: 'keys-wanted', url }),
})
let prepared: Runtime | null = null
/** Where the listeners are bound, by name. */
let bound: Readonly<Record<string, string>> = {}
let queue: Promise<void> = Promise.resolve()

// One after the other, but for the end, keys, challenges and texts: they must not wait until the last request has drained.
const atOnce: readonly ToWorker['kind'][] = ['close', 'keys', 'key-file', 'challenges', 'served', 'peers']

port.on('message', (message: ToWorker) => {
  const { id } = message
  const turn = atOnce.includes(message.kind) ? Promise.resolve() : queue
  queue = turn
    .then(() => handle(message))
    .then(send, (error: unknown) => send({ kind: 'failed', id, problem: problemOf(error) }))
})

async function handle(message: ToWorker): Promise<WorkerAnswer> {
  const { id } = message
  switch (message.kind) {
    case 'prepare':
      plane.keys.set(message.keys)
      plane.served.set(message.served)
      prepared = await plane.prepare(message.plan)
      break
    case 'commit':
      return { kind: 'committed', id, addresses: await commit(message.addresses) }
    case 'abandon':
      await prepared?.close()
      prepared = null
      break
    case 'renew-tls':
      plane.renewTls(message.tls)
      break
    case 'purge':
      return { kind: 'purged', id, removed: await plane.runtime.purge(message.match) }
    case 'keys':
      plane.keys.set(message.keys)
      break
    case 'key-file':
      plane.keyFile.connect(message.port)
      break
    case 'served':
      plane.served.set(message.texts)
      break
    case 'peers':
      plane.peers.set(message.addresses)
      break
    case 'challenges':
      plane.challenges = message.challenges.size === 0 ? null : message.challenges
      break
    case 'drain':
      await plane.drain()
      break
    case 'close':
      await plane.close()
      setImmediate(() => port.close())
  }
  return { kind: 'done', id }
}

/** Listeners first: where one cannot be opened, the old snapshot goes on. */
async function commit(
  addresses: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  const runtime = prepared!
  const { config } = runtime.plan.snapshot
  const before = plane.runtime as Runtime | undefined
  const first = before === undefined
  if (first || runtime.hasConfigOf(before)) plane.apply(runtime)
  if (!first && runtime.hasConfigOf(before)) {
    prepared = null
    return bound
  }
  const listeners = config.listeners.map((listener) => ({
    ...listener,
    address: addresses[listener.name] ?? listener.address,
  }))
  bound = await plane.listen(listeners, runtime.plan.tls)
  if (!first) plane.apply(runtime)
  prepared = null
  return bound
}

function send(message: FromWorker): void {
  port.postMessage(message)
}

function problemOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
