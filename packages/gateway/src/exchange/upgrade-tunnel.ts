import type { DataPlane } from '../threads/data-plane.ts'
import type { Runtime } from '../threads/runtime.ts'
import type { Endpoint } from '../service/service.ts'
import type { Timed } from '../threads/timer-wheel.ts'

/** Silence allowed once one direction is closed: who has closed it may be gone altogether. As HAProxy's manual advises for `timeout client-fin`. */
const HALF_CLOSED_MS = 30_000

/** One end of a tunnel: a connection whose bytes are passed on as they come. */
export interface TunnelEnd {
  /** Sends a copy of the bytes. False: no more until the tunnel is told that they have left. */
  tunnelBytes(bytes: Uint8Array, start: number, end: number): boolean
  /** Reads no more for now. */
  pause(): void
  resume(): void
  /** Sends no more: the other end has said all it had to say. */
  finish(): void
  destroy(): void
}

/** What a tunnel is for: the names by which it survives a reload, and its patience. */
export interface TunnelPurpose {
  readonly route: string
  readonly service: string
  readonly endpoint: Endpoint
  /** Milliseconds without a byte in either direction. */
  readonly idleMs: number
}

/** Who opened a tunnel and is told of its end, once. */
export interface TunnelOwner {
  onTunnelEnd(reason: string): void
}

/**
 * Two connections joined for raw bytes after an upgrade, each slowed down to what the other takes, each direction
 * closed by itself. Counts at its endpoint until it ends.
 */
export class UpgradeTunnel implements Timed {
  deadlineAt: number = Infinity
  wheelTick: number = -1
  /** Bytes from the client, and to it. */
  bytesIn = 0
  bytesOut = 0
  readonly #plane: DataPlane
  readonly #owner: TunnelOwner
  readonly #purpose: TunnelPurpose
  readonly #client: TunnelEnd
  readonly #upstream: TunnelEnd
  #endpoint: Endpoint | null
  #idleMs: number
  /** When it must end whatever happens in it. */
  #expiresAt = Infinity
  #clientEnded = false
  #upstreamEnded = false
  #clientGone = false
  #upstreamGone = false
  #ended = false

  constructor(
    plane: DataPlane,
    owner: TunnelOwner,
    purpose: TunnelPurpose,
    client: TunnelEnd,
    upstream: TunnelEnd,
  ) {
    this.#plane = plane
    this.#owner = owner
    this.#purpose = purpose
    this.#endpoint = purpose.endpoint
    this.#idleMs = purpose.idleMs
    this.#client = client
    this.#upstream = upstream
    plane.onTunnel(this, true)
    this.#touch()
    plane.wheel.schedule(this)
  }

  /** False when the client should be read no further for now; `resume` of its end follows. */
  fromClient(bytes: Uint8Array, start: number, end: number): boolean {
    this.bytesIn += end - start
    this.#plane.metrics.tunnelBytes(end - start, 0)
    this.#touch()
    return this.#upstream.tunnelBytes(bytes, start, end)
  }

  fromUpstream(bytes: Uint8Array, start: number, end: number): boolean {
    this.bytesOut += end - start
    this.#plane.metrics.tunnelBytes(0, end - start)
    this.#touch()
    return this.#client.tunnelBytes(bytes, start, end)
  }

  onClientDrain(): void {
    this.#touch()
    this.#upstream.resume()
  }

  onUpstreamDrain(): void {
    this.#touch()
    this.#client.resume()
  }

  /** The client sends no more; it may still read. */
  onClientEnd(): void {
    this.#clientEnded = true
    this.#halfClosed()
    this.#upstream.finish()
  }

  onUpstreamEnd(): void {
    this.#upstreamEnded = true
    this.#halfClosed()
    this.#client.finish()
  }

  /** The client's connection is gone: both directions said goodbye, or it broke. */
  onClientClosed(): void {
    this.#clientGone = true
    if (!this.#clientEnded || !this.#upstreamEnded) this.#end('client_closed')
    else if (this.#upstreamGone) this.#end('')
  }

  onUpstreamClosed(): void {
    this.#upstreamGone = true
    if (!this.#clientEnded || !this.#upstreamEnded) this.#end('upstream_reset')
    else if (this.#clientGone) this.#end('')
  }

  /** Another snapshot is in force: a tunnel whose route or endpoint is in it no more ends within `graceMs`. */
  onReload(runtime: Runtime, graceMs: number): void {
    const { route, service, endpoint } = this.#purpose
    const next = runtime.services.get(service)?.endpoints.find(({ address }) => address === endpoint.address)
    // The count moves along: the memory of the snapshot before is used for something else some day.
    this.#endpoint?.load.leave()
    this.#endpoint = next ?? null
    next?.load.enter()
    if (next === undefined || !runtime.routes.some(({ name }) => name === route)) this.expire(graceMs)
  }

  /** Ends within that time. */
  expire(graceMs: number): void {
    this.#expiresAt = Math.min(this.#expiresAt, this.#plane.clock.now() + graceMs)
    this.#touch()
    this.#plane.wheel.schedule(this)
  }

  onDeadline(now: number): void {
    this.#end(now >= this.#expiresAt ? 'tunnel_expired' : 'tunnel_idle')
  }

  #halfClosed(): void {
    this.#idleMs = Math.min(this.#idleMs, HALF_CLOSED_MS)
    this.#touch()
    this.#plane.wheel.schedule(this)
  }

  #touch(): void {
    this.deadlineAt = Math.min(this.#expiresAt, this.#plane.clock.now() + this.#idleMs)
  }

  #end(reason: string): void {
    if (this.#ended) return
    this.#ended = true
    this.#plane.wheel.cancel(this)
    this.#plane.onTunnel(this, false)
    this.#endpoint?.load.leave()
    this.#client.destroy()
    this.#upstream.destroy()
    this.#owner.onTunnelEnd(reason)
  }
}
