import { Service, type ServiceContext } from '../service/service.ts'
import { LocalCells, type Random } from '@budao/resilience'
import type { ServiceConfig } from '@budao/model'
import { serviceCells } from '../service/service-memory.ts'
import type { TimerWheel } from '../threads/timer-wheel.ts'
import type { TurnClock } from '../threads/turn-clock.ts'
import { UpstreamPool } from '../upstream/upstream-pool.ts'

/** Where the gateways are that hold leases: `host:port` of a plain listener each. Plain JSON, sent to the threads. */
export interface PeerAddresses {
  /** Of the node that holds it, by unit, with its site. */
  readonly units: Readonly<Record<string, { readonly site: string; readonly address: string }>>
  /** Of some gateway, by site. */
  readonly sites: Readonly<Record<string, string>>
}

/** What of a thread its connections to other gateways go over. */
interface PeersPlane {
  readonly clock: TurnClock
  readonly wheel: TimerWheel
  readonly buffer: Buffer
  readonly random: Random
}

interface Peer {
  readonly of: ServiceConfig
  readonly service: Service
  readonly pool: UpstreamPool
}

/** Shorter than any gateway keeps an idle connection: a write must not meet one that is just being closed. */
const idleMs = 10_000
/** Services times gateways that hold leases. */
const peersMax = 1_024

/**
 * The other gateways as one thread sees them: each stands for the service whose writes it takes, as a service with one
 * endpoint. Nothing is retried there, ejected or hedged: what it answers is the answer.
 */
export class Peers {
  node = ''
  /** Writes of this thread that wait for somebody to accept them. */
  waiting = 0
  readonly #plane: PeersPlane
  #addresses: PeerAddresses = { units: {}, sites: {} }
  readonly #peers: Map<string, Peer> = new Map()

  constructor(plane: PeersPlane) {
    this.#plane = plane
  }

  set(addresses: PeerAddresses): void {
    this.#addresses = addresses
    const used = new Set(Object.values(addresses.sites))
    for (const { address } of Object.values(addresses.units)) used.add(address)
    for (const [key, { pool, service }] of this.#peers) {
      if (used.has(service.endpoints[0]!.address)) continue
      pool.close()
      this.#peers.delete(key)
    }
  }

  /** Where writes of that unit go while it is at that site; null where nobody is known there. */
  addressOf(unit: string, site: string | undefined): string | null {
    if (site === undefined) return null
    const holder = this.#addresses.units[unit]
    return holder?.site === site ? holder.address : (this.#addresses.sites[site] ?? null)
  }

  /** What the other gateway is told: by which epoch it is asked, and that it is the last one. */
  lines(epoch: number, service: string): string {
    return `X-Budao-Epoch: ${epoch}\r\nX-Budao-Rectified: ${this.node};service=${service}\r\n`
  }

  serviceFor(service: Service, address: string): Service {
    const key = `${service.name} ${address}`
    const known = this.#peers.get(key)
    if (known?.of === service.config) return known.service
    known?.pool.close()
    if (known === undefined && this.#peers.size >= peersMax) this.close()
    const peer = this.#make(service, address)
    this.#peers.set(key, peer)
    return peer.service
  }

  close(): void {
    for (const { pool } of this.#peers.values()) pool.close()
    this.#peers.clear()
  }

  #make({ name, config }: Service, address: string): Peer {
    const { clock, wheel, buffer, random } = this.#plane
    const service = new Service(name, peerConfig(config, address), peerContext(name, config, address, random))
    const pool = new UpstreamPool(clock, wheel, buffer, new LocalCells(1), address, {
      worker: 0,
      tls: null,
      onTlsFailed: () => {},
      connectionsMax: config.limits.connections,
      connectMs: config.timeouts.connect,
      idleMs,
      pendingMax: config.limits.pending,
    })
    service.endpoints[0]!.pool = pool
    return { of: config, service, pool }
  }
}

function peerConfig(config: ServiceConfig, address: string): ServiceConfig {
  const { hashOn, timeouts, priority, limits, retry } = config
  return {
    mode: 'active-active',
    balance: 'round-robin',
    endpoints: [{ address, site: '', weight: 1, release: 'stable', rank: 0 }],
    registration: false,
    hashOn,
    outlier: false,
    breaker: false,
    // What is left of the time is told: it is the other gateway’s.
    timeouts: { ...timeouts, announce: true },
    retry: { ...without(retry, 'hedge'), attempts: 0 },
    priority,
    limits: without(without(limits, 'queue'), 'adaptive'),
  }
}

function without<T extends object, K extends keyof T>(object: T, key: K): Omit<T, K> {
  const { [key]: _, ...rest } = object
  return rest
}

/** Memory of this thread’s own: nothing about the other gateway has to hold over all. */
function peerContext(name: string, config: ServiceConfig, address: string, random: Random): ServiceContext {
  const lengths = serviceCells(name, peerConfig(config, address), null, 1, false)
  return {
    random,
    worker: 0,
    workers: 1,
    localSite: '',
    sites: [],
    prioritized: false,
    cells: (cell) => new LocalCells(lengths.get(cell)!),
    floats: (cell) => new Float64Array(lengths.get(cell)! / 2),
    carrying: () => undefined,
    controlled: false,
    siteRow: () => -1,
    report: () => {},
    ring: () => {},
  }
}
