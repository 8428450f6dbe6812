import type { OrderAnswer, Placement, SiteOrder, SitePosition, Versioned, WriteLease } from '@budao/model'
import { leaseKey, renewedLease } from '@budao/model'
import { sightLease, surelyEndedAt, type LeaseSighting } from '@budao/resilience'
import { DataMark } from './data-mark.ts'
import { InSyncSites } from './in-sync-sites.ts'
import {
  holderName,
  nodeOf,
  renewMs,
  storeTimeoutMs,
  type KeeperOptions,
  type KeptUnit,
} from './keeper-options.ts'
import type { DataQuestion } from './site-data.ts'

/**
 * One unit as a node of one site keeps it: claims what was granted to the site, renews what it holds, and stops where it is
 * told to. The store is asked, never remembered: what it says is newer than anything known here.
 */
export class UnitKeeper {
  readonly #unit: KeptUnit
  readonly #options: KeeperOptions
  readonly #me: string
  readonly #mark: DataMark
  readonly #inSync = new InSyncSites()
  #lease: Versioned<WriteLease> | null = null
  #sighting: LeaseSighting | null = null
  #placement: Placement
  /** Nothing of this epoch or below is taken or renewed any more. */
  #stoppedEpoch = 0
  /** The last epoch that this site has held, as far as was seen. */
  #ownedEpoch = 0
  /** Why the data here must not be written in the epoch that was granted last; null: it may. */
  #refused: string | null = null
  /** A change of the lease is on its way to the store. */
  #storing = false
  /** It ends, and takes nothing any more. */
  #leaving = false
  /** Holders that have surely exited. */
  readonly #gone: Set<string> = new Set()

  constructor(unit: KeptUnit, options: KeeperOptions) {
    this.#unit = unit
    this.#options = options
    this.#me = holderName(options.node, options.start)
    this.#mark = new DataMark(options.data(unit.service), () => options.now())
    const { unit: name, service, sites } = unit
    this.#placement = { unit: name, service, epoch: 0, owner: null, readers: sites }
  }

