import { setTimeout as sleep } from 'node:timers/promises'
import { findOrInstall, SeededDraws } from '@budao/testkit'
import { leave, waysToLeave } from './aborting-client.ts'
import { msUntil, startGateway } from './gateway-run.ts'
import { describeMachine, machineText } from './machine.ts'
import { startNginxBackends } from './nginx-backends.ts'
import { say, wholeNumbers } from './options.ts'
import { allowedCores, usageOf } from './process-tree.ts'
import type { Stage } from './stage.ts'
import { spreadOf } from './statistics.ts'
import { Verdict } from './verdict.ts'
import { runWrk } from './wrk.ts'

const usage = `npm run bench -- soak [options]

  --requests N      in all (default 1000000)
  --percent P       share of them whose client leaves in the middle (default 10)
  --connections N   kept by the others (default 64)
  --seed N          who leaves how (default: drawn, printed)

Memory of the gateway's process is read after every two seconds; it must not go on growing.
`

const turnSeconds = 2
const product = { method: 'GET', path: '/api/products', bodyBytes: 0 } as const

export async function run(args: readonly string[], stage: Stage): Promise<0 | 1> {
  const asked = wholeNumbers(args, usage, {
    requests: [1_000_000, 1_000, 1_000_000_000],
    percent: [10, 0, 90],
    connections: [64, 1, 1_000],
    seed: [Date.now() % 1_000_000, 0, 2 ** 31],
  })
  if (asked === null) return 0
  const { requests, percent, connections, seed } = asked
  say(machineText(describeMachine()))
  say(`seed ${seed}`)

  const [nginx, wrk] = [await findOrInstall('nginx'), await findOrInstall('wrk')]
  if (nginx.kind === 'missing') throw new Error(`nginx for the backends: ${nginx.reason}`)
  if (wrk.kind === 'missing') throw new Error(`wrk for the load: ${wrk.reason}`)
  const core = allowedCores().at(-1)!
  const backends = await startNginxBackends(stage, nginx.path, core)
  const gateway = await startGateway(stage, {
    endpoints: backends.addresses.map((address) => ({ address, site: 'east' })),
    service: { timeouts: { connect: '1s', request: '10m', perTry: '10m', idle: '2s' } },
    listener: { limits: { headTimeout: '10m', idle: '10m' } },
  })

  const random = new SeededDraws(seed)
  const door = { scheme: 'http', port: gateway.port, question: product, headers: {} } as const
  const rssMib: number[] = []
  let answered = 0
  let left = 0
  let failed = 0
  let leavers = 100
  while (answered + left < requests) {
    const [result, gone] = await Promise.all([
      runWrk(stage, wrk.path, { ...door, connections, seconds: turnSeconds, core }),
      leaveAtRate(gateway.port, percent === 0 ? 0 : leavers, random),
    ])
    answered += result.requests
    left += gone
    const { errors } = result
    failed += errors.connect + errors.read + errors.write + errors.timeout + errors.status
    rssMib.push(usageOf(gateway.process.pid).rssBytes / 2 ** 20)
    // As many leave as makes the share right over the whole run.
    const wanted = ((answered + result.requests) * percent) / (100 - percent) - left
    leavers = Math.min(4_000, Math.max(100, Math.round(wanted / turnSeconds)))
    if (rssMib.length % 5 === 0)
      say(`${answered} answered, ${left} clients have left, RSS ${rssMib.at(-1)!.toFixed(0)} MiB`)
  }
  say(`${answered} answered, ${left} clients have left (${((100 * left) / (answered + left)).toFixed(1)} %)`)

  const verdict = new Verdict()
  const quarter = Math.max(1, Math.floor(rssMib.length / 4))
  const early = spreadOf(rssMib.slice(quarter, 2 * quarter).concat(rssMib[quarter] ?? rssMib[0]!))
  const late = spreadOf(rssMib.slice(-quarter))
  verdict.expect(
    late.median <= early.median * 1.1 + 4,
    'memory is flat (last quarter within 10 % + 4 MiB of the second)',
    `second quarter ${early.median.toFixed(1)} MiB, last ${late.median.toFixed(1)} MiB, highest ${Math.max(...rssMib).toFixed(1)} MiB`,
  )
  verdict.expect(failed === 0, 'nobody who stayed failed', `${failed} of ${answered}`)
  const quietMs = await msUntil(15_000, async () => {
    const { connections: open, services } = await gateway.admin.status()
    return open.downstream === 0 && open.upstream === open.upstreamIdle && services.every(idle)
  })
  verdict.expect(
    quietMs !== null,
    'connections and requests in flight are back to zero',
    quietMs === null ? 'not after 15 s' : `after ${quietMs.toFixed(0)} ms`,
  )
  return verdict.exitCode
}

function idle({ inFlight }: { readonly inFlight: number }): boolean {
  return inFlight === 0
}

/** Clients that leave, for one turn; resolves with how many, once the last of them is gone. */
async function leaveAtRate(port: number, rate: number, random: SeededDraws): Promise<number> {
  const start = performance.now()
  const gone: Promise<void>[] = []
  while (performance.now() - start < turnSeconds * 1_000) {
    const due = Math.floor(((performance.now() - start) / 1_000) * rate)
    while (gone.length < due) gone.push(leave(port, random.pick(waysToLeave)))
    await sleep(5)
  }
  await Promise.all(gone)
  return gone.length
}
