import { readFileSync, writeFileSync } from 'node:fs'
import { Agent, createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { BudaoEvent, RolloutAction, RolloutPhase, RolloutReport } from '@budao/model'
import { freePort, startNode, tempDir, type Cleanup, type TestProcess } from '@budao/testkit'
import { askAs, type UserAnswer } from './ask-as.ts'

const program = fileURLToPath(new URL('../packages/budao/src/main.ts', import.meta.url))
/** On a machine that does much else. */
const patienceMs = 90_000
const usersAtOnce = 8
/** In the folder of the gateways: they run on one machine. */
const file = { type: 'sqlite', path: 'coordination.db' }

export const gateways = ['gw-1', 'gw-2', 'gw-3'] as const

export type GatewayName = (typeof gateways)[number]

/** What clients saw of one gateway. */
export interface Seen {
  answered: number
  failed: number
}

/** What a gateway decided of the rollout, milliseconds since 1970. */
export interface Decision {
  readonly gateway: GatewayName
  readonly at: number
  readonly kind: string
  readonly generation: number
  readonly epoch: number
}

/** A request that the release was asked, milliseconds since 1970; `gateway`: whom the user had asked. */
export interface CanaryRequest {
  readonly at: number
  readonly gateway: GatewayName
}

/** Three gateways as processes over one store, a stable release and a canary behind them, and users. */
export class RolloutWorld {
  readonly ports: Record<string, { readonly web: number; readonly admin: number; readonly link: number }> = {}
  readonly processes: Record<string, TestProcess> = {}
  readonly seen: Record<string, Seen> = {}
  /** What the canary answers with, and how often it was asked. */
  readonly canary: { status: number; requests: number; asked: CanaryRequest[] } = {
    status: 200,
    requests: 0,
    asked: [],
  }
  /** Gateways that users go to. */
  readonly used: Set<GatewayName> = new Set()
  readonly #t: Cleanup
  readonly #folder: string
  readonly #rollout: object
  readonly #store: object
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 })
  #stopped = false
  #users: Promise<unknown> = Promise.resolve()

  /** `store`: where rollouts stand; a file by default. */
  static async start(t: Cleanup, rollout: object, store: object = file): Promise<RolloutWorld> {
    const world = new RolloutWorld(t, rollout, store)
    const stable = await world.#backend('stable', () => 200)
    const canary = await world.#backend('canary', (gateway) => {
      world.canary.requests++
      world.canary.asked.push({ at: Date.now(), gateway })
      return world.canary.status
    })
    for (const name of gateways) {
      world.ports[name] = { web: await freePort(), admin: await freePort(), link: await freePort() }
      world.seen[name] = { answered: 0, failed: 0 }
    }
    for (const name of gateways) world.#write(name, stable, canary)
    for (const name of gateways) world.run(name)
    await Promise.all(gateways.map((name) => world.ready(name)))
    return world
  }

  private constructor(t: Cleanup, rollout: object, store: object) {
    this.#t = t
    this.#rollout = rollout
    this.#store = store
    this.#folder = tempDir(t)
    writeFileSync(join(this.#folder, 'secret'), 'what all three nodes share\n')
  }

  file(name: GatewayName): string {
    return join(this.#folder, `${name}.json`)
  }

  run(name: GatewayName): void {
    this.processes[name] = startNode(this.#t, [program, 'up', '-c', this.file(name)])
  }

  async ready(name: GatewayName): Promise<void> {
    const { admin } = this.ports[name]!
    await this.until(`${name} is ready`, async () =>
      fetch(`http://127.0.0.1:${admin}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      ),
    )
    // Ready to serve is not yet ready to tell.
    await this.until(`${name} knows of the rollout`, async () => (await this.report(name)) !== null)
  }

  /** Eight users who ask the gateways that are in use, one request after the other with so many milliseconds between, until the end of the test. */
  load(restMs = 4): void {
    this.#users = Promise.all(Array.from({ length: usersAtOnce }, (_, index) => this.#user(index, restMs)))
    this.#t.after(() => this.rest())
  }

  async rest(): Promise<void> {
    this.#stopped = true
    await this.#users
    this.#agent.destroy()
  }

  ask(gateway: GatewayName, user: string): Promise<UserAnswer> {
    return askAs(this.ports[gateway]!.web, { 'X-User': user, 'X-Gateway': gateway }, this.#agent)
  }

  async wish(gateway: GatewayName, action: RolloutAction): Promise<number> {
    const answer = await fetch(`${this.url(gateway)}/api/v1/rollouts/two`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ action, by: 'lin', reason: 'to see it' }),
    })
    await answer.body?.cancel()
    return answer.status
  }

  /** Until it was taken: a store that does not answer in time on a busy machine is asked again. */
  async wished(gateway: GatewayName, action: RolloutAction, phase: RolloutPhase): Promise<void> {
    await this.until(`${action} is taken by ${gateway}`, async () => {
      if ((await this.report(gateway))?.phase === phase) return true
      return (await this.wish(gateway, action)) === 200
    })
  }

  url(gateway: GatewayName): string {
    return `http://127.0.0.1:${this.ports[gateway]!.admin}`
  }

  /** As that gateway knows it; null: it does not answer. */
  async report(gateway: GatewayName): Promise<RolloutReport | null> {
    return fetch(`${this.url(gateway)}/api/v1/rollouts/two`).then(
      (answer) => (answer.ok ? (answer.json() as Promise<RolloutReport>) : null),
      () => null,
    )
  }

  /** What that gateway gives the release at this moment, 0 to 1; null: it does not answer. */
  async share(gateway: GatewayName): Promise<number | null> {
    const text = await fetch(`${this.url(gateway)}/metrics`).then(
      (answer) => answer.text(),
      () => '',
    )
    const found = /^budao_rollout_share\{rollout="two"\} (\S+)$/m.exec(text)
    return found === null ? null : Number(found[1])
  }

  /** Of rollouts, as that gateway has told them since its start. */
  async events(gateway: GatewayName): Promise<readonly BudaoEvent[]> {
    const answer = await fetch(`${this.url(gateway)}/api/v1/events?kind=rollout.*&limit=100`)
    return ((await answer.json()) as { events: BudaoEvent[] }).events
  }

  /** What all gateways have written down of the rollout, by its generations. */
  decisions(): readonly Decision[] {
    const all = gateways.flatMap((gateway) =>
      readFileSync(join(this.#folder, `data-${gateway}`, 'events.ndjson'), 'utf8')
        .split('\n')
        .filter((line) => line.includes('"rollout.') && !line.includes('"rollout.held"'))
        .map((line): Decision => {
          const { at, kind, evidence } = JSON.parse(line) as BudaoEvent
          const { generation, epoch } = evidence as { generation: number; epoch: number }
          return { gateway, at: Date.parse(at), kind, generation, epoch }
        }),
    )
    return all.toSorted((a, b) => a.generation - b.generation)
  }

  /** From now on that gateway reaches neither the store nor the others; 0 ends it. */
  async cut(gateway: GatewayName, forMs: number): Promise<void> {
    const answer = await fetch(`${this.url(gateway)}/api/v1/failover/cut`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ forMs, lost: 'all', store: true }),
    })
    if (!answer.ok) throw new Error(`not cut off: ${await answer.text()}`)
  }

  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const end = performance.now() + patienceMs
    while (performance.now() < end) {
      if (await holds()) return
      await pause(20)
    }
    const reports = await Promise.all(gateways.map((name) => this.report(name)))
    const output = Object.values(this.processes).map(({ output: said }) => said.slice(-2_000))
    throw new Error(`never: ${what}; ${JSON.stringify(reports)}\n${output.join('\n---\n')}`)
  }

  async #user(index: number, restMs: number): Promise<void> {
    for (let turn = index; !this.#stopped; turn++) {
      const names = [...this.used]
      const name = names[turn % names.length]
      if (name === undefined) {
        await pause(20)
        continue
      }
      const { status } = await this.ask(name, `u${(turn + index * 25) % 200}`)
      const seen = this.seen[name]!
      if (status === 200) seen.answered++
      // Whoever was taken out of use while it was asked may be gone.
      else if (this.used.has(name)) seen.failed++
      await pause(restMs)
    }
  }

  #write(name: GatewayName, stable: string, canary: string): void {
    const { web, admin, link } = this.ports[name]!
    const peers = gateways.map((each) => [
      each,
      {
        address: `127.0.0.1:${this.ports[each]!.link}`,
        site: 'east',
        traffic: `127.0.0.1:${this.ports[each]!.web}`,
      },
    ])
    const config = {
      version: 1,
      node: { name, site: 'east' },
      dataDir: `data-${name}`,
      sites: { east: {} },
      admin: { address: `127.0.0.1:${admin}` },
      listeners: [{ name: 'web', address: `127.0.0.1:${web}`, protocol: 'http' }],
      services: {
        shop: {
          endpoints: [
            { address: stable, site: 'east' },
            { address: canary, site: 'east', release: 'canary' },
          ],
          // A canary that fails all is to be sent back by the verdict, not to be kept out of sight by an ejection.
          outlier: { maxFails: 1_000 },
          breaker: { requestVolumeThreshold: 10_000 },
        },
      },
      routes: [{ name: 'shop', backends: [{ service: 'shop' }], split: { by: ['header:X-User'] } }],
      rollouts: { two: { route: 'shop', release: 'canary', ...this.#rollout } },
      control: {
        address: `127.0.0.1:${link}`,
        token: { file: 'secret' },
        controller: true,
        store: this.#store,
        peers: Object.fromEntries(peers),
      },
      drills: { controlLinks: true },
    }
    writeFileSync(join(this.#folder, `${name}.json`), JSON.stringify(config))
  }

  async #backend(name: string, status: (gateway: GatewayName) => number): Promise<string> {
    const server: Server = createServer(({ headers }, response) => {
      response.statusCode = status(headers['x-gateway'] as GatewayName)
      response.end(name)
    })
    // Longer than a gateway keeps an idle connection.
    server.keepAliveTimeout = 120_000
    server.listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    this.#t.after(() => {
      server.close()
      server.closeAllConnections()
    })
    return `127.0.0.1:${(server.address() as AddressInfo).port}`
  }
}
