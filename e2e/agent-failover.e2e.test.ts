import { strict as assert } from 'node:assert'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { ProcessReport, UnitReport } from '@budao/model'
import { freePort, startNode, tempDir, type TestProcess } from '@budao/testkit'

const program = fileURLToPath(new URL('../packages/budao/src/main.ts', import.meta.url))
const patienceMs = 40_000
const nodes = ['agent', 'east', 'west', 'third'] as const
type Node = (typeof nodes)[number]

const serving = `require('node:http').createServer((_, answer) => answer.end('ok')).listen(Number(process.env.PORT), '127.0.0.1')`

/** East: an agent that looks after a gateway and a backend. West: both without one. A witness leads. */
class World {
  readonly #t: TestContext
  readonly #folder: string
  readonly #ports = new Map<string, number>()
  readonly processes = new Map<Node, TestProcess>()

  static async make(t: TestContext): Promise<World> {
    const world = new World(t)
    const backend = createServer((_, answer) => answer.end('ok')).listen(0, '127.0.0.1')
    await new Promise((resolve) => backend.once('listening', resolve))
    t.after(() => {
      backend.close()
      backend.closeAllConnections()
    })
    world.#ports.set('shop west', (backend.address() as AddressInfo).port)
    const names = ['shop east', ...nodes.flatMap((node) => [`web ${node}`, `admin ${node}`, `link ${node}`])]
    for (const name of names) world.#ports.set(name, await freePort())
    for (const node of nodes) world.#write(node)
    return world
  }

