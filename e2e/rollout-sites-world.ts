import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { BudaoEvent, RolloutAction, RolloutReport, UnitReport } from '@budao/model'
import { freePort, startNode, tempDir, type TestProcess } from '@budao/testkit'
import { askAs, type UserAnswer } from './ask-as.ts'

const program = fileURLToPath(new URL('../packages/budao/src/main.ts', import.meta.url))
/** On a machine that does much else. */
const patienceMs = 90_000

export const sites = ['east', 'west'] as const
export type Site = (typeof sites)[number]

/** One gateway at the site that is lost, two at the one that stays. */
export const gateways = { 'gw-e': 'east', 'gw-w1': 'west', 'gw-w2': 'west' } as const
export type GatewayName = keyof typeof gateways
export const gatewayNames = Object.keys(gateways) as GatewayName[]

type Release = 'stable' | 'canary'

/** What a gateway decided of the rollout. */
export interface Decision {
  readonly kind: string
  readonly generation: number
  readonly epoch: number
}

/**
 * A service that fails over between two sites, with a stable endpoint at each and a canary at some: three gateways and a witness as
 * processes over one etcd, which is at neither site; backends that end with their site; and users.
 */
export class RolloutSitesWorld {
  readonly processes: Record<string, TestProcess> = {}
  /** What the canary answers with, at all its sites. */
  canaryStatus = 200
  /** Users’ requests at these gateways, and those of them that were not answered 200. */
  readonly used: Set<GatewayName> = new Set()
  asked = 0
  failed = 0
  readonly #t: TestContext
  readonly #folder: string
  readonly #etcd: string
  readonly #rollout: object
  readonly #canaryAt: readonly Site[]
  readonly #ports: Map<string, number> = new Map()
  readonly #servers: Map<string, Server> = new Map()

  /** `canaryAt`: sites at which the release has an endpoint. */
  static async start(
    t: TestContext,
    etcd: string,
    rollout: object,
    canaryAt: readonly Site[],
  ): Promise<RolloutSitesWorld> {
    const world = new RolloutSitesWorld(t, etcd, rollout, canaryAt)
    const nodes = ['third', ...gatewayNames]
    for (const node of nodes)
      for (const port of ['web', 'admin', 'link']) world.#ports.set(`${port} ${node}`, await freePort())
    for (const release of ['stable', 'canary'])
      for (const site of sites) world.#ports.set(`${release} ${site}`, await freePort())
    for (const site of sites) await world.#serve(site)
    for (const node of nodes) world.run(node)
    await Promise.all(gatewayNames.map((name) => world.ready(name)))
    await world.unit('both sites are well, and one has the lease', isSettled)
    return world
  }

