import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ReplicatorReport, SqliteOutbox } from '@budao/replicator'
import { freePort, type TestProcess } from '@budao/testkit'
import { usageOf, type Usage } from '../process-tree.ts'
import type { Stage } from '../stage.ts'
import { budaoProgram, type SiteConfig, writeSite } from './site-config.ts'

/** The replicator writes to the same file. */
const busyMs = 5_000
const startMsMax = 60_000
const arriveMsMax = 300_000
const tables = { adds: { rule: { name: 'last-writer' } } } as const

/** A replicator for each of two sites, east's application is whoever measures. Rows go from east to west. */
export class TwoSites {
  readonly folder: string
  readonly #stage: Stage
  readonly #ports: Readonly<Record<string, number>>
  readonly #processes = new Map<string, TestProcess>()
  readonly #here: DatabaseSync
  readonly #there: DatabaseSync
  readonly #outbox: SqliteOutbox
  readonly #arrived: StatementSync
  /** Rows that were committed at east. */
  written = 0

  private constructor(
    stage: Stage,
    folder: string,
    ports: Readonly<Record<string, number>>,
    eventsMax: number,
  ) {
    this.#stage = stage
    this.folder = folder
    this.#ports = ports
    this.#here = new DatabaseSync(join(folder, 'east.db'), { timeout: busyMs })
    this.#there = new DatabaseSync(join(folder, 'west.db'), { timeout: busyMs })
    this.#outbox = new SqliteOutbox({ db: this.#here, site: 'east', tables, eventsMax })
    this.#arrived = this.#there.prepare('SELECT coalesce(max(rowid), 0) AS n FROM adds')
  }

  /** Both sites new. `outbox`: most events that wait at a site. */
  static async start(
    stage: Stage,
    name: string,
    { log, outbox = 10_000_000 }: Pick<SiteConfig, 'log' | 'outbox'>,
  ): Promise<TwoSites> {
    const folder = join(stage.folder, name)
    mkdirSync(folder)
    const ports = { east: await freePort(), west: await freePort() }
    const urls = Object.fromEntries(
      Object.entries(ports).map(([site, port]) => [site, `http://127.0.0.1:${port}`]),
    )
    for (const [site, port] of Object.entries(ports)) {
      const more = log === undefined ? {} : { log }
      writeSite({ folder, site, listen: `127.0.0.1:${port}`, urls, outbox, ...more })
    }
    const sites = new TwoSites(stage, folder, ports, outbox)
    for (const site of Object.keys(ports)) sites.run(site)
    for (const site of Object.keys(ports)) await sites.answers(site)
    return sites
  }

  /** Starts the replicator of a site. */
  run(site: string): void {
    const args = [budaoProgram, 'replicator', '-c', join(this.folder, `${site}.yaml`)]
    this.#processes.set(site, this.#stage.startNode(site, args))
  }

  async kill(site: string): Promise<void> {
    await this.#processes.get(site)!.kill()
  }

  /** Resolves when the replicator of a site answers. */
  async answers(site: string): Promise<void> {
    await this.#processes.get(site)!.waitForPort(this.#ports[site]!, startMsMax)
  }

  async report(site: string): Promise<ReplicatorReport> {
    const answer = await fetch(`http://127.0.0.1:${this.#ports[site]!}/v1/status`)
    if (!answer.ok) throw new Error(`the replicator of ${site} answers ${answer.status}`)
    return (await answer.json()) as ReplicatorReport
  }

  /** Of its replicator. */
  usage(site: string): Usage {
    return usageOf(this.#processes.get(site)!.pid)
  }

  /** So many rows, each a transaction to the other site, in one commit here. */
  write(count: number): void {
    const { written } = this
    this.#outbox.transaction(() => {
      for (let n = written; n < written + count; n++) {
        const id = `o-${n}`
        this.#outbox.write({
          id,
          txId: id,
          op: 'create',
          table: 'adds',
          payload: { id, text: 'a row of an order' },
        })
      }
    })
    this.written += count
  }

  /** Rows that are committed at west: they come in order. */
  get arrived(): number {
    return Number(this.#arrived.get()!['n'])
  }

  /** Resolves when all that was written is at west. */
  async allArrived(): Promise<void> {
    const until = performance.now() + arriveMsMax
    while (this.arrived < this.written) {
      if (performance.now() > until)
        throw new Error(`${this.arrived} of ${this.written} rows arrived in ${arriveMsMax} ms`)
      await sleep(2)
    }
  }

  /** Ends both. Throws where a row is missing or another. */
  async close(): Promise<void> {
    const all = 'SELECT * FROM adds ORDER BY id'
    const differ =
      JSON.stringify(this.#here.prepare(all).all()) !== JSON.stringify(this.#there.prepare(all).all())
    this.#here.close()
    this.#there.close()
    for (const process of this.#processes.values()) await this.#stage.stop(process)
    if (differ) throw new Error('the sites differ: no figure counts')
  }
}

/** Calls `write` with what is due by a schedule of so many rows a second, until `ends` says so. */
export async function paced(
  perSecond: number,
  ends: () => boolean,
  write: (rows: number) => void,
): Promise<void> {
  const began = performance.now()
  for (let done = 0; !ends();) {
    const due = Math.floor(((performance.now() - began) / 1000) * perSecond)
    if (due > done) write(due - done)
    done = due
    await sleep(10)
  }
}
