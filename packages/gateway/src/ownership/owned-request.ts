import type { Claims, RequestView } from '../filters/filter.ts'
import type { DataPlane } from '../threads/data-plane.ts'
import { isWrite } from '../exchange/write-method.ts'
import type { RequestHead } from '../http/request-head.ts'
import type { ResponseHead } from '../http/response-head.ts'
import type { Service } from '../service/service.ts'
import type { ServiceSet } from '../service/service-set.ts'
import { OwnerWait, type OwnerSeeker } from './owner-wait.ts'
import { peerRefusal } from './peer-refusal.ts'
import type { OwnedUnit, ServiceOwnership } from './service-ownership.ts'
import type { WriteWord } from './write-counts.ts'

/**
 * may   a write that belongs to another gateway is passed on to it
 * must  it is to be: what is done here beside asking an endpoint was left to that gateway
 * not   it is done here or not at all
 */
export type Leaving = 'may' | 'must' | 'not'

/** Why a write is not done, or not acknowledged. */
export type WriteRefusal = 'write_owner_unknown' | 'write_misdirected' | 'write_unacknowledged'

const wordOf: Readonly<Record<WriteRefusal, WriteWord>> = {
  write_owner_unknown: 'owner_unknown',
  write_misdirected: 'misdirected',
  write_unacknowledged: 'unacknowledged',
}

/** What of a request decides where its write is done. */
export interface WriteCaller extends RequestView {
  readonly leaving: Leaving
  readonly claims?: Claims | null
  /** Another gateway has passed it on to here. */
  readonly rectified: boolean
  /** The epoch by which that one did so; 0 where it said none. */
  readonly epochHint: number
}

/**
 * What one request at a service with `failover` has to do with who owns its unit. Asked before an endpoint is chosen, once
 * more when the request is about to be sent, and before its answer is passed on. Refilled for each request.
 */
export class OwnedRequest {
  /** Header lines for whoever is asked. */
  lines = ''
  /** The service that stands for the gateway that holds the lease; null when endpoints are asked. */
  peer: Service | null = null
  /** Whose write it is, whoever is asked. */
  wanted: Service | null = null
  readonly #plane: DataPlane
  #ownership: ServiceOwnership | null = null
  #unit: OwnedUnit | null = null
  /** Of a write that is done here by lease; 0 for everything else. */
  #epoch = 0
  /** By which another gateway was asked. */
  #peerEpoch = 0
  /** Counted as under way. */
  #entered = false
  #reads = false
  /** It has been asked for a second time where it belongs. */
  #again = false
  readonly #wait: OwnerWait

  constructor(plane: DataPlane) {
    this.#plane = plane
    this.#wait = new OwnerWait(plane, (now) => this.#isNews(now))
  }

  /** Another request of the same client. */
  renew(): void {
    this.#again = false
    this.#wait.renew()
  }

