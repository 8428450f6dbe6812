import { setTimeout as sleep } from 'node:timers/promises'
import { SeededDraws } from '@budao/testkit'
import type { GatewayReport } from '@budao/model'
import { Load } from '../packages/budao/src/drill/load.ts'
import { leave, waysToLeave } from './aborting-client.ts'
import { msUntil, startGateway } from './gateway-run.ts'
import type { GatewayRun } from './gateway-run.ts'
import { summarize, summaryText } from './load-summary.ts'
import { describeMachine, machineText } from './machine.ts'
import { say, wholeNumbers } from './options.ts'
import { originStats, startOrigins } from './origins.ts'
import type { Origin } from './origins.ts'
import { connectionsOf, usageOf } from './process-tree.ts'
import type { TcpSocket } from './process-tree.ts'
import type { Stage } from './stage.ts'
import { Verdict } from './verdict.ts'

const usage = `npm run bench -- aborts [options]

  --seconds S   length of each of three phases (default 10)
  --rate N      requests a second (default 500)
  --percent P   share of clients that leave in the middle (default 10)
  --seed N      who leaves how (default: drawn, printed)

Afterwards sockets, connections and requests in flight must be back where they began, at the backends too, the
other clients must not have noticed, and memory must not have grown from phase to phase.
`

/** Upstream connections are kept that long unused: short, so that zero can be waited for. */
const idleMs = 2_000
const settleMsMax = 15_000

export async function run(args: readonly string[], stage: Stage): Promise<0 | 1> {
  const asked = wholeNumbers(args, usage, {
    seconds: [10, 1, 3_600],
    rate: [500, 10, 5_000],
    percent: [10, 1, 90],
    seed: [Date.now() % 1_000_000, 0, 2 ** 31],
  })
  if (asked === null) return 0
  const { seconds, rate, percent, seed } = asked
  say(machineText(describeMachine()))
  say(`seed ${seed}`)

  const origins = await startOrigins(stage, ['a', 'b'])
  const gateway = await startGateway(stage, {
    endpoints: origins.map(({ address }) => ({ address, site: 'east' })),
    // Longer than the bench waits: a request that ends by its timeout would look like one that was cancelled.
    service: { timeouts: { connect: '1s', request: '10m', perTry: '10m', idle: `${idleMs}ms` } },
    listener: { limits: { headTimeout: '10m', idle: '10m' } },
  })
  const eventsBefore = await gateway.admin.lastSeq()

  const random = new SeededDraws(seed)
  const load = new Load(() => performance.now(), {
    url: new URL(`http://127.0.0.1:${gateway.port}/api/products`),
    rate: (rate * (100 - percent)) / 100,
  })
  const rssMib: number[] = []
  let left = 0
  load.start()
  for (let phase = 1; phase <= 3; phase++) {
    left += await leavers(gateway.port, (rate * percent) / 100, seconds, random)
    rssMib.push(usageOf(gateway.process.pid).rssBytes / 2 ** 20)
    say(`phase ${phase}: ${left} clients have left, RSS ${rssMib.at(-1)!.toFixed(0)} MiB`)
  }
  const summary = summarize(await load.stop())
  load.close()
  say(summaryText('the others', summary))

  const verdict = new Verdict()
  const settledMs = await msUntil(settleMsMax, async () => isQuiet(await gateway.admin.status()))
  verdict.expect(
    settledMs !== null,
    'connections and requests in flight are back to zero',
    `${countsText(await gateway.admin.status())}, ${waitText(settledMs)}`,
  )
  const backendsMs = await msUntil(settleMsMax, async () => (await inFlightAt(origins)) === 0)
  const { aborted } = await totals(origins)
  verdict.expect(
    backendsMs !== null,
    'backends were told: nothing is in flight there',
    `${await inFlightAt(origins)} in flight, ${aborted} cancelled, ${waitText(backendsMs)}`,
  )
  const socketsMs = await msUntil(settleMsMax, async () => held(gateway).length === 0)
  verdict.expect(
    socketsMs !== null,
    `no connection is held any more (unused ones close after ${idleMs} ms)`,
    `${socketsMs === null ? socketsText(gateway) : 'none'}, ${waitText(socketsMs)}`,
  )
  verdict.expect(summary.failed === 0, 'nobody else failed', `${summary.failed} of ${summary.sent}`)
  const blamed = (await gateway.admin.eventsAfter(eventsBefore)).filter(({ kind }) =>
    ['endpoint.ejected', 'endpoint.unhealthy', 'breaker.opened', 'worker.crashed'].includes(kind),
  )
  verdict.expect(
    blamed.length === 0,
    'no endpoint or worker was blamed',
    blamed.length === 0
      ? 'no such event'
      : blamed.map(({ kind, subject }) => `${kind} ${subject}`).join(', '),
  )
  const [, second = 0, third = 0] = rssMib
  // A collection more or less moves RSS by some MiB; a leak of 1 KiB a request would show as more than both.
  verdict.expect(
    third <= second * 1.15 + 8,
    'memory is flat (last phase within 15 % + 8 MiB of the one before)',
    `${rssMib.map((mib) => mib.toFixed(0)).join(' → ')} MiB`,
  )
  return verdict.exitCode
}

