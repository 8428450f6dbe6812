import { setTimeout as sleep } from 'node:timers/promises'
import { type EventLog, isUnderWay, type ResyncReport } from '@budao/model'
import type { Replicator } from '../replicator.ts'
import type { SiteDatabase } from '../site-database.ts'
import { epochName } from '../authority/epoch-name.ts'
import { untilItHolds } from '../loop/backoff.ts'
import { bootstrap } from './bootstrap.ts'
import { compareSites, type ComparedSite } from './compare-sites.ts'
import { digestKeys, digestKeysMax, digestTable, wholeTable } from './digest.ts'
import { PeerRefusedError, PeerSite } from './peer-site.ts'
import { type LostLetter, lostAt, restore } from './restore.ts'

/** What is made equal, and to whom. */
export interface ResyncOptions {
  readonly site: string
  readonly database: SiteDatabase
  readonly log: EventLog
  readonly replicator: Replicator
  readonly peers: readonly { readonly site: string; readonly url: string; readonly token?: string }[]
  readonly tables: readonly string[]
  /** A row counts as different once it has stood still for so long at both sites, milliseconds. Default 2000. */
  readonly settleMs?: number
}

/** What may be given up, because a person said so. */
export interface BootstrapRequest {
  readonly from: string
  /** This site's rows may be replaced. */
  readonly replace: boolean
  readonly discardUnread: boolean
}

/** It cannot be begun. */
export class ResyncRefused extends Error {
  readonly code: 'unknown-site' | 'not-empty' | 'under-way' | 'not-fenced'

