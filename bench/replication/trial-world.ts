import { mkdirSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { ReplicatorReport } from '@budao/replicator'
import {
  type Cleanup,
  Machine,
  makeMariadb,
  makeNetwork,
  memoryFolder,
  type TestHost,
  type TestProcess,
} from '@budao/testkit'
import type { ApplicationPlan, LoadPlan, WriteAttempt } from './application.ts'
import { budaoProgram, replicatedTables, writeSite } from './site-config.ts'
import { mariadbServer, sqliteFile, type TrialDatabase } from './trial-database.ts'

export const sites = ['east', 'west'] as const
export type Site = (typeof sites)[number]

const port = 9910
const token = 'between-the-sites'
const startMsMax = 240_000

/** Two sites on machines of their own, each with a SQLite file or a MariaDB, its application, and a replicator with an embedded log, or with one broker that is nobody's. */
export class ReplicationWorld {
  readonly machines: Readonly<Record<Site, Machine>>
  readonly #t: Cleanup
  readonly #hosts: Readonly<Record<Site, TestHost>>
  readonly #root: string
  readonly #applications: Record<Site, TestProcess>
  #servers: Readonly<Record<Site, TrialDatabase>> | null = null
  #databases!: Readonly<Record<Site, TrialDatabase>>
  /** Of the run. */
  folder = ''

  /** Where the broker is to be started, before the first run. */
  readonly brokerHost: TestHost
  /** `host:port`; null: embedded logs. */
  broker: string | null = null

  constructor(t: Cleanup) {
    this.#t = t
    this.#root = memoryFolder(t, '2g')
    const { broker, ...hosts } = makeNetwork(t, [...sites, 'broker'])
    this.#hosts = hosts
    this.brokerHost = broker
    this.machines = { east: new Machine(this.#hosts.east), west: new Machine(this.#hosts.west) }
    for (const machine of Object.values(this.machines)) t.after(() => machine.kill())
    this.#applications = { east: this.#application('east'), west: this.#application('west') }
  }

  /** From here on each site has a MariaDB on its machine. False where none can be had. */
  async useMariadb(t: TestContext): Promise<boolean> {
    const made: TrialDatabase[] = []
    for (const [index, site] of sites.entries()) {
      const folder = join(this.#root, `mariadb-${site}`)
      mkdirSync(folder)
      const data = await makeMariadb(t, { site: index + 1, host: this.#hosts[site], folder })
      if (data === undefined) return false
      made.push(mariadbServer(this.machines[site], data))
    }
    this.#servers = { east: made[0]!, west: made[1]! }
    return true
  }

  get isMariadb(): boolean {
    return this.#servers !== null
  }

  /** Two new sites with nothing in them; resolves when each has heard that the other one applies what it writes. */
  async begin(name: string, durability: 'async' | 'sync', peerTimeoutMs: number): Promise<void> {
    this.folder = join(this.#root, name)
    mkdirSync(this.folder)
    const urls = Object.fromEntries(
      sites.map((site) => [site, `http://${this.#hosts[site].address}:${port}`]),
    )
    const { broker } = this
    const kafka = { brokers: { east: [broker], west: [broker] }, topic: `trial-${name}` }
    this.#databases = this.#servers ?? {
      east: sqliteFile(this.folder, 'east'),
      west: sqliteFile(this.folder, 'west'),
    }
    for (const machine of Object.values(this.machines)) machine.restart(machine.names.filter(isDatabase))
    for (const site of sites) {
      const { config } = this.#databases[site]
      await this.#databases[site].begin()
      writeSite({
        folder: this.folder,
        site,
        listen: `0.0.0.0:${port}`,
        urls,
        token,
        durability,
        peerTimeoutMs,
        ...(broker !== null && { log: { kafka } }),
        ...(config !== undefined && { database: config }),
      })
      const { folder } = this
      const args = ['--conditions=@budao/source', budaoProgram, 'replicator', '-c', `${site}.yaml`]
      // As a supervisor does: a database that is on its way up refuses it at first.
      const again = 'until "$0" "$@"; do sleep 0.2; done'
      this.machines[site].run('replicator', () =>
        this.#hosts[site].start(this.#t, 'sh', ['-c', again, process.execPath, ...args], folder),
      )
    }
    await Promise.all([
      ...sites.map((site) => this.#applications[site].waitForOutput(/ready/, startMsMax)),
      ...sites.map((site) => this.answers(site)),
    ])
    for (const site of sites) await this.#isHeard(site)
  }

  /** Kills both replicators, and removes what they had. */
  async end(): Promise<void> {
    await Promise.all(Object.values(this.machines).map((machine) => machine.kill(['replicator'])))
    for (const machine of Object.values(this.machines)) machine.heal()
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Resolves when the replicator of a site answers. */
  async answers(site: Site): Promise<void> {
    const until = performance.now() + startMsMax
    for (;;) {
      const { running, output } = this.machines[site].process('replicator')
      if (!running) throw new Error(`the replicator of ${site} ended: ${output}`)
      if ((await this.ask(site, 'GET', '/v1/status').catch(() => ({ status: 0 }))).status === 200) return
      if (performance.now() > until) throw new Error(`the replicator of ${site} does not answer: ${output}`)
      await sleep(25)
    }
  }

  startLoad(site: Site, plan: Omit<LoadPlan, 'site' | 'database'>): Promise<unknown> {
    return this.#tell(site, 'POST', '/begin', { ...plan, site, database: this.#databases[site].plan })
  }

  /** Resolves when every write has ended one way or another. */
  async stopLoad(site: Site): Promise<readonly WriteAttempt[]> {
    return (await this.#tell(site, 'POST', '/end')).json as readonly WriteAttempt[]
  }

  /** Asks the replicator of a site, from its own machine. */
  ask(site: Site, method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answered> {
    return this.#tell(site, method, path, body)
  }

  /** Rows of a site's database as they are committed. */
  rows(site: Site, sql: string): Promise<Record<string, unknown>[]> {
    return this.#databases[site].rows(sql)
  }

  /** All that is replicated at a site, as text. */
  async contents(site: Site): Promise<string> {
    const tables: string[] = []
    for (const table of Object.keys(replicatedTables))
      tables.push(JSON.stringify(await this.rows(site, `SELECT * FROM ${table} ORDER BY id`)))
    return tables.join('\n')
  }

  /** The last lines of both replicators. */
  story(linesMax: number): string {
    return sites.map((site) => `== ${site}\n${this.machines[site].story(linesMax)}`).join('\n')
  }

  async #isHeard(site: Site): Promise<void> {
    const until = performance.now() + startMsMax
    for (;;) {
      const { peers } = (await this.ask(site, 'GET', '/v1/status')).json as Partial<ReplicatorReport>
      if (peers?.every(({ lagP50Ms }) => lagP50Ms !== null) === true) return
      if (performance.now() > until) throw new Error(`nobody hears ${site}: ${this.story(50)}`)
      await sleep(25)
    }
  }

  #application(site: Site): TestProcess {
    const program = fileURLToPath(new URL('application-process.ts', import.meta.url))
    const plan: ApplicationPlan = { socket: this.#socket(site), port, token }
    return this.#hosts[site].start(this.#t, process.execPath, [
      ...['--conditions=@budao/source', program, JSON.stringify(plan)],
    ])
  }

  #socket(site: Site): string {
    return join(this.#root, `${site}.sock`)
  }

  #tell(site: Site, method: string, path: string, body?: unknown): Promise<Answered> {
    return new Promise((resolve, reject) => {
      const asked = request({ socketPath: this.#socket(site), method, path }, (answer) => {
        let text = ''
        answer.setEncoding('utf8').on('data', (part: string) => (text += part))
        answer.on('end', () => {
          resolve({
            status: answer.statusCode ?? 0,
            json: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text,
          })
        })
        answer.on('error', reject)
      })
      asked.on('error', reject)
      asked.end(body === undefined ? '' : JSON.stringify(body))
    })
  }
}

function isDatabase(program: string): boolean {
  return program === 'database'
}

/** What a process said. */
export interface Answered {
  readonly status: number
  readonly json: unknown
}