  /** A request comes to a service. Returns whom to ask, that or what stands for another gateway, or why nobody is asked. */
  begin(service: Service, caller: WriteCaller): Service | WriteRefusal {
    const ownership = service.ownership!
    const unit = ownership.unitOf(caller)
    this.wanted = service
    this.#ownership = ownership
    this.#unit = unit
    this.#epoch = 0
    this.lines = ''
    this.peer = null
    this.#reads = !isWrite(caller.method) || !ownership.leased
    if (this.#reads) return service
    const { memory } = unit
    const { epoch } = memory.lease
    if (caller.leaving !== 'must' && memory.mayBegin(epoch, this.#plane.clock.actual())) {
      // Whoever passes it on by a newer epoch knows that this one is over.
      if (caller.rectified && caller.epochHint > epoch) return 'write_misdirected'
      this.#epoch = epoch
      this.lines = unit.stamp(epoch)
      return service
    }
    this.#peerEpoch = memory.epoch
    if (caller.rectified) return 'write_misdirected'
    if (caller.leaving === 'not') return 'write_owner_unknown'
    const address = this.#plane.peers.addressOf(unit.name, ownership.siteOf(memory.owner))
    if (address === null) return 'write_owner_unknown'
    this.peer = this.#plane.peers.serviceFor(service, address)
    this.lines = this.#plane.peers.lines(this.#peerEpoch, service.name)
    ownership.counts.count('rectified')
    return this.peer
  }

  /** Among whom the next attempt chooses. */
  setOf(service: Service, now: number): ServiceSet {
    if (this.peer !== null) return service.set
    if (!this.#reads) return this.#ownership!.here
    return this.#ownership!.readers(this.#unit!, service.set, now)
  }

  /** The request is about to be sent, perhaps long after it came. */
  maySend(): boolean {
    if (this.#epoch === 0) return true
    const { memory } = this.#unit!
    const now = this.#plane.clock.actual()
    if (this.#entered) return memory.mayGoOn(this.#epoch, now)
    memory.enter(this.#ownership!.worker)
    this.#entered = true
    if (memory.mayBegin(this.#epoch, now)) return true
    this.leave()
    return false
  }

  /** Whether the answer may be given to the client. */
  mayAcknowledge(): boolean {
    return this.#epoch === 0 || this.#unit!.memory.mayGoOn(this.#epoch, this.#plane.clock.actual())
  }

  /** Header lines for a client that asks in which epoch its write was done, as drills do; empty for everything else. */
  echo(request: Pick<RequestView, 'header'>): string {
    if (this.#epoch === 0 || request.header('x-budao-echo') !== 'epoch') return ''
    return this.#unit!.stamp(this.#epoch)
  }

  /** It is over, however. */
  leave(): void {
    if (!this.#entered) return
    this.#entered = false
    this.#unit!.memory.leave(this.#ownership!.worker)
  }

  /** Whether a write that could not be done waits for an owner, and `seeker` is told; it is counted as refused otherwise. */
  waits(code: WriteRefusal, seeker: OwnerSeeker, replayable: boolean, now: number): boolean {
    const { waitMs, counts } = this.#ownership!
    // Asked while it waits: the request’s own time is over.
    if (this.#wait.waiting) this.#wait.giveUp()
    if (code === 'write_owner_unknown' && replayable && this.#wait.begin(seeker, waitMs, now)) return true
    counts.count(wordOf[code])
    return false
  }

  get waiting(): boolean {
    return this.#wait.waiting
  }

  stopWaiting(): void {
    this.#wait.end()
  }

  /** Once for each request. */
  mayBeginAgain(): boolean {
    if (this.#again) return false
    this.#again = true
    return true
  }

  /**
   * Whether the other gateway says that it does not hold the lease, and then whether anybody knows a newer epoch than it was
   * asked by.
   */
  refusalOf(head: ResponseHead): 'none' | 'newer' | 'same' {
    const refusal = peerRefusal(head)
    if (refusal === null) return 'none'
    const { memory } = this.#unit!
    const { epoch, owner } = refusal
    if (epoch > 0) memory.learn(epoch, owner === undefined ? -1 : this.#ownership!.rowOf(owner))
    return memory.epoch > this.#peerEpoch ? 'newer' : 'same'
  }

  /** What is known here, told to whoever asked in vain. */
  get headers(): readonly (readonly [name: string, value: string])[] {
    const unit = this.#unit
    if (unit === null) return []
    const { epoch, owner } = unit.memory
    const site = this.#ownership!.siteOf(owner)
    const known = ['X-Budao-Epoch', String(epoch)] as const
    return site === undefined ? [known] : [known, ['X-Budao-Owner', site]]
  }

  /** Whether anything speaks for trying once more. */
  #isNews(now: number): boolean {
    const { memory } = this.#unit!
    return memory.epoch > this.#peerEpoch || memory.mayBegin(memory.lease.epoch, now)
  }
}

/** Among whom the next attempt of a request chooses. */
export function setOf(owned: OwnedRequest | null, service: Service, now: number): ServiceSet {
  return owned === null ? service.set : owned.setOf(service, now)
}

/** Whether a write will be passed on to another gateway, as things are now. */
export function leaves(service: Service | null, caller: WriteCaller, plane: DataPlane): boolean {
  const ownership = service?.ownership ?? null
  if (ownership === null || !ownership.leased || caller.rectified) return false
  const { name, memory } = ownership.unitOf(caller)
  if (memory.mayBegin(memory.lease.epoch, plane.clock.actual())) return false
  return plane.peers.addressOf(name, ownership.siteOf(memory.owner)) !== null
}

/** The service for which another gateway has passed a write on; empty where it does not say. */
export function rectifiedFor({ rectifiedAt, fields }: RequestHead): string {
  return rectifiedAt === -1 ? '' : (/;service=(.+)$/.exec(fields.value(rectifiedAt))?.[1] ?? '')
}
