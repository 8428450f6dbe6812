import { readFileSync, writeFileSync } from 'node:fs'
import { Agent, createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { RolloutAction, RolloutReport } from '@budao/model'
import {
  faultProxy,
  freePort,
  startEtcd,
  startNode,
  tempDir,
  type FaultProxy,
  type TestProcess,
} from '@budao/testkit'

const program = fileURLToPath(new URL('../../packages/budao/src/main.ts', import.meta.url))
const patienceMs = 60_000
const usersMax = 1_000

/** The gateways of a world. */
export const gateways = ['gw-1', 'gw-2', 'gw-3'] as const

/** One of them. */
export type GatewayName = (typeof gateways)[number]

/** A request that the release was asked, milliseconds since 1970. */
export interface CanaryRequest {
  readonly at: number
  /** Whom the client had asked. */
  readonly gateway: GatewayName
  readonly user: number
}

/** An event of a rollout as a gateway wrote it down. */
export interface RolloutEvent {
  readonly gateway: GatewayName
  readonly at: number
  readonly kind: string
  readonly generation: number
  readonly epoch: number
}

/**
 * Three gateways as processes over one etcd, which the third reaches through a proxy; stable and a release behind them, and users who
 * ask all the time.
 */
export class RolloutWorld {
  /** What the release answers. */
  canaryStatus = 200
  readonly canary: CanaryRequest[] = []
  /** Answers that were not 200 and connections that broke, of gateways that were not to end. */
  readonly failed: string[] = []
  asked = 0
  /** Between the third gateway and the store. */
  readonly store: FaultProxy
  readonly processes: Record<string, TestProcess> = {}
  readonly #t: TestContext
  readonly #folder: string
  readonly #ports: Record<string, { readonly web: number; readonly admin: number }> = {}
  readonly #config: (gateway: GatewayName) => object
  /** On purpose: what breaks there is nobody’s failure. */
  readonly #down: Set<GatewayName> = new Set()
  #loading = true

  /** Undefined where etcd cannot be had. */
  static async start(t: TestContext, rollout: object): Promise<RolloutWorld | undefined> {
    const etcd = await startEtcd(t)
    if (etcd === undefined) return undefined
    const member = etcd[0]!.endpoint
    const store = await faultProxy(t, Number(new URL(member).port))
    const links = Object.fromEntries(
      await Promise.all(gateways.map(async (name) => [name, await freePort()])),
    )
    const world: RolloutWorld = new RolloutWorld(t, store, (name) => ({
      control: {
        address: `127.0.0.1:${links[name]}`,
        token: { file: 'secret' },
        store: { type: 'etcd', endpoints: [name === 'gw-3' ? `http://${store.address}` : member] },
        peers: Object.fromEntries(
          gateways.map((peer) => [peer, { address: `127.0.0.1:${links[peer]}`, site: 'east' }]),
        ),
      },
      rollouts: { two: { route: 'shop', release: 'canary', ...rollout } },
    }))
    const stable = await world.#serve((_, answer) => void answer.end('stable'))
    const release = await world.#serve(({ headers }, answer) => {
      const [gateway, user] = [headers['x-gateway'] as GatewayName, Number(headers['x-user'])]
      world.canary.push({ at: Date.now(), gateway, user })
      answer.statusCode = world.canaryStatus
      answer.end('canary')
    })
    const endpoints = [
      { address: stable, site: 'east' },
      { address: release, site: 'east', release: 'canary' },
    ]
    for (const name of gateways) {
      world.#ports[name] = { web: await freePort(), admin: await freePort() }
      world.#write(name, endpoints)
    }
    for (const name of gateways) world.run(name)
    await Promise.all(gateways.map((name) => world.#untilUp(name)))
    return world
  }

  private constructor(t: TestContext, store: FaultProxy, config: (gateway: GatewayName) => object) {
    this.#t = t
    this.store = store
    this.#config = config
    this.#folder = tempDir(t)
    writeFileSync(join(this.#folder, 'secret'), 'what all gateways share\n')
    t.after(() => {
      this.#loading = false
    })
  }

  run(name: GatewayName): void {
    this.processes[name] = startNode(this.#t, [program, 'gateway', '-c', join(this.#folder, `${name}.json`)])
  }

  /** SIGKILL, and the same gateway again. */
  async restart(name: GatewayName): Promise<void> {
    this.#down.add(name)
    await this.processes[name]!.kill()
    this.run(name)
    await this.#untilUp(name)
    this.#down.delete(name)
  }

  /** Users who ask that gateway, one after the other, so many times a second, until the world ends. */
  load(name: GatewayName, perSecond: number): void {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    this.#t.after(() => agent.destroy())
    let user = 0
    const turn = async (): Promise<void> => {
      while (this.#loading) {
        let isDown = this.#down.has(name)
        const problem = await this.#ask(agent, name, user++ % usersMax)
        isDown ||= this.#down.has(name)
        if (problem !== null && this.#loading && !isDown) this.failed.push(`${name}: ${problem}`)
        await pause(1_000 / perSecond)
      }
    }
    void turn()
  }

  async wish(name: GatewayName, action: RolloutAction): Promise<number> {
    const answer = await fetch(`${this.#admin(name)}/api/v1/rollouts/two`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ action, by: 'lin', reason: 'to see it' }),
    })
    await answer.arrayBuffer()
    return answer.status
  }

  /** As that gateway knows it; null while it does not answer. */
  async report(name: GatewayName): Promise<RolloutReport | null> {
    try {
      const answer = await fetch(`${this.#admin(name)}/api/v1/rollouts/two`)
      return answer.ok ? ((await answer.json()) as RolloutReport) : null
    } catch {
      return null
    }
  }

  /** What that gateway gives the release now, 0 to 1. */
  async share(name: GatewayName): Promise<number> {
    const text = await (await fetch(`${this.#admin(name)}/metrics`)).text()
    return Number(/^budao_rollout_share\{rollout="two"\} (\S+)$/m.exec(text)?.[1])
  }

  /** Until it is so, as that gateway knows it. */
  async until(
    name: GatewayName,
    what: string,
    holds: (report: RolloutReport) => boolean,
  ): Promise<RolloutReport> {
    const deadline = performance.now() + patienceMs
    let last: RolloutReport | null = null
    while (performance.now() < deadline) {
      last = await this.report(name)
      if (last !== null && holds(last)) return last
      await pause(20)
    }
    throw new Error(
      `never: ${what}; last at ${name} ${JSON.stringify(last)}\n${this.processes[name]!.output.slice(-4_000)}`,
    )
  }

  /** Until that gateway gives the release so much. */
  async untilShare(name: GatewayName, share: number): Promise<void> {
    const deadline = performance.now() + patienceMs
    let last = NaN
    while (performance.now() < deadline) {
      last = await this.share(name)
      if (last === share) return
      await pause(20)
    }
    throw new Error(`never: ${name} gives ${share}; last ${last}`)
  }

  /** What the gateways have written down of the rollout, in the order of its generations. */
  events(): RolloutEvent[] {
    const all = gateways.flatMap((gateway) =>
      readFileSync(join(this.#folder, `data-${gateway}`, 'events.ndjson'), 'utf8')
        .split('\n')
        .filter((line) => line.includes('"rollout.'))
        .map((line): RolloutEvent => {
          const { at, kind, evidence } = JSON.parse(line) as {
            at: string
            kind: string
            evidence: { generation: number; epoch: number }
          }
          return { gateway, at: Date.parse(at), kind, ...evidence }
        }),
    )
    return all.toSorted((a, b) => a.generation - b.generation)
  }

  #write(name: GatewayName, endpoints: object): void {
    const { web, admin } = this.#ports[name]!
    const config = {
      version: 1,
      node: { name, site: 'east' },
      dataDir: `data-${name}`,
      sites: { east: {} },
      admin: { address: `127.0.0.1:${admin}` },
      listeners: [{ name: 'web', address: `127.0.0.1:${web}`, protocol: 'http' }],
      services: { shop: { endpoints } },
      routes: [{ name: 'shop', backends: [{ service: 'shop' }], split: { by: ['header:X-User'] } }],
      ...this.#config(name),
    }
    writeFileSync(join(this.#folder, `${name}.json`), JSON.stringify(config))
  }

  async #untilUp(name: GatewayName): Promise<void> {
    const { web, admin } = this.#ports[name]!
    for (const port of [web, admin]) await this.processes[name]!.waitForPort(port, patienceMs)
  }

  #admin(name: GatewayName): string {
    return `http://127.0.0.1:${this.#ports[name]!.admin}`
  }

  async #serve(answer: Parameters<typeof createServer>[1]): Promise<string> {
    const server: Server = createServer(answer)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    this.#t.after(() => {
      server.closeAllConnections()
      server.close()
    })
    return `127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  /** Null: answered with 200. */
  #ask(agent: Agent, name: GatewayName, user: number): Promise<string | null> {
    this.asked++
    return new Promise((resolve) => {
      const asked = request(
        {
          ...{ agent, host: '127.0.0.1', port: this.#ports[name]!.web, path: '/', timeout: 5_000 },
          headers: { 'X-User': String(user), 'X-Gateway': name },
        },
        (response) => {
          response.resume()
          response.on('error', (error) => resolve(error.message))
          response.on('end', () => resolve(response.statusCode === 200 ? null : String(response.statusCode)))
        },
      )
      asked.on('timeout', () => asked.destroy(new Error('no answer within 5 s')))
      asked.on('error', (error) => resolve(error.message))
      asked.end()
    })
  }
}