  private constructor(t: TestContext) {
    this.#t = t
    // An agent that is killed leaves them running, as it should. Before the folder is gone that says which they are.
    t.after(() => this.#killSupervised())
    this.#folder = tempDir(t)
    writeFileSync(join(this.#folder, 'secret'), 'what all of these nodes share\n')
  }

  at(name: string): string {
    return `127.0.0.1:${this.#ports.get(name)}`
  }

  run(node: Node): void {
    const verb = { agent: 'agent', east: 'gateway', west: 'gateway', third: 'controller' }[node]
    this.processes.set(node, startNode(this.#t, [program, verb, '-c', join(this.#folder, `${node}.json`)]))
  }

  async ask<T>(node: Node, path: string): Promise<T> {
    return (await (await fetch(`http://${this.at(`admin ${node}`)}${path}`)).json()) as T
  }

  /** Until the unit is so, as the witness sees it. */
  async until(what: string, holds: (unit: UnitReport) => boolean): Promise<UnitReport> {
    const deadline = performance.now() + patienceMs
    let last: unknown = null
    while (performance.now() < deadline) {
      const answer = await this.ask<{ units: UnitReport[] }>('third', '/api/v1/failover').catch(() => null)
      const unit = answer?.units?.[0]
      if (unit !== undefined && holds(unit)) return unit
      last = unit ?? answer
      await pause(20)
    }
    const said = [...this.processes].map(([node, { output }]) => `--- ${node}\n${output.slice(-3_000)}`)
    throw new Error(`never: ${what}; last ${JSON.stringify(last)}\n${said.join('\n')}`)
  }

  /** Until a write through that gateway is acknowledged. */
  async untilWritten(node: Node): Promise<void> {
    const deadline = performance.now() + patienceMs
    const url = `http://${this.at(`web ${node}`)}/`
    let last = 'no answer'
    while (performance.now() < deadline) {
      const answer = await fetch(url, { method: 'POST' }).catch(() => null)
      if (answer?.status === 200) return
      if (answer !== null) last = `${answer.status} ${await answer.text()}`
      await pause(20)
    }
    throw new Error(`never: a write at ${node}, ${last}\n${this.processes.get(node)!.output.slice(-3_000)}`)
  }

  async supervised(): Promise<Record<string, ProcessReport>> {
    const { processes } = await this.ask<{ processes: ProcessReport[] }>('agent', '/api/v1/processes')
    return Object.fromEntries(processes.map((each) => [each.name, each]))
  }

  /** By what the agent has written down of them. */
  #killSupervised(): void {
    for (const name of ['gateway', 'shop']) {
      try {
        const text = readFileSync(join(this.#folder, 'data-agent', 'processes', `${name}.json`), 'utf8')
        const { pid } = JSON.parse(text) as { pid: number | null }
        if (pid !== null) process.kill(pid, 'SIGKILL')
      } catch {
        // It was never started, or has ended.
      }
    }
  }

  #write(node: Node): void {
    const gateway = node === 'east' || node === 'west'
    const config = {
      version: 1,
      node: node === 'third' ? { name: node } : { name: node, site: node === 'west' ? 'west' : 'east' },
      dataDir: `data-${node}`,
      sites: { east: {}, west: {} },
      admin: { address: this.at(`admin ${node}`) },
      ...(gateway ? { listeners: [{ name: 'web', address: this.at(`web ${node}`), protocol: 'http' }] } : {}),
      control: {
        address: this.at(`link ${node}`),
        token: { file: 'secret' },
        controller: node !== 'agent',
        witness: node === 'third',
        store: { type: 'sqlite', path: 'coordination.db' },
        peers: {
          agent: { address: this.at('link agent'), site: 'east' },
          east: { address: this.at('link east'), site: 'east', traffic: this.at('web east') },
          west: { address: this.at('link west'), site: 'west', traffic: this.at('web west') },
          third: { address: this.at('link third'), witness: true },
        },
      },
      services: {
        shop: {
          mode: 'active-standby',
          healthCheck: { type: 'http', path: '/' },
          // Nobody waits for the end of that lease in this test.
          failover: { every: '0s', lease: '10m' },
          detection: { stable: '1s' },
          data: { shared: true },
          endpoints: ['east', 'west'].map((site) => ({ address: this.at(`shop ${site}`), site })),
        },
      },
      ...(gateway ? { routes: [{ name: 'all', backends: [{ service: 'shop' }] }] } : {}),
      ...(node === 'agent' ? { processes: this.#supervised() } : {}),
    }
    writeFileSync(join(this.#folder, `${node}.json`), JSON.stringify(config))
  }

  #supervised(): object {
    // Longer than the test: what the agent sees end stays down here.
    const restart = { min: '1h', max: '1h' }
    const gateway = ['--conditions=@budao/source', program, 'gateway', '-c', join(this.#folder, 'east.json')]
    return {
      gateway: { command: [process.execPath, ...gateway], node: 'east', restart },
      shop: {
        command: [process.execPath, '-e', serving],
        env: { PORT: String(this.#ports.get('shop east')) },
        service: 'shop',
        address: this.at('shop east'),
        restart,
      },
    }
  }
}

test('the owner’s gateway and service are killed: the agent’s word ends the epoch, ten minutes before the lease does', async (t) => {
  const world = await World.make(t)
  world.run('third')
  world.run('agent')
  await world.until('east has the lease', ({ owner, lease }) => owner === 'east' && lease === 'held')
  world.run('west')
  const begun = await world.until('all are well', ({ verdicts }) =>
    verdicts.every(({ state }) => state === 'up'),
  )
  assert.equal(begun.owner, 'east')
  // What the verdicts are about is up; the gateway in front of it has just been started.
  await world.untilWritten('west')

  const { gateway, shop } = await world.supervised()
  process.kill(gateway!.pid!, 'SIGKILL')
  process.kill(shop!.pid!, 'SIGKILL')
  const moved = await world.until(
    'west has the next epoch',
    ({ owner, lease, epoch }) => owner === 'west' && lease === 'held' && epoch! > begun.epoch!,
  )
  assert.equal(moved.run?.kind, 'failover')
  assert.deepEqual(
    Object.values(await world.supervised()).map(({ name, state, lastExit }) => [
      name,
      state,
      lastExit?.signal,
    ]),
    [
      ['gateway', 'backing-off', 'SIGKILL'],
      ['shop', 'backing-off', 'SIGKILL'],
    ],
  )
  await world.until('it is done', ({ run }) => run?.outcome === 'done')
  assert.equal((await fetch(`http://${world.at('web west')}/`, { method: 'POST' })).status, 200)
  assert.deepEqual(
    (await world.ask<{ nodes: { node: string; roles: string[] }[] }>('third', '/api/v1/failover/nodes')).nodes
      .filter(({ node }) => node === 'agent')
      .map(({ roles }) => roles),
    [['observer', 'agent']],
  )
  assert.equal(await world.processes.get('agent')!.stop(), 0)
})
