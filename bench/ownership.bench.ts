import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { UnitReport } from '@budao/model'
import { freePort, SeededDraws, type TestProcess } from '@budao/testkit'
import { gatewayConfig, gatewayLaunch, writeConfig } from './budao.ts'
import { describeMachine, machineText } from './machine.ts'
import { startNginxBackends } from './nginx-backends.ts'
import { need } from './need.ts'
import { say, wholeNumbers } from './options.ts'
import { allowedCores, usageOf } from './process-tree.ts'
import { countErrors } from './rounds.ts'
import type { Stage } from './stage.ts'
import { pairedRatios, shuffled, spreadOf } from './statistics.ts'
import { spreadText, table } from './table.ts'
import { Verdict } from './verdict.ts'
import { runWrk } from './wrk.ts'

const usage = `npm run bench -- ownership [options]

  --rounds N         measured rounds of each (default 7)
  --seconds S        length of one (default 3)
  --connections N    kept alive by the load (default 32)

CPU of one gateway for each request, with and without \`failover\` on its service: the same process, the same backends, two routes. Its lease is
looked at three times for each write, and its placement once for each read. Answers are checked first.
`

const heldMsMax = 60_000

/** What is asked for, of whom; the other one of a pair differs in the service alone. */
const pairs = [
  { name: 'read', method: 'GET', bodyBytes: 0 },
  { name: 'write', method: 'POST', bodyBytes: 1_000 },
] as const
const services = ['free', 'owned'] as const

/** Fails when a request fails or the lease is lost; never for being slow. */
export async function run(args: readonly string[], stage: Stage): Promise<0 | 1> {
  const asked = wholeNumbers(args, usage, {
    rounds: [7, 1, 100],
    seconds: [3, 1, 60],
    connections: [32, 1, 1_000],
  })
  if (asked === null) return 0
  const { rounds, seconds, connections } = asked
  say(machineText(describeMachine()))
  const [core = 0, loadCore = core] = allowedCores()
  const backends = await startNginxBackends(stage, await need('nginx'), loadCore)
  const wrk = await need('wrk')
  const gateway = await startOurs(stage, core, backends.addresses)
  const before = await mustAnswer(gateway)
  const contenders = pairs.flatMap((pair) => services.map((service) => ({ ...pair, service })))
  const keyOf = ({ name, service }: (typeof contenders)[number]): string => `${name} ${service}`
  const cpu = new Map(contenders.map((each) => [keyOf(each), new Map<number, number>()]))
  const p50 = new Map(contenders.map((each) => [keyOf(each), new Map<number, number>()]))
  const random = new SeededDraws(1)
  let failed = 0
  for (let round = 0; round <= rounds; round++) {
    for (const contender of shuffled(contenders, random)) {
      const { method, bodyBytes, service } = contender
      const usedBefore = usageOf(gateway.process.child.pid!).cpuMicros
      const load = await runWrk(stage, wrk, {
        ...{ scheme: 'http', port: gateway.port, headers: {}, connections, seconds, core: loadCore },
        question: { method, path: `/${service}/`, bodyBytes },
      })
      const micros = (usageOf(gateway.process.child.pid!).cpuMicros - usedBefore) / load.requests
      failed += countErrors(load.errors)
      // The first round warms up.
      if (round === 0) continue
      cpu.get(keyOf(contender))!.set(round, micros)
      p50.get(keyOf(contender))!.set(round, load.p50Ms)
    }
  }
  const verdict = new Verdict()
  verdict.expect(failed === 0, 'no request fails', `${failed} failed`)
  const { epoch } = await mustAnswer(gateway)
  verdict.expect(
    epoch === before.epoch,
    'the lease is held throughout',
    `epoch ${epoch}, was ${before.epoch}`,
  )
  say(
    table(
      ['', 'µs CPU for each request', 'p50 ms'],
      contenders.map((each) => [
        keyOf(each),
        spreadText(spreadOf([...cpu.get(keyOf(each))!.values()]), 1),
        spreadText(spreadOf([...p50.get(keyOf(each))!.values()]), 2),
      ]),
    ),
  )
  for (const { name } of pairs) {
    const ratio = (of: typeof cpu): string =>
      spreadText(spreadOf(pairedRatios(of.get(`${name} owned`)!, of.get(`${name} free`)!)), 3)
    say(`${name}, owned / free: CPU ${ratio(cpu)}, p50 ${ratio(p50)}`)
  }
  return verdict.exitCode
}

interface Ours {
  readonly process: TestProcess
  readonly port: number
  readonly adminPort: number
}

async function startOurs(stage: Stage, core: number, addresses: readonly string[]): Promise<Ours> {
  const [port, adminPort, linkPort] = [await freePort(), await freePort(), await freePort()]
  const endpoints = addresses.map((address) => ({ address, site: 'east' }))
  const routes = services.map((service) => ({
    name: service,
    match: [{ path: { prefix: `/${service}/` } }],
    backends: [{ service }],
  }))
  const config = gatewayConfig({ port, adminPort, endpoints, routes })
  const { shop } = config['services'] as { shop: Readonly<Record<string, unknown>> }
  const secret = join(stage.folder, 'secret')
  writeFileSync(secret, 'what this node shares with none')
  const file = join(stage.folder, 'budao.yaml')
  writeConfig(file, {
    ...config,
    // Both as active-standby at one site: only `failover` differs.
    services: {
      free: { ...shop, mode: 'active-standby' },
      owned: { ...shop, mode: 'active-standby', failover: {}, data: { shared: true } },
    },
    control: {
      address: `127.0.0.1:${linkPort}`,
      token: { file: secret },
      controller: true,
      store: { type: 'sqlite', path: join(stage.folder, 'coordination.db') },
      peers: {},
    },
  })
  const { command, args, env } = gatewayLaunch(file, 'source')
  const started = stage.start('budao', command, args, { env, core })
  await started.waitForPort(port)
  return { process: started, port, adminPort }
}

/** All four answer rightly, and the lease is held; resolves to its epoch. */
async function mustAnswer({ port, adminPort, process: gateway }: Ours): Promise<{ epoch: number | null }> {
  const until = performance.now() + heldMsMax
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${adminPort}/api/v1/failover`)
    const unit = ((await answer.json()) as { units?: UnitReport[] }).units?.[0]
    const statuses = await Promise.all(
      pairs.flatMap(({ method }) =>
        services.map(async (service) => {
          const body = method === 'POST' ? { body: 'x'.repeat(1_000) } : {}
          return (await fetch(`http://127.0.0.1:${port}/${service}/`, { method, ...body })).status
        }),
      ),
    )
    if (unit?.lease === 'held' && statuses.every((status) => status === 200)) return { epoch: unit.epoch }
    if (performance.now() > until)
      throw new Error(
        `expected four answers of 200 and a lease, got ${statuses.join(', ')} and ${unit?.lease}:\n${gateway.output.slice(-2_000)}`,
      )
    await sleep(100)
  }
}