  /** How often `turn` is due. */
  get everyMs(): number {
    return Math.max(20, Math.min(renewMs, this.#unit.ttlMs / 5))
  }

  /** Whether writes are accepted here at this moment. */
  get holds(): boolean {
    const held = this.#options.lease(this.#unit.unit)
    return held.epoch > 0 && held.mayWrite(held.epoch, this.#options.now()) === 'accept'
  }

  get isHeldElsewhere(): boolean {
    const { state, holder = '' } = this.#lease?.value ?? {}
    return state === 'held' && holder !== '' && holder !== this.#me
  }

  get owner(): string | null {
    return this.#lease?.value.site ?? null
  }

  /**
   * Takes no new writes, lets those under way finish, and takes its name off the lease: whoever comes next need not wait for its end.
   * Nothing is taken here any more, of no later epoch either. False where the store does not say that it is so.
   */
  async release(): Promise<boolean> {
    this.#leaving = true
    const { unit } = this.#unit
    const held = this.#options.lease(unit)
    const { epoch } = held
    this.#stoppedEpoch = Math.max(this.#stoppedEpoch, epoch)
    await this.#options.settle(unit, epoch)
    held.stop(epoch)
    for (let attempts = 3; attempts > 0; attempts--) {
      if (!(await this.#read()) || this.#lease === null) return false
      const { value, version } = this.#lease
      if (value.holder !== this.#me) return true
      const next = { ...value, holder: '', renewal: value.renewal + 1 }
      const result = await this.#asked(this.#options.store.compareAndSet(leaseKey(unit), version, next))
      if (result !== null && result.current !== null) this.see(result.current as Versioned<WriteLease>)
      if (result?.ok === true) return true
    }
    return false
  }

  position(): SitePosition {
    const { service } = this.#unit
    const { position, epoch, divergence, capacityPercent } = this.#mark.last
    const holds = this.holds
    return {
      service,
      site: this.#options.site,
      position,
      epoch: holds ? this.#options.lease(this.#unit.unit).epoch : epoch,
      lagMs: holds ? 0 : this.#mark.lagMs,
      divergence,
      capacityPercent,
    }
  }

  /** Keeps the lease where it is this site’s, and looks whose it is otherwise. */
  async turn(): Promise<void> {
    void this.#askData()
    if (this.#lease === null || this.#next(this.#lease.value) === null) await this.#read()
    await this.#hold()
  }

  /** What the store has. */
  see(record: Versioned<WriteLease>): void {
    if (this.#lease !== null && record.version <= this.#lease.version) return
    const { value } = record
    const before = this.#lease?.value ?? null
    this.#lease = record
    this.#sighting = sightLease(this.#sighting, value, this.#options.now())
    if (value.site === this.#options.site && value.renewal > 0)
      this.#ownedEpoch = Math.max(this.#ownedEpoch, value.epoch)
    this.#inSync.seen(value, this.#options.now())
    if (value.epoch < this.#placement.epoch) return
    if (before?.epoch === value.epoch && before.holder === value.holder) return
    const readers = [value.site, ...this.#placement.readers.filter((site) => site !== value.site)]
    this.#place({ ...this.#placement, epoch: value.epoch, owner: value.site, readers })
  }

  /** Something new was seen: takes what was granted to this site at once. */
  async takeUp(): Promise<void> {
    const { value } = this.#lease ?? {}
    const free = value?.state === 'granted' || (value?.state === 'held' && value.holder === '')
    if (value?.site === this.#options.site && free) await this.#hold()
  }

  /** From a controller: where writes and reads go. */
  place(placement: Placement): void {
    const { epoch, owner } = this.#placement
    if (placement.epoch < epoch) return
    // What nobody may write at this moment is seen at the old owner’s lease.
    const kept = placement.epoch === epoch && placement.owner === null ? owner : placement.owner
    this.#place({ ...placement, owner: kept })
  }

  /** A supervisor’s word that this process has exited: what it held may be taken over here without waiting for its end. */
  gone(holder: string): void {
    this.#gone.add(holder)
  }

  async order(order: SiteOrder): Promise<OrderAnswer> {
    const { stepId, epoch } = order
    const refuse = (why: string): OrderAnswer => ({ stepId, ok: false, why })
    const highest = Math.max(this.#placement.epoch, this.#lease?.value.epoch ?? 0)
    if (epoch < highest) return refuse(`epoch ${epoch} is over: ${highest} is the newest known here`)
    switch (order.order) {
      case 'fence':
      case 'drain':
        return this.#stop(order)
      case 'claim':
        return this.#claim(order)
      case 'restore':
        return this.#ended(order, await this.#mark.data.restore(this.#question()))
      case 'catch-up':
        return this.#ended(order, await this.#mark.data.catchUp(this.#question()))
      case 'shadow':
        return this.#ended(order, await this.#mark.data.shadow(this.#question()))
      case 'start':
      case 'stop':
        return refuse('a gateway starts no processes')
    }
  }

  async #stop({ stepId, epoch, order }: SiteOrder): Promise<OrderAnswer> {
    const { unit } = this.#unit
    // Before anything else: not even a renewal that is under way opens it again.
    const was = this.#stoppedEpoch
    this.#stoppedEpoch = Math.max(was, epoch)
    if (order === 'drain') await this.#options.settle(unit, epoch)
    this.#options.lease(unit).stop(epoch)
    if (was < epoch && this.#ownedEpoch >= epoch) this.#options.held?.(unit, epoch, 'stopped', null)
    // The gateway has stopped; the resource is told as well, for what comes past it. Nobody waits longer than for the store.
    const { data } = this.#mark
    if (data.fence !== undefined) await this.#asked(data.fence({ ...this.#question(), epoch }))
    const refuse = (why: string): OrderAnswer => ({ stepId, ok: false, why })
    if (!(await this.#read()) || this.#lease === null) return refuse('the coordination store cannot be asked')
    const { value } = this.#lease
    if (value.epoch !== epoch) return refuse(`the store has epoch ${value.epoch} by now`)
    if (value.state !== 'fenced') return refuse('the epoch is not fenced in the store: it could be renewed')
    const { holder } = value
    // A process of this node that was started before this one is gone: this one has its address.
    const stopped = holder === '' || nodeOf(holder) === this.#options.node || this.#gone.has(holder)
    if (!stopped) return refuse(`${holder} holds it, and only it can say that it has stopped`)
    // Of a planned move the new site waits for this position: it has to count every write. A fence waits for nobody’s data.
    const told = await this.#asked(this.#mark.askAnew(this.#question()))
    if (order === 'drain' && told !== true) return refuse('the data does not say how far it is')
    return { stepId, ok: true, why: '', position: this.#mark.last.position }
  }

  async #claim({ stepId, epoch }: SiteOrder): Promise<OrderAnswer> {
    const refuse = (why: string): OrderAnswer => ({ stepId, ok: false, why })
    if (!this.#options.usable(this.#unit.unit)) return refuse('no backend of this site can take writes')
    if (!(await this.#read())) return refuse('the coordination store cannot be asked')
    await this.#hold()
    const { value } = this.#lease ?? {}
    if (value?.epoch !== epoch || value.site !== this.#options.site) return refuse('it is not granted here')
    return value.state === 'held'
      ? { stepId, ok: true, why: '' }
      : refuse(
          this.#refused === null ? `it is ${value.state}` : `the data must not be written: ${this.#refused}`,
        )
  }

  async #ended({ stepId }: SiteOrder, why: string | null): Promise<OrderAnswer> {
    if (why !== null) return { stepId, ok: false, why }
    await this.#askData()
    return { stepId, ok: true, why: '', position: this.#mark.last.position }
  }

  /** Stores the claim or the next renewal, if this process is to. */
  async #hold(again = true): Promise<void> {
    if (this.#lease === null || this.#storing) return
    const { value, version } = this.#lease
    const next = this.#next(value)
    if (next === null) return
    const { store, now } = this.#options
    this.#storing = true
    const { data } = this.#mark
    if (value.state === 'granted' && data.claim !== undefined && !(await this.#mayTake(value.epoch))) {
      this.#storing = false
      return
    }
    const sentAt = now()
    const result = await this.#asked(store.compareAndSet(leaseKey(value.unit), version, next))
    this.#storing = false
    if (result === null) return void (await this.#read())
    if (result.current !== null) this.see(result.current as Versioned<WriteLease>)
    if (result.ok) this.#renewed(value, next, sentAt)
    else if (again) await this.#hold(false)
  }

  /** Whether the data here may be written in the epoch that was granted; what was written elsewhere before has ended here then. */
  async #mayTake(epoch: number): Promise<boolean> {
    this.#refused = (await this.#mark.data.claim?.({ ...this.#question(), epoch })) ?? null
    return this.#refused === null
  }

  /** What is to be stored; null where nothing is. */
  #next(value: WriteLease): WriteLease | null {
    if (this.#leaving || value.epoch <= this.#stoppedEpoch || !this.#isMine(value)) return null
    const granted = value.state === 'granted'
    if (granted && !this.#options.usable(value.unit)) return null
    const lossMs = granted ? this.#mark.lossMs(value, this.#options.site, this.#ownedEpoch) : null
    const next = renewedLease(value, this.#options.site, this.#me, lossMs)
    if (next === null || granted) return next
    const waitedFor = this.#mark.data.shared ? this.#unit.sites : this.#mark.last.inSync
    return { ...next, inSync: this.#inSync.next(value, waitedFor, this.#options.site, this.#options.now()) }
  }

  /** Another process of this site that holds it keeps it until its time is surely over, or it has surely exited. */
  #isMine({ holder, ttlMs, guardMs }: WriteLease): boolean {
    if (holder === '' || nodeOf(holder) === this.#options.node || this.#gone.has(holder)) return true
    const sighting = this.#sighting
    return sighting !== null && this.#options.now() >= surelyEndedAt(sighting, { ttlMs, guardMs })
  }

  #renewed(before: WriteLease, { epoch, ttlMs, guardMs, lossMs }: WriteLease, sentAt: number): void {
    const { unit } = this.#unit
    if (epoch <= this.#stoppedEpoch) return
    this.#options.lease(unit).renewed(epoch, sentAt, { ttlMs, guardMs })
    if (before.holder !== this.#me) this.#options.held?.(unit, epoch, 'claimed', lossMs)
  }

  /** False when the store could not be asked. */
  async #read(): Promise<boolean> {
    const answer = await this.#asked(
      this.#options.store.get(leaseKey(this.#unit.unit)).then((record) => ({ record })),
    )
    if (answer === null) return false
    if (answer.record !== null) this.see(answer.record as Versioned<WriteLease>)
    return true
  }

  /** Null when nobody knows what became of it. */
  async #asked<T>(question: Promise<T>): Promise<T | null> {
    const { promise: late, resolve } = Promise.withResolvers<null>()
    const cancel = this.#options.schedule!(() => resolve(null), storeTimeoutMs)
    try {
      return await Promise.race([question, late])
    } catch {
      return null
    } finally {
      cancel()
    }
  }

  #askData(): Promise<boolean> {
    return this.#mark.ask(this.#question())
  }

  #question(): DataQuestion {
    const { unit, service } = this.#unit
    const { epoch, owner } = this.#placement
    const inSync = this.#lease?.value.inSync ?? []
    return { unit, service, site: this.#options.site, epoch, owner, inSync }
  }

  #place(placement: Placement): void {
    this.#placement = placement
    const { epoch, holder = '' } = this.#lease?.value ?? {}
    this.#options.placed(placement, epoch === placement.epoch && holder !== '' ? nodeOf(holder) : null)
  }
}
