import { setTimeout as sleep } from 'node:timers/promises'
import type { LogPosition } from '@budao/model'
import type { PeerProgress } from './peer-progress.ts'

/** When a write is acknowledged, and what happens while a peer does not answer. */
export interface DurabilityOptions {
  readonly peers: readonly PeerProgress[]
  /**
   * block: a write is not acknowledged without the peer. degrade: after `peerTimeoutMs` it is acknowledged without, which is
   * announced, until the peer has everything again.
   */
  readonly onPeerLoss: 'block' | 'degrade'
  /** How long a peer may take until it is lost, milliseconds. */
  readonly peerTimeoutMs: number
  /** A peer is no longer waited for, or is again. */
  readonly onDegraded: (peer: string, isDegraded: boolean) => void
  /**
   * Whether a lease says that every acknowledged write is at the peer: a failover may count on it, so the peer is waited for
   * until no lease says so any more. Default: none does.
   */
  readonly isNamed?: (peer: string) => boolean
}

/** peers: durable in the database of every peer. degraded: in this site's only, announced. unknown: nobody knows yet. */
export type Settled = 'peers' | 'degraded' | 'unknown'

/** How often it is looked whether leases still name a peer, milliseconds. */
const namedEveryMs = 10

/** The durability level `sync`: a write is acknowledged once the peers have it in their databases. */
export class Durability {
  readonly #options: DurabilityOptions
  readonly #degraded: Set<string> = new Set()
  /** Peers that are to be waited for no longer, as soon as no lease names them. */
  readonly #leaving: Set<string> = new Set()

  constructor(options: DurabilityOptions) {
    this.#options = options
  }

  /** Peers that are not waited for. */
  get degraded(): ReadonlySet<string> {
    return this.#degraded
  }

  /** Whether nothing is acknowledged without the peer, and that is to stay so. */
  waitsFor(peer: string): boolean {
    return !this.#degraded.has(peer) && !this.#leaving.has(peer)
  }

  /** Waits until the peers have these entries, as far as they are waited for. */
  async settle(positions: readonly LogPosition[], signal: AbortSignal): Promise<Settled> {
    const { peers, peerTimeoutMs } = this.#options
    const until = AbortSignal.any([signal, AbortSignal.timeout(peerTimeoutMs)])
    const each = await Promise.all(peers.map((peer) => this.#settleOne(peer, positions, until, signal)))
    if (each.includes('unknown')) return 'unknown'
    return each.includes('degraded') ? 'degraded' : 'peers'
  }

  /** A peer that was lost is waited for again once it has everything; one that falls silent is to leave. Called every moment. */
  look(): void {
    const { peers, onPeerLoss, peerTimeoutMs, onDegraded } = this.#options
    for (const peer of peers) {
      if (!peer.isBehind) {
        this.#leaving.delete(peer.peer)
        if (this.#degraded.delete(peer.peer)) onDegraded(peer.peer, false)
      } else if (onPeerLoss === 'degrade' && peer.silentMs >= peerTimeoutMs) {
        if (!this.#degraded.has(peer.peer)) this.#leaving.add(peer.peer)
      }
    }
  }

  async #settleOne(
    peer: PeerProgress,
    positions: readonly LogPosition[],
    until: AbortSignal,
    signal: AbortSignal,
  ): Promise<Settled> {
    if (this.#degraded.has(peer.peer)) return peer.has(positions) ? 'peers' : 'degraded'
    if (await peer.wait(positions, until)) return 'peers'
    const { onPeerLoss, peerTimeoutMs, onDegraded } = this.#options
    if (onPeerLoss === 'block' || peer.silentMs < peerTimeoutMs) return 'unknown'
    if (!this.#degraded.has(peer.peer)) {
      this.#leaving.add(peer.peer)
      if (!(await this.#unnamed(peer.peer, signal))) return peer.has(positions) ? 'peers' : 'unknown'
      this.#leaving.delete(peer.peer)
      const isNew = !this.#degraded.has(peer.peer)
      this.#degraded.add(peer.peer)
      if (isNew) onDegraded(peer.peer, true)
    }
    return 'degraded'
  }

  /** Waits as long as for the peer itself until no lease names it. */
  async #unnamed(peer: string, signal: AbortSignal): Promise<boolean> {
    const { isNamed = () => false, peerTimeoutMs } = this.#options
    for (let waited = 0; isNamed(peer); waited += namedEveryMs) {
      if (waited >= peerTimeoutMs || signal.aborted) return false
      await sleep(namedEveryMs)
    }
    return true
  }
}
