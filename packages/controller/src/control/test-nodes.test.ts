import { constants, mkdtempSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Config, EventDraft, Placement } from '@budao/model'
import { parseConfig } from '@budao/model/parser'
import { HeldLease, LocalCells } from '@budao/resilience'
import { freePort } from '@budao/testkit'
import { sharedData } from '../keeper/site-data.ts'
import { SqliteCoordination } from '../providers/sqlite-coordination.ts'
import type { AuditHandle } from './audit-file.ts'
import { ControlNode } from './control-node.ts'
import type { ServingSide } from './serving-side.ts'

/** Waits for a condition, not for a time; throws after a minute, with what `tells`. */
export async function until<T>(what: string, look: () => T | false | null | undefined): Promise<T> {
  const deadline = performance.now() + 60_000
  for (;;) {
    const seen = look()
    if (seen !== false && seen !== null && seen !== undefined) return seen
    if (performance.now() > deadline) throw new Error(`never: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** A backend that answers, until it is ended with all its connections. */
export async function startBackend(t: TestContext): Promise<{ port: number; server: Server; end(): void }> {
  const server = createServer((_request, response) => response.end('ok')).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const end = (): void => {
    server.close()
    server.closeAllConnections()
  }
  t.after(end)
  return { port: (server.address() as AddressInfo).port, server, end }
}

/** Two sites with a gateway each, and a witness: three nodes in this process, over real connections and one file. */
export class TestNodes {
  readonly folder: string
  readonly events: (EventDraft & { node: string })[] = []
  readonly nodes: Map<string, ControlNode> = new Map()
  readonly #ports: Record<string, number> = {}
  readonly #backends: Record<string, number>
  readonly placements: Map<string, Placement> = new Map()
  /** While it is set no audit log can be written. */
  full = false
  /** Sees every record of an audit log when it is on the disk. */
  recorded: (text: string) => void = () => undefined
  /** Leases as the data planes have them, by node and unit. */
  readonly held: Map<string, HeldLease> = new Map()
  /** More services, as lines of the file. */
  more = ''
  readonly #service: string

  static async make(
    t: TestContext,
    backends: Record<string, number>,
    service = 'mode: active-standby, failover: { lease: 1s, guard: 100ms }, detection: { stable: 500ms }',
    folder?: string,
  ): Promise<TestNodes> {
    const nodes = new TestNodes(t, backends, service, folder)
    for (const name of ['east', 'west', 'third']) nodes.#ports[name] = await freePort()
    return nodes
  }

  private constructor(t: TestContext, backends: Record<string, number>, service: string, folder?: string) {
    this.folder = folder ?? mkdtempSync(join(tmpdir(), 'budao-control-'))
    this.#backends = backends
    this.#service = service
    t.after(async () => {
      await Promise.all([...this.nodes.values()].map((node) => node.close()))
      rmSync(this.folder, { recursive: true, force: true })
    })
  }

  config(name: string): Config {
    const witness = name === 'third'
    const text = `version: 1
node: { name: ${name}${witness ? '' : `, site: ${name}`} }
sites: { east: {}, west: {} }
control:
  address: 127.0.0.1:${this.#ports[name]}
  token: { env: NONE }
  witness: ${witness}
  store: { type: sqlite, path: c.db }
  peers:
    east: { address: "127.0.0.1:${this.#ports['east']}", site: east }
    west: { address: "127.0.0.1:${this.#ports['west']}", site: west }
    third: { address: "127.0.0.1:${this.#ports['third']}", witness: true }
services:
  shop:
    { ${this.#service}, healthCheck: { type: http }, endpoints: [
      { address: "127.0.0.1:${this.#backends['east']}", site: east },
      { address: "127.0.0.1:${this.#backends['west']}", site: west } ] }
${this.more}`
    const parsed = parseConfig(text, name)
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
    return parsed.config
  }

  async start(
    name: string,
    { token = 'a shared secret text', controller = true, start = 'one' } = {},
  ): Promise<ControlNode> {
    const leases = new Map<string, HeldLease>()
    const lease = (unit: string): HeldLease => {
      const held = leases.get(unit) ?? new HeldLease(new LocalCells(HeldLease.cellsFor()))
      leases.set(unit, held)
      this.held.set(`${name} ${unit}`, held)
      return held
    }
    const serving: ServingSide = {
      lease,
      settle: async () => undefined,
      usable: () => true,
      data: () => sharedData,
      placed: (placement) => this.placements.set(`${name} ${placement.unit}`, placement),
      serves: () => true,
      traffic: () => [],
      paces: () => [],
      keep: () => {},
    }
    const node = await ControlNode.start({
      config: this.config(name),
      token,
      store: new SqliteCoordination({ path: join(this.folder, 'c.db') }),
      baseDir: this.folder,
      folder: join(this.folder, name),
      openAudit: (path) => this.#openAudit(path),
      start,
      controller,
      admin: null,
      serving: name === 'third' ? null : serving,
      now: () => performance.now(),
      report: (event) => this.events.push({ ...event, node: name }),
      warn: () => undefined,
    })
    this.nodes.set(name, node)
    return node
  }

  /** Every node has another configuration. */
  async reload(more: string): Promise<void> {
    this.more = more
    await Promise.all([...this.nodes].map(([name, node]) => node.apply(this.config(name))))
  }

  async #openAudit(path: string): Promise<AuditHandle> {
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT)
    return {
      write: (async (bytes: Buffer, from: number, length: number, at: number) => {
        if (this.full) throw new Error('ENOSPC: no space left on device, write')
        const written = await handle.write(bytes, from, length, at)
        this.recorded(bytes.toString('utf8', from, from + length))
        return written
      }) as typeof handle.write,
      truncate: (length) => handle.truncate(length),
      datasync: () => handle.datasync(),
      close: () => handle.close(),
    }
  }
}