/** Sends clients by schedule; returns how many, once the last of them is gone. */
async function leavers(port: number, rate: number, seconds: number, random: SeededDraws): Promise<number> {
  const start = performance.now()
  const gone: Promise<void>[] = []
  while (performance.now() - start < seconds * 1_000) {
    const due = Math.floor(((performance.now() - start) / 1_000) * rate)
    while (gone.length < due) gone.push(leave(port, random.pick(waysToLeave)))
    await sleep(5)
  }
  await Promise.all(gone)
  return gone.length
}

function isQuiet({ connections, services }: GatewayReport): boolean {
  const inFlight = services.flatMap((service) => [service, ...service.endpoints]).map((one) => one.inFlight)
  return (
    connections.downstream === 0 &&
    connections.upstream === connections.upstreamIdle &&
    inFlight.every((n) => n === 0)
  )
}

function countsText({ connections, services }: GatewayReport): string {
  const { downstream, upstream, upstreamIdle } = connections
  const inFlight = services.reduce((sum, service) => sum + service.inFlight, 0)
  const atEndpoints = services
    .flatMap(({ endpoints }) => endpoints)
    .reduce((sum, { inFlight: n }) => sum + n, 0)
  return `downstream ${downstream}, upstream ${upstream} (${upstreamIdle} idle), in flight ${inFlight} and ${atEndpoints} by endpoint`
}

/** Connections to clients and backends; those of the admin API are our own. Health checks come and go among them. */
function held({ process: gateway, adminPort }: GatewayRun): TcpSocket[] {
  return connectionsOf(gateway.pid).filter(({ localPort }) => localPort !== adminPort)
}

function socketsText(gateway: GatewayRun): string {
  const list = held(gateway).map(
    ({ state, localPort, remotePort }) => `${localPort}→${remotePort} state ${state}`,
  )
  return `${list.length} held: ${list.slice(0, 10).join(', ')}`
}

async function totals(origins: readonly Origin[]): Promise<{ inFlight: number; aborted: number }> {
  const stats = await Promise.all(origins.map(originStats))
  return {
    inFlight: stats.reduce((sum, { inFlight }) => sum + inFlight, 0),
    aborted: stats.reduce((sum, { aborted }) => sum + aborted, 0),
  }
}

async function inFlightAt(origins: readonly Origin[]): Promise<number> {
  return (await totals(origins)).inFlight
}

function waitText(ms: number | null): string {
  return ms === null ? `not within ${settleMsMax} ms` : `after ${ms.toFixed(0)} ms`
}
