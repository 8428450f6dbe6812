import { setTimeout as sleep } from 'node:timers/promises'
import type { BudaoEvent, EndpointReport } from '@budao/model'
import { Load } from '../packages/budao/src/drill/load.ts'
import type { Sample } from '../packages/budao/src/drill/load.ts'
import { msUntil, startGateway } from './gateway-run.ts'
import type { GatewayRun } from './gateway-run.ts'
import { summarize, summaryText } from './load-summary.ts'
import { describeMachine, machineText } from './machine.ts'
import { say, UsageError, wholeNumbers } from './options.ts'
import { startOrigins } from './origins.ts'
import type { Stage } from './stage.ts'
import { Verdict } from './verdict.ts'

const usage = `npm run bench -- blackhole [options]

  --endpoints N   2 or 4, half of them at each of two sites (default 2)
  --rate N        requests a second (default 500)

One backend process is stopped with SIGSTOP under load: the kernel goes on accepting for it, nobody answers.
The gateway must find it and eject it, no user may wait longer than the request timeout (3 s), each must get an
answer of another endpoint or the fallback, and once it is ejected nobody may notice any more. Then SIGCONT:
traffic must come back.
`

const requestTimeoutMs = 3_000
/** What scheduling on a loaded machine may add to a timer. */
const timerSlackMs = 250
const detectMsMax = 10_000
const returnMsMax = 20_000

export async function run(args: readonly string[], stage: Stage): Promise<0 | 1> {
  const asked = wholeNumbers(args, usage, { endpoints: [2, 2, 4], rate: [500, 1, 10_000] })
  if (asked === null) return 0
  const { endpoints: count, rate } = asked
  if (count === 3) throw new UsageError('--endpoints: expected 2 or 4, got 3')
  say(machineText(describeMachine()))

  const origins = await startOrigins(stage, ['east-1', 'west-1', 'east-2', 'west-2'].slice(0, count))
  const gateway = await startGateway(stage, {
    endpoints: origins.map(({ address }, index) => ({ address, site: index % 2 === 0 ? 'east' : 'west' })),
    service: {
      timeouts: { connect: '1s', request: `${requestTimeoutMs}ms` },
      outlier: { maxFails: 3, failTimeout: '5s' },
    },
    route: { fallback: { stale: '5m', status: 200, json: { code: 0, degraded: true } } },
  })
  const hole = origins[0]!
  const load = new Load(() => performance.now(), {
    url: new URL(`http://127.0.0.1:${gateway.port}/api/products`),
    rate,
    timeoutMs: 3 * requestTimeoutMs,
  })
  load.start()
  await sleep(3_000)

  const seqBefore = await gateway.admin.lastSeq()
  const stoppedAt = { ms: performance.now(), wallMs: Date.now() }
  hole.process.child.kill('SIGSTOP')
  const foundMs = await msUntil(detectMsMax, async () => (await stateOf(gateway, hole.address)) !== 'usable')
  // Requests that were on their way when it was found may still wait out their timeout.
  const quietFromMs = performance.now() + requestTimeoutMs
  await sleep(requestTimeoutMs + 3_000)
  const quietUntilMs = performance.now()
  const totalBefore = await requestsOf(gateway, hole.address)
  hole.process.child.kill('SIGCONT')
  const backMs = await msUntil(
    returnMsMax,
    async () =>
      (await stateOf(gateway, hole.address)) === 'usable' &&
      (await requestsOf(gateway, hole.address)) > totalBefore + rate / 10,
  )
  await sleep(1_000)
  const samples = await load.stop()
  load.close()

  for (const event of await gateway.admin.eventsAfter(seqBefore)) say(eventText(event, stoppedAt.wallMs))
  const during = samples.filter(
    ({ dueMs }) => dueMs < quietFromMs && dueMs >= stoppedAt.ms - requestTimeoutMs,
  )
  const quiet = samples.filter(({ dueMs }) => dueMs >= quietFromMs && dueMs < quietUntilMs)
  const whole = summarize(samples)
  say(summaryText('while it was being found', summarize(during)))
  say(summaryText('once it was out', summarize(quiet)))
  say(summaryText('the whole run', whole))
  say(slowText(samples))
  say(`the load was kept from its schedule for ${load.longestPauseMs.toFixed(0)} ms at worst`)

  const verdict = new Verdict()
  verdict.expect(
    foundMs !== null,
    'found and taken out',
    foundMs === null ? 'never' : `after ${foundMs.toFixed(0)} ms`,
  )
  verdict.expect(
    whole.maxMs <= requestTimeoutMs + timerSlackMs,
    `nobody waited longer than the request timeout of ${requestTimeoutMs} ms (+ ${timerSlackMs})`,
    `worst ${whole.maxMs.toFixed(0)} ms`,
  )
  verdict.expect(
    whole.failed === 0,
    'everybody got an answer or the fallback',
    `${whole.failed} of ${whole.sent} failed, ${whole.degraded} by fallback`,
  )
  const { failed, degraded, maxMs } = summarize(quiet)
  verdict.expect(
    failed + degraded === 0,
    'once it was out nobody noticed',
    `${failed} failed, ${degraded} by fallback of ${quiet.length}, worst ${maxMs.toFixed(0)} ms`,
  )
  verdict.expect(
    backMs !== null,
    'it came back into use',
    backMs === null ? 'never' : `after ${backMs.toFixed(0)} ms`,
  )
  return verdict.exitCode
}

async function endpointOf(gateway: GatewayRun, address: string): Promise<EndpointReport | undefined> {
  const { services } = await gateway.admin.status()
  return services.flatMap(({ endpoints }) => endpoints).find((endpoint) => endpoint.address === address)
}

async function stateOf(gateway: GatewayRun, address: string): Promise<EndpointReport['state'] | undefined> {
  return (await endpointOf(gateway, address))?.state
}

async function requestsOf(gateway: GatewayRun, address: string): Promise<number> {
  return (await endpointOf(gateway, address))?.requestsTotal ?? 0
}

function eventText({ at, kind, subject, message }: BudaoEvent, sinceWallMs: number): string {
  const ms = Date.parse(at) - sinceWallMs
  return `${`${ms >= 0 ? '+' : ''}${ms}`.padStart(7)} ms  ${kind} ${subject}: ${message}`
}

/** How many users felt it, by how long they waited. */
function slowText(samples: readonly Sample[]): string {
  const limits = [100, 500, 1_000, 2_000, 3_000]
  const counts = limits.map((limit) => {
    const slower = samples.filter(({ dueMs, endMs }) => endMs - dueMs > limit).length
    return `${slower} over ${limit} ms`
  })
  return `waited: ${counts.join(', ')}`
}
