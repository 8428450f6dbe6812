import {
  type ChangeDraft,
  type ChangeEvent,
  type EventLog,
  type LogBounds,
  type LogPosition,
  type LoopState,
  type ReplicatorReport,
} from '@budao/model'
import { endedWrites } from './authority/ended-writes.ts'
import { type PeerWord, Standing, type WriteRight } from './authority/standing.ts'
import { KnownEnds } from './log/known-ends.ts'
import { AckSender } from './loop/ack-sender.ts'
import { type Alarm, Alarms, silentMsMax } from './loop/alarms.ts'
import { Durability, type Settled } from './loop/durability.ts'
import { gapTable } from './loop/gap-marker.ts'
import { Outgoing } from './loop/outgoing.ts'
import { PeerProgress } from './loop/peer-progress.ts'
import { PeersIncoming } from './loop/peers-incoming.ts'
import type { Followed, PeerOptions } from './peer-options.ts'
import { heartbeatTable } from './replicated-table.ts'
import type { SiteDatabase } from './site-database.ts'

/** Everything a replicator stands between. */
export interface ReplicatorOptions {
  readonly site: string
  readonly database: SiteDatabase
  /** This site's log. */
  readonly log: EventLog
  readonly peers: readonly PeerOptions[]
  readonly onPeerLoss: 'block' | 'degrade'
  /** How long a peer may take to acknowledge, milliseconds. */
  readonly peerTimeoutMs: number
  /** Between two heartbeats, milliseconds. Default 250. */
  readonly beatMs?: number
  /** Whether a lease says that all that is acknowledged here is at that site too. */
  readonly isNamed?: (site: string) => boolean
  /** Begins without applying anything: the database is not whole yet. Default false. */
  readonly resyncing?: boolean
  /** How full the log is, percent. */
  readonly logPercent?: () => number
  /** Everybody has applied what is below. */
  readonly onReleased?: (offset: number) => void
  /** Something began that a person should know, or ended. */
  readonly onAlarm?: (alarm: Alarm, isOn: boolean) => void
  /** Ids and tombstones are remembered so long, milliseconds: as long as the log keeps entries. */
  readonly keepMs?: number
}

const beatMsDefault = 250
/** While no peer answers, heartbeats come more slowly: they would fill the log. */
const slowBeatEvery = 20
const cleanEveryMs = 60_000
const alarmPercent = 80

/** One site's replicator: its changes go into its log, the peers' logs into its database. */
export class Replicator {
  readonly #options: ReplicatorOptions
  readonly #outgoing: Outgoing
  /** What comes from the other sites. */
  readonly incoming: PeersIncoming
  readonly #acks: ReadonlyMap<string, AckSender>
  readonly #progress: ReadonlyMap<string, PeerProgress>
  readonly #durability: Durability
  readonly #ends: KnownEnds
  readonly #alarms: Alarms
  /** How this site stands to the others. */
  readonly standing: Standing
  readonly #timers: readonly NodeJS.Timeout[]
  #outgoingState: LoopState = { state: 'running', why: '' }
  #looking: Promise<void> | null = null
  #ticks = 0
  #beats = 0
  #closed = false

