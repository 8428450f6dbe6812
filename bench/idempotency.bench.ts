import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
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

const usage = `npm run bench -- idempotency [options]

  --rounds N         measured rounds of each (default 5)
  --seconds S        length of one (default 3)
  --connections N    kept alive by the load (default 32)

CPU of the gateway for each POST of 1 kB, and how long it takes: on a route without keys, without a key on a route that has them, with a key
of its own, and as a repeat. The filter's defaults: a file, synced before a result is told.
`

const question = { method: 'POST', path: '/api/orders', bodyBytes: 1_000 } as const

/** Another key for every request; the same work with a header that says nothing, for those without. */
const counting = (header: string): string => `
local n = 0
local body = string.rep('x', 1000)
request = function()
  n = n + 1
  return wrk.format('POST', '/api/orders', { ['${header}'] = string.format('key-%s-%016d', KEY_SEED, n) }, body)
end
`

interface Contender {
  readonly name: string
  readonly process: TestProcess
  readonly port: number
  readonly lua: (round: number) => string
}

/** Fails when a request fails or a repeat reaches the service; never for being slow. */
export async function run(args: readonly string[], stage: Stage): Promise<0 | 1> {
  const asked = wholeNumbers(args, usage, {
    rounds: [5, 1, 100],
    seconds: [3, 1, 60],
    connections: [32, 1, 1_000],
  })
  if (asked === null) return 0
  const { rounds, seconds, connections } = asked
  say(machineText(describeMachine()))
  const verdict = new Verdict()
  const [core = 0, loadCore = core] = allowedCores()
  const backends = await startNginxBackends(stage, await need('nginx'), loadCore)
  const wrk = await need('wrk')
  const plain = await startOurs(stage, 'plain', core, backends.addresses, {})
  const keyed = await startOurs(stage, 'keyed', core, backends.addresses, {
    filters: [{ idempotency: { header: 'X-Key' } }],
  })
  const seeded = (round: number): string => `KEY_SEED = '${process.pid}-${round}'\n`
  const contenders: Contender[] = [
    { name: 'no keys', ...plain, lua: (round) => seeded(round) + counting('X-Key') },
    { name: 'no key', ...keyed, lua: (round) => seeded(round) + counting('X-Other') },
    { name: 'first', ...keyed, lua: (round) => seeded(round) + counting('X-Key') },
    { name: 'repeat', ...keyed, lua: () => "wrk.headers['X-Key'] = 'the-same-key-each-time'\n" },
  ]
  await mustRepeat(keyed.port)
  const cpu = new Map(contenders.map(({ name }) => [name, new Map<number, number>()]))
  const p50 = new Map(contenders.map(({ name }) => [name, new Map<number, number>()]))
  const random = new SeededDraws(1)
  let failed = 0
  for (let round = 0; round <= rounds; round++) {
    for (const { name, process: measured, port, lua } of shuffled(contenders, random)) {
      const before = usageOf(measured.child.pid!).cpuMicros
      const load = await runWrk(stage, wrk, {
        scheme: 'http',
        port,
        question,
        headers: {},
        lua: lua(round),
        connections,
        seconds,
        core: loadCore,
      })
      const micros = (usageOf(measured.child.pid!).cpuMicros - before) / load.requests
      failed += countErrors(load.errors)
      // The first round warms up.
      if (round === 0) continue
      cpu.get(name)!.set(round, micros)
      p50.get(name)!.set(round, load.p50Ms)
    }
  }
  verdict.expect(failed === 0, 'no request fails', `${failed} failed`)
  say(
    table(
      ['', 'µs CPU for each request', 'p50 ms'],
      contenders.map(({ name }) => [
        name,
        spreadText(spreadOf([...cpu.get(name)!.values()]), 1),
        spreadText(spreadOf([...p50.get(name)!.values()]), 2),
      ]),
    ),
  )
  for (const name of ['no key', 'first', 'repeat'])
    say(
      `${name} / no keys: CPU ${spreadText(spreadOf(pairedRatios(cpu.get(name)!, cpu.get('no keys')!)), 2)}, ` +
        `p50 ${spreadText(spreadOf(pairedRatios(p50.get(name)!, p50.get('no keys')!)), 2)}`,
    )
  for (const { name, process: measured } of [contenders[0]!, contenders[2]!])
    say(`${name}: ${(usageOf(measured.child.pid!).rssBytes / 1e6).toFixed(0)} MB RSS behind the load`)
  return verdict.exitCode
}

async function startOurs(
  stage: Stage,
  name: string,
  core: number,
  addresses: readonly string[],
  route: Readonly<Record<string, unknown>>,
): Promise<{ process: TestProcess; port: number }> {
  const [port, adminPort] = [await freePort(), await freePort()]
  const folder = join(stage.folder, name)
  mkdirSync(folder)
  const file = join(folder, 'budao.yaml')
  const endpoints = addresses.map((address) => ({ address, site: 'east' }))
  writeConfig(file, gatewayConfig({ port, adminPort, endpoints, route }))
  const { command, args, env } = gatewayLaunch(file, 'source')
  const started = stage.start(`budao ${name}`, command, args, { env, core })
  await started.waitForPort(port)
  return { process: started, port }
}

/** The second answer comes from the first. */
async function mustRepeat(port: number): Promise<void> {
  const replayed: (string | null)[] = []
  for (let i = 0; i < 2; i++) {
    const answer = await fetch(`http://127.0.0.1:${port}/api/orders`, {
      method: 'POST',
      headers: { 'X-Key': 'the-same-key-each-time' },
      body: 'x'.repeat(question.bodyBytes),
    })
    if (!answer.ok) throw new Error(`a keyed write: expected 2xx, got ${answer.status}`)
    replayed.push(answer.headers.get('idempotency-replayed'))
  }
  if (replayed.join() !== ',true')
    throw new Error(`Idempotency-Replayed: expected ,true, got ${replayed.join()}`)
}
