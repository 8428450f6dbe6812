import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { findOrInstall, freePort, SeededDraws } from '@budao/testkit'
import type { TestProcess } from '@budao/testkit'
import { waitForAnswer, wrongAnswers } from './answers.ts'
import type { Contender, Found } from './contenders/contender.ts'
import { contenders } from './contenders/index.ts'
import { gatewayReport } from './gateway-report.ts'
import { describeMachine, machineText } from './machine.ts'
import { say, UsageError, wholeNumber } from './options.ts'
import { startNginxBackends } from './nginx-backends.ts'
import type { Backends } from './nginx-backends.ts'
import { allowedCores, usageOf } from './process-tree.ts'
import { countErrors } from './rounds.ts'
import type { ProxyUsage, Round } from './rounds.ts'
import type { Stage } from './stage.ts'
import { shuffled } from './statistics.ts'
import { runWrk } from './wrk.ts'

const usage = `npm run bench -- gateway [options]

  --rounds N         measured rounds of each contender (default 5)
  --seconds S        length of one (default 5)
  --warmup S         load before each, not measured (default 2)
  --connections N    kept alive by the load (default 64)
  --only a,b         of: ${contenders('source')
    .map(({ name }) => name)
    .join(', ')}
  --seed N           order within the rounds (default: drawn, printed)
  --built            ours as it is installed (after npm run build); default: from source
  --json FILE        every round's figures
  --profile FOLDER   CPU profiles of ours: no figures to quote, the profiler costs CPU

Example: npm run bench -- gateway --rounds 3 --seconds 2 --only budao,nginx
`

/** Fails when ours is absent, answers wrongly or had errors; never for being slow. */
export async function run(args: readonly string[], stage: Stage): Promise<0 | 1> {
  const options = readOptions(args)
  if (options === 'help') {
    process.stdout.write(usage)
    return 0
  }
  const cores = allowedCores()
  const proxyCore = cores[0]!
  const loadCore = cores[1] ?? proxyCore
  const machine = describeMachine()
  say(machineText(machine))
  say(`proxy on core ${proxyCore}, load and backends on core ${loadCore}; seed ${options.seed}`)
  if (loadCore === proxyCore)
    say('One core only: proxy and load disturb each other, ratios are worth little.')

  const [nginx, wrk] = [await findOrInstall('nginx'), await findOrInstall('wrk')]
  for (const [name, tool] of [
    ['nginx for the backends', nginx],
    ['wrk for the load', wrk],
  ] as const) {
    if (tool.kind === 'missing') throw new Error(`${name}: ${tool.reason}`)
  }
  if (nginx.kind === 'missing' || wrk.kind === 'missing') return 1

  const backends = await startNginxBackends(stage, nginx.path, loadCore)
  const bench = new Bench(stage, { ...options, proxyCore, loadCore, wrk: wrk.path, backends })

  const skipped: { contender: string; reason: string }[] = []
  const timed: Entry[] = []
  for (const contender of options.chosen) {
    const entry = await bench.admit(contender)
    if ('reason' in entry) {
      skipped.push({ contender: contender.name, reason: entry.reason })
      say(`${contender.name}: not timed. ${entry.reason}`)
    } else {
      timed.push(entry)
      say(`${contender.name} ${entry.version}: answers are right`)
    }
  }

  const random = new SeededDraws(options.seed)
  const rounds: Round[] = []
  for (let round = 1; round <= options.rounds; round++) {
    for (const entry of shuffled(timed, random)) {
      const measured = await bench.measure(entry, round)
      rounds.push(measured)
      const cpu = measured.proxy === null ? '' : `, ${measured.proxy.cpuMicrosPerRequest.toFixed(1)} µs CPU`
      say(`round ${round} ${measured.contender}: ${measured.requestsPerSecond.toFixed(0)} requests/s${cpu}`)
    }
  }

  const versions = Object.fromEntries(timed.map(({ contender, version }) => [contender.name, version]))
  say(
    gatewayReport(
      timed.map(({ contender }) => contender.name),
      rounds,
    ),
  )
  // The whole reason stands above, where it happened.
  for (const { contender, reason } of skipped) say(`${contender}: skipped. ${reason.split('\n', 1)[0]}`)
  if (options.json !== undefined) {
    const { seed, seconds, warmup, connections } = options
    const record = {
      machine,
      versions,
      seed,
      seconds,
      warmup,
      connections,
      proxyCore,
      loadCore,
      skipped,
      rounds,
    }
    writeFileSync(options.json, `${JSON.stringify(record, null, 2)}\n`)
    say(`rounds written to ${options.json}`)
  }
  if (options.profile !== undefined) {
    say(`Profiled: no figure of this run is worth quoting. CPU profiles are in ${options.profile}`)
  }

  const oursWanted = options.chosen.some(({ name }) => name === 'budao')
  const oursTimed = timed.some(({ contender }) => contender.name === 'budao')
  const oursFailed = rounds.some(({ contender, errors }) => contender === 'budao' && countErrors(errors) > 0)
  return (oursWanted && !oursTimed) || oursFailed ? 1 : 0
}