  private constructor(t: TestContext, etcd: string, rollout: object, canaryAt: readonly Site[]) {
    this.#t = t
    this.#etcd = etcd
    this.#rollout = rollout
    this.#canaryAt = canaryAt
    this.#folder = tempDir(t)
    writeFileSync(join(this.#folder, 'secret'), 'what all of these nodes share\n')
    t.after(() => this.#end(...sites))
  }

  run(node: string): void {
    const verb = node === 'third' ? 'controller' : 'gateway'
    this.processes[node] = startNode(this.#t, [program, verb, '-c', this.#write(node)])
  }

  async ready(name: GatewayName): Promise<void> {
    await this.until(`${name} knows of the rollout`, async () => (await this.report(name)) !== null)
  }

  /** The site with all that is in it, by SIGKILL. Users are led to the other one first: what fails from then on failed for another reason. */
  async lose(site: Site): Promise<void> {
    const gone = gatewayNames.filter((name) => gateways[name] === site)
    for (const name of gone) this.used.delete(name)
    this.#end(site)
    await Promise.all(gone.map((name) => this.processes[name]!.kill()))
  }

  /** The site is there again, with nothing of before but its disks. */
  async restore(site: Site): Promise<void> {
    await this.#serve(site)
    const back = gatewayNames.filter((name) => gateways[name] === site)
    for (const name of back) this.run(name)
    await Promise.all(back.map((name) => this.ready(name)))
    await this.unit('both sites are well', isSettled)
  }

  /** So many users ask the gateways that are in use, one request after the other, until the end of the test. */
  load(users: number): void {
    const end = new AbortController()
    const user = async (index: number): Promise<void> => {
      for (let turn = index; !end.signal.aborted; turn++) {
        const names = [...this.used]
        const name = names[turn % names.length]
        if (name !== undefined) {
          const { status } = await this.ask(name, `u${turn % 200}`)
          if (this.used.has(name)) {
            this.asked++
            if (status !== 200) this.failed++
          }
        }
        await pause(10)
      }
    }
    const all = Promise.all(Array.from({ length: users }, (_, index) => user(index)))
    this.#t.after(async () => {
      end.abort()
      await all
    })
  }

  ask(gateway: GatewayName, user: string): Promise<UserAnswer> {
    return askAs(this.#ports.get(`web ${gateway}`)!, { 'X-User': user })
  }

  /** Of those users the ones that have the canary at that gateway. Throws where one of them is not served. */
  async canaryUsers(gateway: GatewayName, users: readonly string[]): Promise<readonly string[]> {
    const found: string[] = []
    for (const user of users) {
      const { status, release } = await this.ask(gateway, user)
      if (status !== 200) throw new Error(`${gateway} answered ${user} ${status}`)
      if (release === 'canary') found.push(user)
    }
    return found
  }

  /**
   * Until exactly those of `users` have the canary at that gateway. Where its endpoints cannot be asked for a moment some have stable meanwhile;
   * that anybody else has it is an error at once.
   */
  async sameUsers(
    gateway: GatewayName,
    users: readonly string[],
    expected: readonly string[],
  ): Promise<void> {
    await this.until(`${expected.length} users at ${gateway}`, async () => {
      const found = await this.canaryUsers(gateway, users)
      const others = found.filter((user) => !expected.includes(user))
      if (others.length > 0) throw new Error(`${gateway} gives the canary to ${others.join(', ')} as well`)
      return found.length === expected.length
    })
  }

  /** Until it was taken: a store that does not answer in time on a busy machine is asked again. */
  async wish(gateway: GatewayName, action: RolloutAction): Promise<void> {
    await this.until(`${action} is taken by ${gateway}`, async () => {
      const path = `http://127.0.0.1:${this.#ports.get(`admin ${gateway}`)}/api/v1/rollouts/two`
      const body = JSON.stringify({ action, by: 'lin', reason: 'to see it' })
      const headers = { 'Content-Type': 'application/json' }
      const { generation } = (await this.report(gateway)) ?? { generation: 0 }
      const answer = await fetch(path, { method: 'POST', headers, body })
      await answer.body?.cancel()
      return answer.ok || ((await this.report(gateway))?.generation ?? 0) > generation
    })
  }

  /** As that gateway knows it; null: it does not answer. */
  async report(gateway: GatewayName): Promise<RolloutReport | null> {
    return this.#get<RolloutReport>(gateway, '/api/v1/rollouts/two')
  }

  /** Until the rollout is so, as that gateway knows it. */
  async rollout(
    gateway: GatewayName,
    what: string,
    holds: (report: RolloutReport) => boolean,
  ): Promise<RolloutReport> {
    let last: RolloutReport | null = null
    await this.until(`${what} at ${gateway}`, async () => {
      last = await this.report(gateway)
      return last !== null && holds(last)
    })
    return last!
  }

  /** Until all of these give the release that share, 0 to 1. */
  async share(share: number, ...names: readonly GatewayName[]): Promise<void> {
    const given = async (name: GatewayName): Promise<boolean> => {
      const url = `http://127.0.0.1:${this.#ports.get(`admin ${name}`)}/metrics`
      const text = await fetch(url).then(
        (answer) => answer.text(),
        () => '',
      )
      return Number(/^budao_rollout_share\{rollout="two"\} (\S+)$/m.exec(text)?.[1]) === share
    }
    await this.until(`${share} at ${names.join(', ')}`, async () =>
      (await Promise.all(names.map(given))).every(Boolean),
    )
  }

  /** Until the unit is so, as the witness sees it. */
  async unit(what: string, holds: (unit: UnitReport) => boolean): Promise<UnitReport> {
    let last: UnitReport | undefined
    await this.until(what, async () => {
      const answer = await this.#get<{ units: UnitReport[] }>('third', '/api/v1/failover')
      last = answer?.units[0]
      return last !== undefined && holds(last)
    })
    return last!
  }

  /** Until its writes are at that site: a person asks for it while it is elsewhere. */
  async move(to: Site): Promise<void> {
    const url = `http://127.0.0.1:${this.#ports.get('admin third')}/api/v1/failover/units/shop/move`
    const headers = { 'Content-Type': 'application/json' }
    const body = JSON.stringify({ kind: 'switchover', to, reason: 'to see it' })
    await this.until(`${to} has the lease`, async () => {
      const answer = await this.#get<{ units: UnitReport[] }>('third', '/api/v1/failover')
      const unit = answer?.units[0]
      if (unit?.owner === to && unit.lease === 'held') return true
      const asked = await fetch(url, { method: 'POST', headers, body }).catch(() => null)
      await asked?.body?.cancel()
      return false
    })
  }

  /** What all gateways have written down of the rollout, by its generations. */
  decisions(): readonly Decision[] {
    const all = gatewayNames.flatMap((name) =>
      readFileSync(join(this.#folder, `data-${name}`, 'events.ndjson'), 'utf8')
        .split('\n')
        .filter((line) => line.includes('"rollout.') && !line.includes('"rollout.held"'))
        .map((line): Decision => {
          const { kind, evidence } = JSON.parse(line) as BudaoEvent
          const { generation, epoch } = evidence as { generation: number; epoch: number }
          return { kind, generation, epoch }
        }),
    )
    return all.toSorted((a, b) => a.generation - b.generation)
  }

  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const end = performance.now() + patienceMs
    while (performance.now() < end) {
      if (await holds()) return
      await pause(20)
    }
    const reports = await Promise.all(gatewayNames.map((name) => this.report(name)))
    const unit = await this.#get('third', '/api/v1/failover')
    const output = Object.values(this.processes).map(({ output: said }) => said.slice(-2_000))
    throw new Error(
      `never: ${what}; ${JSON.stringify(reports)}\n${JSON.stringify(unit)}\n${output.join('\n---\n')}`,
    )
  }

  async #get<T>(node: string, path: string): Promise<T | null> {
    return fetch(`http://127.0.0.1:${this.#ports.get(`admin ${node}`)}${path}`).then(
      (answer) => (answer.ok ? (answer.json() as Promise<T>) : null),
      () => null,
    )
  }

  #address(name: string): string {
    return `127.0.0.1:${this.#ports.get(name)}`
  }

  #releasesAt(site: Site): readonly Release[] {
    return this.#canaryAt.includes(site) ? ['stable', 'canary'] : ['stable']
  }

  async #serve(site: Site): Promise<void> {
    for (const release of this.#releasesAt(site)) {
      const server = createServer((asked, response) => {
        // Checks find it alive: only its users see that it is bad.
        if (release === 'canary' && asked.url === '/') response.statusCode = this.canaryStatus
        response.end(release)
      })
      // Longer than a gateway keeps an idle connection.
      server.keepAliveTimeout = 120_000
      server.listen(this.#ports.get(`${release} ${site}`), '127.0.0.1')
      await new Promise((resolve) => server.once('listening', resolve))
      this.#servers.set(`${release} ${site}`, server)
    }
  }

  #end(...ended: readonly Site[]): void {
    for (const site of ended)
      for (const release of this.#releasesAt(site)) {
        const server = this.#servers.get(`${release} ${site}`)!
        server.close()
        server.closeAllConnections()
      }
  }