  constructor(code: ResyncRefused['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** A unit of which this site must not write below an epoch. */
interface Fence {
  readonly unit: string
  readonly epoch: number
}

const retryMs = 500
const drainPollMs = 20

/** Makes this site equal to another one, one time after the other: by filling it anew, or by undoing what did not make it. */
export class Resync {
  readonly #options: ResyncOptions
  readonly #stop: AbortController = new AbortController()
  #report: ResyncReport | null = null
  #running: Promise<void> | null = null

  constructor(options: ResyncOptions) {
    this.#options = options
  }

  /** The one under way, or the last one; null: none since the start. */
  get report(): ResyncReport | null {
    return this.#report
  }

  /** A filling that the end of the process has interrupted goes on. */
  async goOn(): Promise<void> {
    const progress = await this.#options.database.snapshots.progress()
    if (progress === null) return
    const peer = this.#peer(progress.from)
    this.#begin('bootstrap', progress.from, this.#filling(peer, false))
  }

  /** Fills this site from another, which goes on being written to. Throws `ResyncRefused`. */
  async bootstrap({ from, replace, discardUnread }: BootstrapRequest): Promise<ResyncReport> {
    const peer = this.#peer(from)
    const { snapshots } = this.#options.database
    const begun = await snapshots.progress()
    const rows = begun === null ? await snapshots.count() : 0
    if (rows > 0 && !replace)
      throw new ResyncRefused(
        'not-empty',
        `expected empty tables, found ${rows} rows: replace them by --replace`,
      )
    // What was begun from another site is begun anew from this one.
    if (begun !== null && begun.from !== from && !this.#isUnderWay) await snapshots.end()
    return this.#begin('bootstrap', from, this.#filling(peer, discardUnread))
  }

  /** Undoes what this site wrote and the new owner has not taken, and catches up. Throws `ResyncRefused`. */
  async restore(from: string): Promise<ResyncReport> {
    const peer = this.#peer(from)
    const fenced = await this.#fenced()
    if (fenced.length === 0) {
      throw new ResyncRefused(
        'not-fenced',
        `expected this site to be fenced, found that it may write: fence it here and at ${from} first`,
      )
    }
    return this.#begin('restore', from, () => this.#putRight(peer, fenced))
  }

  /** As `restore`, by nobody's word: where that cannot be now, nothing is done. */
  async putRight(from: string): Promise<void> {
    try {
      await this.restore(from)
    } catch (error) {
      if (!(error instanceof ResyncRefused)) throw error
    }
  }

  /** Why this site must not be given the right to write; empty: nothing is known against it. */
  async unfit(): Promise<string> {
    const progress = await this.#options.database.snapshots.progress()
    if (progress !== null) return `this site is being filled from ${progress.from}`
    if (this.#report?.phase !== 'diverged') return ''
    const { different, undecided, from } = this.#report
    return `${different} rows differ from ${from}, ${undecided} went on changing while they were compared`
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  get #isUnderWay(): boolean {
    return this.#report !== null && isUnderWay(this.#report)
  }

  #peer(site: string): PeerSite {
    const peer = this.#options.peers.find((each) => each.site === site)
    if (peer === undefined) throw new ResyncRefused('unknown-site', `expected another site, found ${site}`)
    return new PeerSite(peer, this.#stop.signal)
  }

  #begin(kind: ResyncReport['kind'], from: string, work: () => Promise<void>): ResyncReport {
    if (this.#isUnderWay) {
      const { kind: running, from: other } = this.#report!
      throw new ResyncRefused('under-way', `expected none under way, found a ${running} from ${other}`)
    }
    this.#report = {
      ...{ kind, from, phase: kind === 'restore' ? 'waiting' : 'opening', rows: 0, rowsTotal: 0 },
      ...{ lost: [], undone: 0, different: 0, undecided: 0, why: '' },
      ...{ startedAt: new Date().toISOString(), endedAt: null },
    }
    this.#running = this.#run(work)
    return this.#report
  }

  async #run(work: () => Promise<void>): Promise<void> {
    const { signal } = this.#stop
    for (;;) {
      try {
        await work()
        this.#set({ why: '', endedAt: new Date().toISOString() })
        return
      } catch (error) {
        if (signal.aborted) return
        const why = (error as Error).message
        const { database } = this.#options
        if (!isPassing(error) && database.isPassing?.(error) !== true) {
          await this.#fail(why)
          return
        }
        this.#set({ why })
        await sleep(retryMs, undefined, { signal }).catch(() => {})
        if (signal.aborted) return
      }
    }
  }

  async #fail(why: string): Promise<void> {
    const { database, replicator } = this.#options
    this.#set({ why })
    // A database that is half filled applies nothing: whether it is must be known.
    const isHalf = await untilItHolds(
      this.#stop.signal,
      async () => (await database.snapshots.progress()) !== null,
      () => {},
    )
    this.#set({ phase: 'failed', why, endedAt: new Date().toISOString() })
    if (isHalf === false) replicator.incoming.goOn()
  }

  /** To be tried until it is done: what is filled is not filled anew because the peer cannot be compared with for a moment. */
  #filling(peer: PeerSite, discardUnread: boolean): () => Promise<void> {
    const { site, database, log, replicator, tables } = this.#options
    let isFilled = false
    return async () => {
      if (!isFilled) {
        await replicator.incoming.standStill()
        await bootstrap({
          ...{ site, database, log, peer, tables, discardUnread, signal: this.#stop.signal },
          drained: () => database.drained(this.#stop.signal),
          onProgress: ({ phase, rows, facts }) => this.#set({ phase, rows, rowsTotal: facts.rows }),
        })
        isFilled = true
      }
      await this.#finish(peer, await lostAt(peer, site))
    }
  }

  async #putRight(peer: PeerSite, fenced: readonly Fence[]): Promise<void> {
    const { site, database, log, replicator } = this.#options
    const { epochs } = await peer.place(site)
    for (const { unit, epoch } of fenced) {
      const there = Object.hasOwn(epochs, unit) ? epochs[unit]! : 0
      if (there >= epoch) continue
      const what = unit === '' ? site : `${unit} at ${site}`
      throw new ResyncRefused(
        'not-fenced',
        `expected ${peer.site} to refuse epochs of ${what} below ${epoch}, found ${there}`,
      )
    }
    await replicator.incoming.standStill()
    const { lost, undone } = await restore({
      ...{ site, database, log, peer, signal: this.#stop.signal },
      drained: () => database.drained(this.#stop.signal),
      onUndoing: () => this.#set({ phase: 'undoing' }),
    })
    this.#set({ lost: lost.map(({ id, table, key }) => ({ id, table, key })), undone })
    await this.#finish(peer, lost)
  }

  /** Units that others have had the right to write since this site had it; '': all that it writes. */
  async #fenced(): Promise<Fence[]> {
    const { database, site } = this.#options
    const epochs = await database.epochs()
    return [...epochs].flatMap(([name, epoch]) => {
      const [origin, unit = ''] = name.split(' ')
      const own = epochs.get(epochName('', unit === '' ? undefined : unit)) ?? 0
      return origin === site && epoch > Math.max(1, own) ? [{ unit, epoch }] : []
    })
  }

  /** Applies what was written meanwhile, and compares. */
  async #finish(peer: PeerSite, lost: readonly LostLetter[]): Promise<void> {
    const { site, replicator, tables, settleMs = 2000 } = this.#options
    const { signal } = this.#stop
    this.#set({ phase: 'catching-up' })
    replicator.incoming.goOn()
    const { bounds } = await peer.place(site)
    const isThere = (): boolean =>
      bounds.every(({ logId, end }, partition) =>
        replicator.incoming
          .appliedOf(peer.site)
          .some((at) => at.partition === partition && at.logId === logId && at.offset >= end),
      )
    while (!isThere()) await sleep(drainPollMs, undefined, { signal })
    this.#set({ phase: 'comparing' })
    const { rows, different, undecided } = await compareSites(this.#here(), peer, {
      tables,
      settleMs,
      signal,
    })
    const isEqual = different.length === 0 && undecided.length === 0
    // What keeps this site from writing is that it differs by them.
    if (different.length === 0) {
      const letters = lost.map(({ letter }) => letter)
      await peer.setUndone(site, letters)
      await replicator.standing.askAgain()
    }
    this.#set({
      ...{
        phase: isEqual ? 'verified' : 'diverged',
        different: different.length,
        undecided: undecided.length,
      },
      rows,
    })
  }

  #here(): ComparedSite {
    const { snapshots } = this.#options.database
    return {
      digest: (table) => digestTable(snapshots, table, wholeTable),
      digestKeys: async (table, buckets) => {
        const part = await digestKeys(snapshots, table, new Set(buckets), digestKeysMax, wholeTable)
        return part === null ? null : new Map(part.keys)
      },
      rowsOf: (places) => snapshots.rowsOf(places),
    }
  }

  #set(more: Partial<ResyncReport>): void {
    this.#report = { ...this.#report!, ...more }
  }
}

/** Somebody cannot be asked for the moment; what a peer refuses it will refuse again. */
function isPassing(error: unknown): boolean {
  if (error instanceof PeerRefusedError) return error.status >= 500
  const { name, message } = error as Error
  // What `fetch` says of a connection that was refused, or broke off.
  return name === 'TimeoutError' || message === 'fetch failed' || message === 'terminated'
}