  constructor(options: ReplicatorOptions) {
    this.#options = options
    const { database, log, peers, site, onPeerLoss, peerTimeoutMs, beatMs = beatMsDefault } = options
    const now = (): number => performance.now()
    this.#ends = new KnownEnds(log)
    this.#progress = new Map(peers.map((peer) => [peer.site, new PeerProgress(peer.site, now)]))
    this.standing = new Standing({ site, database, log, peers, now })
    this.#alarms = new Alarms(options.onAlarm ?? (() => {}))
    this.#durability = new Durability({
      peers: [...this.#progress.values()],
      onPeerLoss,
      peerTimeoutMs,
      onDegraded: () => void this.#look(),
      ...(options.isNamed && { isNamed: options.isNamed }),
    })
    this.#outgoing = new Outgoing({
      source: database.source,
      log,
      site,
      known: {
        watermark: (origin, partition) => database.applier.watermark(origin, partition),
        setWatermark: (origin, position) => database.snapshots.setWatermark(origin, position),
      },
      onAppended: (positions, isBeat) => {
        for (const peer of this.#progress.values()) peer.appended(positions, isBeat)
      },
      onState: (state) => (this.#outgoingState = state),
    })
    this.#acks = new Map(
      peers.map(({ site: name, url, token }) => [
        name,
        new AckSender({
          url,
          site,
          mark: () => this.standing.mark(name),
          ended: () => this.standing.endedOf(name),
          onError: () => {},
          ...(token !== undefined && { token }),
        }),
      ]),
    )
    this.incoming = new PeersIncoming({
      site,
      peers,
      applier: database.applier,
      onApplied: (peer, next) => this.#acks.get(peer)!.send(next),
      onHeard: (peer, mark) => this.standing.covered(peer, mark),
      lagMs: (peer) => this.standing.lagMs(peer),
    })
    if (options.resyncing === true) void this.incoming.standStill()
    else this.incoming.goOn()
    this.#timers = [
      setInterval(() => void (this.#looking ??= this.#tick()), beatMs),
      setInterval(() => void this.#clean(), cleanEveryMs),
    ]
  }

  /** Writes changes here; resolves once they are as durable as is asked. */
  async publish(
    drafts: readonly ChangeDraft[],
    level: 'async' | 'sync',
    signal: AbortSignal,
  ): Promise<{ readonly events: readonly (ChangeEvent | null)[]; readonly settled: Settled | 'here' }> {
    const { write } = this.#options.database
    if (write === undefined) throw new Error('this database is written by the application alone')
    const events = await write(drafts)
    if (level === 'async') return { events, settled: 'here' }
    const right = events.find((event) => event !== null)
    return { events, settled: await this.settled(drafts.at(-1)!.id, signal, right) }
  }

  /**
   * Waits until the peers have an event that was written here. One whose right has ended meanwhile may have been refused:
   * `unknown`; without a `right` every epoch that has ended counts.
   */
  async settled(id: string, signal: AbortSignal, right: WriteRight | null = null): Promise<Settled> {
    const until = AbortSignal.any([signal, AbortSignal.timeout(this.#options.peerTimeoutMs)])
    const positions = await this.#placeOf(id, until)
    if (positions === null) return 'unknown'
    const settled = await this.#durability.settle(positions, signal)
    return (await this.standing.hasEnded(right)) ? 'unknown' : settled
  }

  /** A peer says what it has applied. False: it is none of ours. */
  async applied(site: string, word: PeerWord): Promise<boolean> {
    const progress = this.#progress.get(site)
    if (progress === undefined) return false
    await this.standing.hear(site, word)
    for (const position of word.positions) progress.applied(position)
    await this.standing.counted(site, progress)
    const all = [...this.#progress.values()].map((peer) => peer.next(0)?.offset ?? 0)
    this.#options.onReleased?.(Math.min(...all))
    return true
  }

  /** Goes on although changes of this site are missing in its log. False: none are known to be. */
  acceptGap(): Promise<boolean> {
    return this.#outgoing.acceptGap()
  }

  /** The other sites. */
  get others(): readonly string[] {
    return [...this.#progress.keys()]
  }

  /** Where this site’s log ends, over all partitions. */
  async end(): Promise<number> {
    const { log } = this.#options
    let end = 0
    for (let partition = 0; partition < log.partitions; partition++) end += (await log.bounds(partition)).end
    return end
  }

  /** How far another site’s changes are here. */
  follow(site: string): Followed {
    return this.incoming.followed(site)
  }

  /** Whether no `sync` write is acknowledged without that site, and that is to stay so. */
  waitsFor(site: string): boolean {
    return this.#durability.waitsFor(site)
  }

  /** Ids of events that this site has and a peer has not said to have, the oldest first: in its log, and not there yet. */
  async unreplicated(site: string, limit: number): Promise<readonly string[]> {
    const { log } = this.#options
    const ids: string[] = []
    for (let partition = 0; partition < log.partitions && ids.length < limit; partition++) {
      const bounds = await log.bounds(partition)
      const from = this.#progress.get(site)?.next(partition) ?? {
        logId: bounds.logId,
        partition,
        offset: bounds.first,
      }
      if (from.offset >= bounds.end) continue
      await this.#idsOf(from, bounds, limit, ids)
    }
    return ids
  }

  async report(): Promise<ReplicatorReport> {
    const { site, database, logPercent } = this.#options
    const [backlog, letters, ended, conflicts] = await Promise.all([
      database.backlog(),
      database.letters.count(),
      endedWrites(database.letters),
      database.conflicts.count(),
    ])
    const ends = await this.#ends.ask()
    return {
      site,
      outgoing: {
        ...this.#outgoingState,
        events: this.#outgoing.events,
        backlog: backlog.events,
        outboxPercent: backlog.percent,
        logPercent: logPercent?.() ?? null,
      },
      peers: [...this.#progress.values()].map((peer) => ({
        site: peer.peer,
        behind: ends.reduce(
          (behind, end, partition) => behind + end - (peer.next(partition)?.offset ?? 0),
          0,
        ),
        rpoMs: peer.rpoMs,
        lagP50Ms: peer.lagMs(0.5),
        lagP99Ms: peer.lagMs(0.99),
        silentMs: peer.silentMs,
        degraded: this.#durability.degraded.has(peer.peer),
        refused: this.standing.lettersAt(peer.peer)?.oldEpoch ?? null,
      })),
      incoming: this.incoming.report(),
      deadLetters: letters,
      ended,
      conflicts,
      paused: Object.fromEntries(database.paused()),
      alarms: this.#alarms.all,
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const timer of this.#timers) clearInterval(timer)
    this.standing.close()
    await this.#looking
    await this.#outgoing.close()
    await this.incoming.close()
    for (const ack of this.#acks.values()) await ack.close()
  }

  async #placeOf(id: string, signal: AbortSignal): Promise<readonly LogPosition[] | null> {
    const { database, log } = this.#options
    // Written long ago, and carried away: it is somewhere before the end.
    const soon = AbortSignal.any([signal, AbortSignal.timeout(100)])
    const place = await this.#outgoing.placeOf(id, soon)
    if (place !== null || signal.aborted) return place
    if ((await database.backlog()).events > 0) return this.#outgoing.placeOf(id, signal)
    const positions: LogPosition[] = []
    for (let partition = 0; partition < log.partitions; partition++) {
      const { logId, end } = await log.bounds(partition)
      if (end > 0) positions.push({ logId, partition, offset: end - 1 })
    }
    return positions
  }

  async #idsOf(from: LogPosition, { end }: LogBounds, limit: number, ids: string[]): Promise<void> {
    const reader = this.#options.log.read(from)
    try {
      for (;;) {
        const entries = (await reader.next()) ?? []
        for (const { events } of entries) {
          for (const { id, table } of events)
            if (table !== heartbeatTable && table !== gapTable && ids.length < limit) ids.push(id)
        }
        const last = entries.at(-1)
        if (last === undefined || last.offset + 1 >= end || ids.length >= limit) return
      }
    } finally {
      reader.close()
    }
  }

  async #tick(): Promise<void> {
    try {
      const everySlow = this.#ticks++ % slowBeatEvery === 0
      const somebodyAnswers = [...this.#progress.values()].some(({ silentMs }) => silentMs < silentMsMax)
      if (somebodyAnswers || everySlow)
        await this.#options.database.beat({ n: this.#beats++, at: Date.now(), heard: this.standing.heard })
    } catch {
      // A database that cannot be written to sends no heartbeat: that is what the peers are told by.
    }
    await this.#look()
    this.#looking = null
  }

  async #look(): Promise<void> {
    this.#durability.look()
    try {
      this.#alarms.set(await this.#wrong())
    } catch {
      // The database cannot be asked: the loops say so.
    }
  }

  async #wrong(): Promise<Alarm[]> {
    const { database, logPercent, site } = this.#options
    const alarms: Alarm[] = []
    const add = (code: Alarm['code'], subject: string, message: string): unknown =>
      alarms.push({ code, subject, message })
    const { state, why } = this.#outgoingState
    if (state === 'stopped' || state === 'log-full') add(state, site, why)
    const percent = logPercent?.() ?? 0
    if (percent >= alarmPercent) add('log-filling', site, `the event log is ${Math.round(percent)} % full`)
    const outbox = (await database.backlog()).percent
    if (outbox >= alarmPercent) add('outbox-filling', site, `the outbox is ${Math.round(outbox)} % full`)
    for (const peer of this.#progress.values()) {
      const seconds = Math.round(peer.silentMs / 1000)
      if (peer.silentMs > silentMsMax)
        add('peer-stands-still', peer.peer, `has applied nothing for ${seconds} s, heartbeats included`)
    }
    for (const peer of this.#durability.degraded)
      add('degraded', peer, 'writes are acknowledged without it until it has everything')
    alarms.push(...this.incoming.alarms())
    for (const { origin, count, oldEpoch } of await database.letters.countBySite()) {
      if (oldEpoch > 0)
        add('writes-ended', origin, `${oldEpoch} writes of an epoch that had ended wait: budao events ended`)
      if (count > oldEpoch)
        add('dead-letters', origin, `${count - oldEpoch} events wait: budao events dlq list`)
    }
    for (const [table, detail] of database.paused()) add('table-paused', table, detail)
    return alarms
  }

  async #clean(): Promise<void> {
    const { database, keepMs } = this.#options
    if (keepMs !== undefined) await database.clean(Date.now() - keepMs).catch(() => {})
  }
}
