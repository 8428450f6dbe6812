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
}

/** peers: durable in the database of every peer. degraded: in this site's only, announced. unknown: nobody knows yet. */
export type Settled = 'peers' | 'degraded' | 'unknown'

/** The durability level `sync`: a write is acknowledged once the peers have it in their databases. */
export class Durability {
  readonly #options: DurabilityOptions
  readonly #degraded: Set<string> = new Set()

  constructor(options: DurabilityOptions) {
    this.#options = options
  }

  /** Peers that are not waited for. */
  get degraded(): ReadonlySet<string> {
    return this.#degraded
  }

  /** Waits until the peers have these entries, as far as they are waited for. */
  async settle(positions: readonly LogPosition[], signal: AbortSignal): Promise<Settled> {
    const { peers, peerTimeoutMs } = this.#options
    const until = AbortSignal.any([signal, AbortSignal.timeout(peerTimeoutMs)])
    const each = await Promise.all(peers.map((peer) => this.#settleOne(peer, positions, until)))
    if (each.includes('unknown')) return 'unknown'
    return each.includes('degraded') ? 'degraded' : 'peers'
  }

  /** A peer that was lost is waited for again once it has everything. Called every moment. */
  look(): void {
    for (const peer of this.#options.peers) {
      if (!peer.isBehind && this.#degraded.delete(peer.peer)) this.#options.onDegraded(peer.peer, false)
    }
  }

  async #settleOne(
    peer: PeerProgress,
    positions: readonly LogPosition[],
    until: AbortSignal,
  ): Promise<Settled> {
    if (this.#degraded.has(peer.peer)) return peer.has(positions) ? 'peers' : 'degraded'
    if (await peer.wait(positions, until)) return 'peers'
    if (this.#options.onPeerLoss === 'block' || peer.silentMs < this.#options.peerTimeoutMs) return 'unknown'
    if (!this.#degraded.has(peer.peer)) {
      this.#degraded.add(peer.peer)
      this.#options.onDegraded(peer.peer, true)
    }
    return 'degraded'
  }
}