  #write(node: string): string {
    const site = node === 'third' ? null : gateways[node as GatewayName]
    const peers = gatewayNames.map((name) => [
      name,
      { address: this.#address(`link ${name}`), site: gateways[name], traffic: this.#address(`web ${name}`) },
    ])
    const endpoints = sites.flatMap((at) =>
      this.#releasesAt(at).map((release) => ({
        address: this.#address(`${release} ${at}`),
        site: at,
        release,
      })),
    )
    const config = {
      version: 1,
      node: site === null ? { name: node } : { name: node, site },
      dataDir: `data-${node}`,
      sites: { east: {}, west: {} },
      admin: { address: this.#address(`admin ${node}`) },
      ...(site === null
        ? {}
        : {
            listeners: [{ name: 'web', address: this.#address(`web ${node}`), protocol: 'http' }],
            routes: [{ name: 'shop', backends: [{ service: 'shop' }], split: { by: ['header:X-User'] } }],
            rollouts: { two: { route: 'shop', release: 'canary', ...this.#rollout } },
          }),
      services: {
        shop: {
          mode: 'active-standby',
          endpoints,
          healthCheck: { type: 'http', path: '/healthz' },
          failover: { every: '0s' },
          detection: { stable: '1s' },
          data: { shared: true },
          // The other endpoint of the site that is lost, then one of the other site.
          retry: { attempts: 2 },
        },
      },
      control: {
        address: this.#address(`link ${node}`),
        token: { file: 'secret' },
        controller: true,
        witness: site === null,
        store: { type: 'etcd', endpoints: [this.#etcd] },
        peers: {
          ...Object.fromEntries(peers),
          third: { address: this.#address('link third'), witness: true },
        },
      },
    }
    const file = join(this.#folder, `${node}.json`)
    writeFileSync(file, JSON.stringify(config))
    return file
  }
}

/** Nobody doubts a site, and the work is somewhere. */
export function isSettled({ verdicts, lease }: UnitReport): boolean {
  return lease === 'held' && verdicts.every(({ state }) => state === 'up')
}
