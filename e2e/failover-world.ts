import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { faultProxy, freePort, startNode, tempDir, type FaultProxy, type TestProcess } from '@budao/testkit'

const program = fileURLToPath(new URL('../packages/budao/src/main.ts', import.meta.url))

/** On a machine that does much else. */
export const patienceMs = 60_000

/** A write as the backends saw it, in the order in which they did. */
interface Seen {
  readonly site: string
  readonly epoch: number
  readonly body: string
}

/** What of a unit’s report these tests look at. */
export interface UnitView {
  /** Whether the node that was asked leads. */
  readonly leads: boolean
  readonly epoch: number
  readonly owner: string
  readonly lease: string
  readonly verdicts: readonly { readonly site: string; readonly state: string }[]
  readonly standbys: readonly { readonly site: string; readonly state: string; readonly ordered: boolean }[]
  readonly run: {
    readonly id: string
    readonly outcome: string | null
    readonly kind: string
    readonly by: string
    readonly to: string
    readonly steps: readonly { readonly step: string }[]
  } | null
  readonly blockedMs: number
}

/** West’s backend as a process of its own, where its agent starts it. */
const serving = `require('node:http').createServer((asked, answer) => { asked.resume(); asked.on('end', () => answer.end('ok')) }).listen(Number(process.env.PORT), '127.0.0.1')`

/** What a world has more than usual; its backends are reached through relays then. */
export interface WorldMore {
  /** Keys of the service. */
  readonly shop: object
  /** Another service at the same backends, for paths that begin with `/feed`. */
  readonly feed: object
}

/**
 * Two sites, a gateway and a backend each, and a witness, as processes over one file. `cold`: west’s gateway and backend are started by
 * an agent, and only when the work goes there.
 */
export class World {
  readonly seen: Seen[] = []
  readonly ports: Record<string, { readonly web: number; readonly admin: number; readonly link: number }> = {}
  readonly processes: Record<string, TestProcess> = {}
  readonly endBackend: Record<string, () => void> = {}
  readonly #t: TestContext
  readonly #failover: object
  readonly #cold: boolean
  readonly folder: string
  readonly #backends: Record<string, number> = {}
  /** What each site’s backend is reached through, where a world has more. */
  readonly relays: Record<string, FaultProxy> = {}
  #more: WorldMore | null = null