/** A contender that is here and answers rightly. */
interface Entry {
  readonly contender: Contender
  readonly version: string
  readonly program: string
}

interface Options {
  readonly rounds: number
  readonly seconds: number
  readonly warmup: number
  readonly connections: number
  readonly seed: number
  readonly chosen: readonly Contender[]
  readonly json: string | undefined
  readonly profile: string | undefined
}

interface Ground extends Options {
  readonly proxyCore: number
  readonly loadCore: number
  readonly wrk: string
  readonly backends: Backends
}

class Bench {
  readonly #stage: Stage
  readonly #ground: Ground
  #launches = 0

  constructor(stage: Stage, ground: Ground) {
    this.#stage = stage
    this.#ground = ground
  }

  /** Answers first: only who gives the right ones is timed. */
  async admit(contender: Contender): Promise<Entry | { reason: string }> {
    const found: Found = await contender.find()
    if (found.kind === 'missing') return { reason: found.reason }
    const entry = { contender, version: found.version, program: found.program }
    try {
      await using up = await this.#start(entry)
      const wrong = await wrongAnswers(up.port, this.#ground.backends, up.process !== undefined)
      return wrong.length === 0 ? entry : { reason: `Wrong answers: ${wrong.join('; ')}` }
    } catch (error) {
      return { reason: error instanceof Error ? error.message : String(error) }
    }
  }

  /** A process of its own for every round: nothing else runs beside it, and the spread covers start to start. */
  async measure(entry: Entry, round: number): Promise<Round> {
    const { wrk, connections, loadCore, warmup, seconds } = this.#ground
    await using up = await this.#start(entry)
    const load = { port: up.port, path: '/api/products', connections, core: loadCore }
    if (warmup > 0) await runWrk(this.#stage, wrk, { ...load, seconds: warmup })
    await sleep(100)

    const before = up.process === undefined ? undefined : usageOf(up.process.pid)
    const result = await runWrk(this.#stage, wrk, { ...load, seconds })
    const after = up.process === undefined ? undefined : usageOf(up.process.pid)

    let proxy: ProxyUsage | null = null
    if (before !== undefined && after !== undefined) {
      if (String(before.pids) !== String(after.pids)) {
        throw new Error(
          `${entry.contender.name} replaced a process during the round: its CPU time is unknown`,
        )
      }
      const cpuMicros = after.cpuMicros - before.cpuMicros
      proxy = {
        cpuMicrosPerRequest: cpuMicros / Math.max(1, result.requests),
        busyPercent: cpuMicros / result.seconds / 1e4,
        rssBytes: after.rssBytes,
        peakRssBytes: after.peakRssBytes,
        processes: after.pids.length,
      }
    }
    const requestsPerSecond = result.requests / result.seconds
    return { round, contender: entry.contender.name, ...result, requestsPerSecond, proxy }
  }

  async #start({ contender, program }: Entry): Promise<Up> {
    const { backends, proxyCore, profile } = this.#ground
    const folder = join(this.#stage.folder, `${contender.name.replaceAll('/', '-')}-${++this.#launches}`)
    mkdirSync(folder)
    const [port, adminPort] = [await freePort(), await freePort()]
    const launch = contender.prepare({
      program,
      folder,
      port,
      adminPort,
      backends: backends.addresses,
      profileFolder: profile,
    })
    if (launch === undefined) {
      return { port: backends.ports[0], process: undefined, [Symbol.asyncDispose]: async () => {} }
    }
    const started = this.#stage.start(contender.name, launch.command, launch.args, {
      core: proxyCore,
      env: launch.env,
    })
    const up: Up = { port, process: started, [Symbol.asyncDispose]: () => this.#stage.stop(started) }
    try {
      for (const open of [port, ...(launch.otherPorts ?? [])]) await started.waitForPort(open)
      await waitForAnswer(port, '/healthz')
    } catch (error) {
      await this.#stage.stop(started)
      throw error
    }
    return up
  }
}

interface Up extends AsyncDisposable {
  readonly port: number
  /** Undefined: there is no proxy. */
  readonly process: TestProcess | undefined
}

function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '5' },
      warmup: { type: 'string', default: '2' },
      connections: { type: 'string', default: '64' },
      seed: { type: 'string' },
      only: { type: 'string' },
      built: { type: 'boolean', default: false },
      json: { type: 'string' },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return 'help'
  const all = contenders(values.built ? 'built' : 'source')
  const names = values.only?.split(',')
  const unknown = names?.find((name) => !all.some((contender) => contender.name === name))
  if (unknown !== undefined) throw new UsageError(`no contender is called ${unknown}`)
  return {
    rounds: wholeNumber('rounds', values.rounds, 1, 100),
    seconds: wholeNumber('seconds', values.seconds, 1, 600),
    warmup: wholeNumber('warmup', values.warmup, 0, 600),
    connections: wholeNumber('connections', values.connections, 1, 1_000),
    seed: wholeNumber('seed', values.seed ?? String(Date.now() % 1_000_000), 0, 2 ** 31),
    chosen: all.filter(({ name }) => names?.includes(name) ?? true),
    json: values.json,
    profile: values.profile === undefined ? undefined : resolve(values.profile),
  }
}
