import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, TestCa } from '@budao/testkit'
import type { TestProcess } from '@budao/testkit'
import { waitForAnswer, wrongAnswers } from './answers.ts'
import type { Door } from './answers.ts'
import { makeBearerToken } from './bearer-token.ts'
import type { BearerToken } from './bearer-token.ts'
import type { CertificateFiles, Contender } from './contenders/contender.ts'
import type { Backends } from './nginx-backends.ts'
import { runOpenLoad } from './open-load.ts'
import { usageOf } from './process-tree.ts'
import type { ProxyUsage, Round } from './rounds.ts'
import type { Scenario } from './scenarios.ts'
import type { Stage } from './stage.ts'
import { runWrk } from './wrk.ts'
import type { LoadResult } from './wrk.ts'

/** A contender that is here and answers rightly. */
export interface Entry {
  readonly contender: Contender
  readonly version: string
  readonly program: string
}

export interface Ground {
  readonly proxyCore: number
  readonly loadCore: number
  readonly wrk: string
  readonly backends: Backends
  readonly seconds: number
  readonly warmup: number
  readonly connections: number
  /** Requests a second of the scenarios that load by schedule. */
  readonly rate: number
  readonly profile: string | undefined
}

const warmRequests = 30_000

/** One scenario, and the contenders in it, one at a time. */
export class Contest {
  readonly #stage: Stage
  readonly #scenario: Scenario
  readonly #ground: Ground
  readonly #folder: string
  readonly #certificate: CertificateFiles
  readonly #token: BearerToken
  readonly #addresses: readonly string[]
  #launches = 0

  constructor(stage: Stage, scenario: Scenario, ground: Ground) {
    this.#stage = stage
    this.#scenario = scenario
    this.#ground = ground
    this.#folder = join(stage.folder, scenario.name)
    mkdirSync(this.#folder)
    this.#certificate = makeCertificate(this.#folder)
    this.#token = makeBearerToken(this.#folder)
    this.#addresses = ground.backends.addresses.slice(0, scenario.front.endpoints)
  }

  /** Answers first: only who gives the right ones is timed. */
  async admit(contender: Contender): Promise<Entry | { reason: string }> {
    const lack = contender.lacks(this.#scenario.front)
    if (lack !== undefined) return { reason: lack }
    const found = await contender.find()
    if (found.kind === 'missing') return { reason: found.reason }
    const entry = { contender, version: found.version, program: found.program }
    try {
      await using up = await this.#start(entry)
      const wrong = await wrongAnswers(up.door, this.#ground.backends, up.process !== undefined)
      return wrong.length === 0 ? entry : { reason: `Wrong answers: ${wrong.join('; ')}` }
    } catch (error) {
      return { reason: error instanceof Error ? error.message : String(error) }
    }
  }

  /** A process of its own for every round: nothing else runs beside it, and the spread covers start to start. */
  async measure(entry: Entry, round: number): Promise<Round> {
    await using up = await this.#start(entry)
    await using idle = await holdIdle(up.door, this.#scenario.idleConnections)
    const { warmup, seconds } = this.#ground
    await this.#warmUp(up.door, warmup)
    await sleep(100)

    const before = up.process === undefined ? undefined : usageOf(up.process.pid)
    const result = await this.#load(up.door, seconds)
    const after = up.process === undefined ? undefined : usageOf(up.process.pid)

    if (idle.lost > 0) throw new Error(`${entry.contender.name} closed ${idle.lost} idle connections`)
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

  /** Compilers want requests, not seconds: on a busy machine there may be few in one. At full speed, whatever is measured. */
  async #warmUp(door: Door, seconds: number): Promise<void> {
    if (seconds === 0) return
    let answered = 0
    for (let turn = 0; turn < 5 && answered < warmRequests; turn++)
      answered += (await this.#fullLoad(door, seconds)).requests
  }

  #load(door: Door, seconds: number): Promise<LoadResult> {
    const { loadCore: core, rate } = this.#ground
    const { question, load } = this.#scenario
    if (load === 'full') return this.#fullLoad(door, seconds)
    const url = `${door.scheme}://127.0.0.1:${door.port}${question.path}`
    return runOpenLoad(this.#stage, { url, rate, seconds, warmupSeconds: 0, core })
  }

  #fullLoad({ scheme, port, headers }: Door, seconds: number): Promise<LoadResult> {
    const { wrk, connections, loadCore: core } = this.#ground
    const { question } = this.#scenario
    return runWrk(this.#stage, wrk, { scheme, port, question, headers, connections, seconds, core })
  }

  async #start({ contender, program }: Entry): Promise<Up> {
    const { proxyCore, profile } = this.#ground
    const { front } = this.#scenario
    const folder = join(this.#folder, `${contender.name.replaceAll('/', '-')}-${++this.#launches}`)
    mkdirSync(folder)
    const [port, adminPort] = [await freePort(), await freePort()]
    const headers: Record<string, string> = front.filters
      ? { Authorization: `Bearer ${this.#token.token}`, Origin: 'https://shop.example' }
      : {}
    const launch = contender.prepare({
      program,
      folder,
      port,
      adminPort,
      backends: this.#addresses,
      front,
      certificate: this.#certificate,
      token: this.#token,
      profileFolder: profile,
    })
    if (launch === undefined) {
      const direct: Door = { scheme: 'http', port: Number(this.#addresses[0]!.split(':')[1]), headers }
      return { door: direct, process: undefined, [Symbol.asyncDispose]: async () => {} }
    }
    const started = this.#stage.start(contender.name, launch.command, launch.args, {
      core: proxyCore,
      env: launch.env,
    })
    const door: Door = { scheme: front.tls ? 'https' : 'http', port, headers }
    const up: Up = { door, process: started, [Symbol.asyncDispose]: () => this.#stage.stop(started) }
    try {
      for (const open of [port, ...(launch.otherPorts ?? [])]) await started.waitForPort(open)
      await waitForAnswer(door, '/healthz')
    } catch (error) {
      await this.#stage.stop(started)
      throw error
    }
    return up
  }
}

interface Up extends AsyncDisposable {
  readonly door: Door
  /** Undefined: there is no proxy. */
  readonly process: TestProcess | undefined
}

interface Idle extends AsyncDisposable {
  /** Connections that were closed from the other side. */
  readonly lost: number
}

/** Connections that have asked once and then stay. */
async function holdIdle({ port }: Door, count: number): Promise<Idle> {
  let lost = 0
  const sockets: Socket[] = []
  for (let i = 0; i < count; i++) {
    const socket = connect({ host: '127.0.0.1', port })
    socket.on('error', () => {})
    socket.on('close', () => lost++)
    await new Promise<void>((resolve, reject) => {
      socket.once('close', () => reject(new Error(`idle connection ${i} of ${count} was not taken`)))
      socket.once('data', () => resolve())
      socket.write('GET /api/products HTTP/1.1\r\nHost: shop.example\r\n\r\n')
    })
    sockets.push(socket)
  }
  return {
    get lost() {
      return lost
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
    },
  }
}

function makeCertificate(folder: string): CertificateFiles {
  const { cert, key } = new TestCa().issue({ names: ['shop.example', '127.0.0.1'] })
  const files = { cert: join(folder, 'web.crt'), key: join(folder, 'web.key'), pem: join(folder, 'web.pem') }
  writeFileSync(files.cert, cert)
  writeFileSync(files.key, key, { mode: 0o600 })
  writeFileSync(files.pem, `${cert}\n${key}`, { mode: 0o600 })
  return files
}
