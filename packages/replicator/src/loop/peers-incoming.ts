import type { Applier, IncomingReport, LogPosition, LoopState } from '@budao/model'
import type { Followed, PeerOptions } from '../peer-options.ts'
import { type Alarm, silentMsMax } from './alarms.ts'
import { Incoming } from './incoming.ts'

/** Whose logs are read, and who wants to know. */
export interface PeersIncomingOptions {
  readonly site: string
  readonly peers: readonly PeerOptions[]
  readonly applier: Applier
  readonly onApplied: (peer: string, next: LogPosition) => void
  /** A heartbeat of a peer was applied that had heard this mark. */
  readonly onHeard: (peer: string, mark: string) => void
  /** Everything that was committed at a peer longer ago than this is here, milliseconds; null: unknown. */
  readonly lagMs: (peer: string) => number | null
}

interface Origin {
  readonly loops: readonly Incoming[]
  readonly states: LoopState[]
}

/** What comes from the other sites: each of their logs, partition by partition; it can stand still and go on. */
export class PeersIncoming {
  readonly #options: PeersIncomingOptions
  readonly #origins: Map<string, Origin> = new Map()
  #closed = false

  constructor(options: PeersIncomingOptions) {
    this.#options = options
  }

  /** Applies nothing any more. */
  async standStill(): Promise<void> {
    for (const { site } of this.#options.peers) await this.stop(site)
  }

  /** Goes on where the database stands: with all of them, or with one. */
  goOn(only?: string): void {
    if (this.#closed) return
    for (const peer of this.#options.peers) {
      const isRead = (this.#origins.get(peer.site)?.loops ?? []).length > 0
      if ((only ?? peer.site) === peer.site && !isRead) this.#read(peer)
    }
  }

  /** Ends reading one log, so that it can begin elsewhere. */
  async stop(site: string): Promise<void> {
    await Promise.all((this.#origins.get(site)?.loops ?? []).map((loop) => loop.close()))
    const why = 'the database is filled or put right from another site'
    this.#origins.set(site, { loops: [], states: [{ state: 'resyncing', why }] })
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.standStill()
  }

  /** Where this site goes on in a log; a partition that nothing is known of is missing. */
  appliedOf(site: string): LogPosition[] {
    const loops = this.#origins.get(site)?.loops ?? []
    return loops.map(({ next }) => next).filter((next) => next !== null)
  }

  /** What comes of reading a log; null: it is nobody’s. */
  stateOf(site: string): LoopState | null {
    const states = this.#origins.get(site)?.states
    return states === undefined ? null : worst(states)
  }

  /** How far another site’s changes are here. */
  followed(site: string): Followed {
    const state = this.stateOf(site)
    if (state === null) return { applied: 0, missing: `${site} is none of replication.sites` }
    return {
      applied: this.appliedOf(site).reduce((total, { offset }) => total + offset, 0),
      missing: state.state === 'stopped' || state.state === 'resyncing' ? state.why : '',
    }
  }

  report(): IncomingReport[] {
    return [...this.#origins].map(([origin, { loops, states }]) => ({
      site: origin,
      ...worst(states),
      silentMs: silence(loops),
      lagMs: this.#options.lagMs(origin),
      applied: sum(loops, ({ applied }) => applied),
      duplicates: sum(loops, ({ duplicates }) => duplicates),
      conflicts: sum(loops, ({ conflicts }) => conflicts),
      parked: sum(loops, ({ parked }) => Object.values(parked).reduce((a, b) => a + b, 0)),
    }))
  }

  alarms(): Alarm[] {
    const alarms: Alarm[] = []
    for (const [origin, { loops, states }] of this.#origins) {
      const { state, why } = worst(states)
      if (state === 'stopped')
        alarms.push({ code: 'stopped', subject: origin, message: `${why}. ${this.#wayOut(origin)}` })
      const silentMs = silence(loops)
      if (silentMs <= silentMsMax) continue
      const message = `nothing has arrived for ${Math.round(silentMs / 1000)} s`
      alarms.push({ code: 'origin-silent', subject: origin, message })
    }
    return alarms
  }

  /** What a person can do about a log whose entries are gone. */
  #wayOut(origin: string): string {
    return (
      `Fill this site anew: budao replicator bootstrap --from ${origin}; or, where it was ${origin} that lost its data, ` +
      `fill ${origin}: budao replicator bootstrap --from ${this.#options.site}`
    )
  }

  #read(peer: PeerOptions): void {
    const { site, applier, onApplied, onHeard } = this.#options
    const states: LoopState[] = []
    const loops = Array.from({ length: peer.partitions }, (_, partition) => {
      states.push({ state: 'running', why: '' })
      return new Incoming({
        origin: peer.site,
        site,
        partition,
        log: peer.log,
        applier,
        onHeard: (mark) => onHeard(peer.site, mark),
        onApplied: (next) => onApplied(peer.site, next),
        onState: (state) => (states[partition] = state),
        now: () => performance.now(),
      })
    })
    this.#origins.set(peer.site, { loops, states })
  }
}

/** Of the loop that heard last; 0: there is none. */
function silence(loops: readonly Incoming[]): number {
  return loops.length === 0 ? 0 : Math.min(...loops.map((each) => each.silentMs))
}

function sum(loops: readonly Incoming[], of: (counts: Incoming['counts']) => number): number {
  return loops.reduce((total, { counts }) => total + of(counts), 0)
}

function worst(states: readonly LoopState[]): LoopState {
  const order = ['stopped', 'resyncing', 'log-full', 'retrying', 'running']
  return states.toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state))[0]!
}