  /** `failover`: that section of the one service. */
  static async start(
    t: TestContext,
    failover: object = { every: '0s' },
    cold = false,
    more: WorldMore | null = null,
  ): Promise<World> {
    const world = new World(t, failover, cold)
    world.#more = more
    world.#backends['east'] = await world.backend('east')
    world.#backends['west'] = cold ? await freePort() : await world.backend('west')
    if (more !== null)
      for (const site of ['east', 'west']) world.relays[site] = await faultProxy(t, world.#backends[site]!)
    for (const node of ['east', 'west', 'third', 'agent'])
      world.ports[node] = { web: await freePort(), admin: await freePort(), link: await freePort() }
    // Who watches only is there first, and leads.
    world.run('third')
    await world.untilLeader('third', 'third')
    for (const node of ['east', cold ? 'agent' : 'west']) world.run(node)
    return world
  }

  private constructor(t: TestContext, failover: object, cold: boolean) {
    this.#t = t
    this.#failover = failover
    this.#cold = cold
    // An agent that is killed leaves them running, as it should. Before the folder is gone that says which they are.
    if (cold) t.after(() => this.#killSupervised())
    this.folder = tempDir(t)
    writeFileSync(join(this.folder, 'secret'), 'what all three nodes share\n')
  }

  run(node: string): void {
    const file = this.#write(node)
    if (node === 'agent') this.#write('west')
    const verb = node === 'agent' ? 'agent' : node === 'third' ? 'controller' : 'gateway'
    this.processes[node] = startNode(this.#t, [program, verb, '-c', file])
  }

  #write(node: string): string {
    const witness = node === 'third'
    const serves = node === 'east' || node === 'west'
    const { web, admin, link } = this.ports[node]!
    const peer = (name: string): string => `127.0.0.1:${this.ports[name]!.link}`
    const endpoints = ['east', 'west'].map((site) => ({
      address: this.relays[site]?.address ?? `127.0.0.1:${this.#backends[site]}`,
      site,
    }))
    const feed = { name: 'feed', match: [{ path: { prefix: '/feed' } }], backends: [{ service: 'feed' }] }
    const all = { name: 'all', backends: [{ service: 'shop' }] }
    const routes = this.#more === null ? [all] : [feed, all]
    const config = {
      version: 1,
      node: witness ? { name: node } : { name: node, site: node === 'agent' ? 'west' : node },
      dataDir: `data-${node}`,
      sites: { east: {}, west: {} },
      admin: { address: `127.0.0.1:${admin}` },
      ...(serves ? { listeners: [{ name: 'web', address: `127.0.0.1:${web}`, protocol: 'http' }] } : {}),
      control: {
        address: `127.0.0.1:${link}`,
        token: { file: 'secret' },
        controller: node !== 'agent',
        witness,
        store: { type: 'sqlite', path: 'coordination.db' },
        peers: {
          east: { address: peer('east'), site: 'east', traffic: `127.0.0.1:${this.ports['east']!.web}` },
          west: { address: peer('west'), site: 'west', traffic: `127.0.0.1:${this.ports['west']!.web}` },
          third: { address: peer('third'), witness: true },
          ...(this.#cold ? { agent: { address: peer('agent'), site: 'west' } } : {}),
        },
      },
      services: {
        shop: {
          mode: 'active-standby',
          healthCheck: { type: 'http', path: '/' },
          failover: this.#failover,
          detection: { stable: '1s' },
          data: { shared: true },
          endpoints,
          ...this.#more?.shop,
        },
        ...(this.#more === null ? {} : { feed: { ...this.#more.feed, endpoints } }),
      },
      ...(serves ? { routes } : {}),
      ...(node === 'agent' ? { processes: this.#supervised() } : {}),
    }
    const file = join(this.folder, `${node}.json`)
    writeFileSync(file, JSON.stringify(config))
    return file
  }

  #supervised(): object {
    const gateway = ['--conditions=@budao/source', program, 'gateway', '-c', join(this.folder, 'west.json')]
    return {
      gateway: { command: [process.execPath, ...gateway], node: 'west', standby: true },
      shop: {
        command: [process.execPath, '-e', serving],
        env: { PORT: String(this.#backends['west']) },
        service: 'shop',
        address: `127.0.0.1:${this.#backends['west']}`,
        health: { type: 'tcp', interval: '100ms' },
        standby: true,
      },
    }
  }

  /** By what the agent has written down of them. */
  #killSupervised(): void {
    const folder = join(this.folder, 'data-agent', 'processes')
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
      try {
        const { pid } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { pid: number | null }
        if (pid !== null) process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended.
      }
    }
  }

  /** A write through the gateway of a site: its status, and the epoch that its backend was told; 0 when nobody answered. */
  write(site: string, body: string, timeoutMs = 1_500): Promise<number> {
    return new Promise((resolve) => {
      const asked = request(
        { host: '127.0.0.1', port: this.ports[site]!.web, method: 'POST', path: '/', timeout: timeoutMs },
        (response) => {
          response.resume()
          response.on('error', () => resolve(0))
          response.on('end', () => resolve(response.statusCode ?? 0))
        },
      )
      asked.on('timeout', () => asked.destroy())
      asked.on('error', () => resolve(0))
      asked.end(body)
    })
  }

  async unit(node: string): Promise<UnitView | null> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.ports[node]!.admin}/api/v1/failover`)
      return ((await answer.json()) as { units: UnitView[] }).units[0] ?? null
    } catch {
      return null
    }
  }

  /** Until that one leads, as the other sees it. */
  async untilLeader(leader: string, node: string): Promise<void> {
    const deadline = performance.now() + patienceMs
    while (performance.now() < deadline) {
      const answer = await fetch(`http://127.0.0.1:${this.ports[node]!.admin}/api/v1/failover`).catch(
        () => null,
      )
      const said = (await answer?.json()) as { leader: { node: string } | null } | undefined
      if (said?.leader?.node === leader) return
      await pause(20)
    }
    throw new Error(`never: ${leader} leads\n${this.processes[node]!.output.slice(-4_000)}`)
  }

  async move(node: string, to: string): Promise<number> {
    const answer = await fetch(
      `http://127.0.0.1:${this.ports[node]!.admin}/api/v1/failover/units/shop/move`,
      {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ kind: 'switchover', to, reason: 'to see it' }),
      },
    )
    return answer.status
  }

  /** Until it is so, as that node sees it. */
  async until(node: string, what: string, holds: (unit: UnitView) => boolean): Promise<UnitView> {
    const deadline = performance.now() + patienceMs
    let last: UnitView | null = null
    while (performance.now() < deadline) {
      last = await this.unit(node)
      if (last !== null && holds(last)) return last
      await pause(20)
    }
    const output = Object.values(this.processes).map(({ output: said }) => said.slice(-4_000))
    throw new Error(`never: ${what}; last ${JSON.stringify(last)}\n${output.join('\n---\n')}`)
  }

  /** Until a write through that gateway is acknowledged. */
  async untilWritten(site: string, body: string): Promise<void> {
    const deadline = performance.now() + patienceMs
    while (performance.now() < deadline) {
      if ((await this.write(site, body)) === 200) return
      await pause(20)
    }
    throw new Error(`never: a write at ${site}\n${this.processes[site]!.output.slice(-4_000)}`)
  }

  /** A backend of that site, on its port if it had one. */
  async backend(site: string): Promise<number> {
    const server: Server = createServer((asked, response) => {
      let body = ''
      asked.setEncoding('utf8').on('data', (part: string) => (body += part))
      asked.on('end', () => {
        const epoch = Number(asked.headers['x-budao-epoch'] ?? 0)
        if (asked.method === 'POST') this.seen.push({ site, epoch, body })
        response.end(site)
      })
    }).listen(this.#backends[site] ?? 0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    this.endBackend[site] = () => {
      server.close()
      server.closeAllConnections()
    }
    this.#t.after(() => this.endBackend[site]!())
    return (server.address() as AddressInfo).port
  }
}

/** Whether nobody doubts a site. */
export const areWell = ({ verdicts }: UnitView): boolean => verdicts.every(({ state }) => state === 'up')
