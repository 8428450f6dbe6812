import type { Placement, SitePosition, Versioned, WriteLease } from '@budao/model'
import { leaseKey, renewedLease } from '@budao/model'
import type { OrderAnswer, SiteOrder } from '@budao/model'
import { HeldLease, LocalCells } from '@budao/resilience'
import { unit, type KeeperWorld, type Write, type WriteAnswer } from './keeper-world.ts'
import type { Site } from './schedule.ts'
import { sites } from './schedule.ts'
import type { SimBackend } from './sim-backend.ts'
import type { SimLog } from './sim-log.ts'
import type { SimObserver } from './sim-observer.ts'
import type { SimProcess } from './sim-process.ts'
import { UnacknowledgedWrites } from './unacknowledged.ts'

const renewMs = 500
const storeTimeoutMs = 600
const pullMs = 100
const stuckMs = 3000

/** A site’s gateway: it holds the lease, lets writes in by it, and brings the site’s data along. */
export class SimKeeper {
  readonly site: Site
  readonly process: SimProcess
  readonly backend: SimBackend
  readonly log: SimLog
  readonly #world: KeeperWorld
  observer: SimObserver | null = null
  #held = new HeldLease(new LocalCells(HeldLease.cellsFor()))
  #lease: Versioned<WriteLease> | null = null
  #asking = false
  /** Where writes go, as far as it knows. */
  #epoch = 0
  #owner: Site | null = null
  #stoppedEpoch = 0
  /** When it first asked for an epoch that was granted to it. */
  #claim: { readonly epoch: number; readonly at: number } | null = null
  /** Everything acknowledged in `#markEpoch` before this moment of its clock is in its log. */
  #markAt: number | null = null
  #markEpoch = 0
  /** Sites that are waited for beyond those the lease names, until they are in sync and the lease says so. */
  #joining = false
  #reached = 0
  readonly #waiting = new UnacknowledgedWrites()

  constructor(site: Site, process: SimProcess, backend: SimBackend, log: SimLog, world: KeeperWorld) {
    this.site = site
    this.process = process
    this.backend = backend
    this.log = log
    this.#world = world
  }

  get knownEpoch(): number {
    return this.#epoch
  }

  /** The process begins, with nothing in memory. */
  start(): void {
    this.#held = new HeldLease(new LocalCells(HeldLease.cellsFor()))
    this.#lease = null
    this.#asking = false
    this.#owner = null
    this.#epoch = 0
    this.#stoppedEpoch = 0
    this.#claim = null
    this.#markAt = null
    this.#joining = false
    this.#reached = 0
    this.#waiting.clear()
    this.#renew()
    if (this.#other !== undefined) this.#pull()
  }

  get #other(): SimKeeper | undefined {
    return this.#world.keepers.find((each) => each.site !== this.site)
  }

  position(): SitePosition {
    const now = this.process.now()
    const lagMs = this.isOwner() ? 0 : this.#markAt === null ? null : now - this.#markAt
    return {
      service: 'shop',
      site: this.site,
      position: this.log.length,
      epoch: this.isOwner() ? this.#held.epoch : this.#markAt === null ? 0 : this.#markEpoch,
      lagMs,
      divergence: 0,
      capacityPercent: 100,
    }
  }

  /** A write that a client gave to this site; it goes to the owner, wherever that is. */
  write(id: number, answer: (ok: boolean) => void, again = true): void {
    const owner = this.#world.keepers.find(({ site }) => site === this.#owner)
    if (owner === undefined) return answer(false)
    const write = { id, epoch: this.#epoch }
    const settle = (result: WriteAnswer): void => {
      if (result.ok) return answer(true)
      this.#learnOwner(result.epoch, result.site)
      if (again && this.#owner !== null && this.#epoch > write.epoch) this.write(id, answer, false)
      else answer(false)
    }
    if (owner === this) return this.accept(write, settle)
    this.#world.network.request<WriteAnswer>(
      this.process,
      owner.process,
      (back) => owner.accept(write, back),
      1_500,
      (reply) => {
        if (reply === 'refused' || reply === 'timeout') answer(false)
        else settle(reply.value)
      },
    )
  }

  /** The owner’s side of it: asked twice, before it is applied and before it is acknowledged. */
  accept(write: Write, answer: (result: WriteAnswer) => void): void {
    const refuse = (why: string): void => answer({ ok: false, why, epoch: this.#epoch, site: this.#owner })
    const verdict = this.#mayWrite(write.epoch)
    if (verdict !== 'accept') return refuse(verdict)
    this.#world.network.request<number>(
      this.process,
      this.backend.process,
      (back) =>
        this.backend.serve(() =>
          this.backend.process.after(1 + this.#world.draws.next() * 40, () => back(this.log.append(write))),
        ),
      1_000,
      (reply) => {
        const site = sites.indexOf(this.site)
        if (reply === 'refused' || reply === 'timeout') {
          this.observer?.request(site, reply === 'refused' ? 'connect-failed' : 'timed-out')
          return refuse(reply)
        }
        if (reply.value === -1) return refuse('stale-epoch')
        this.observer?.request(site, 'served')
        const acknowledge = (): void => {
          const after = this.#world.mutation === 'checked-once' ? 'accept' : this.#mayWrite(write.epoch)
          if (after !== 'accept') return refuse(after)
          this.#world.checker.acknowledged(write, this.site)
          answer({ ok: true })
        }
        if (!this.#waitsForOther()) return acknowledge()
        this.#waiting.add({ length: reply.value, since: this.process.now(), acknowledge })
        this.#push()
      },
    )
  }

  /** From a controller. */
  order(order: SiteOrder, answer: (value: OrderAnswer) => void): void {
    const { stepId, epoch } = order
    const reply = (ok: boolean, why = ''): void => answer({ stepId, ok, why, position: this.log.length })
    switch (order.order) {
      case 'fence':
      case 'drain':
        this.#stoppedEpoch = Math.max(this.#stoppedEpoch, epoch)
        if (this.#world.mutation !== 'lying-fence') this.#held.stop(epoch)
        return reply(true)
      case 'claim':
        if (!this.backend.process.alive) return reply(false, 'the backend is gone')
        this.#read(() => {
          this.#hold()
          reply(true)
        })
        return
      case 'restore':
        return this.process.after(50 + this.#world.draws.next() * 300, () =>
          reply(this.backend.process.alive),
        )
      case 'catch-up':
      case 'shadow':
        return reply(true)
      case 'start':
      case 'stop':
        return reply(false, 'a gateway starts nothing')
    }
  }

  /** From a controller: where writes go. */
  place({ epoch, owner }: Placement): void {
    this.#learnOwner(epoch, owner as Site | null)
  }

  #mayWrite(epoch: number): string {
    if (this.#world.mutation === 'epoch-ignored' && this.#held.epoch > 0) return 'accept'
    return this.#held.mayWrite(epoch, this.process.now())
  }

  /** It accepts writes at this moment. */
  isOwner(): boolean {
    return this.#held.epoch > 0 && this.#held.mayWrite(this.#held.epoch, this.process.now()) === 'accept'
  }

  #learnOwner(epoch: number, site: Site | null): void {
    if (epoch < this.#epoch || (epoch === this.#epoch && this.#owner !== null)) return
    this.#epoch = epoch
    this.#owner = site
  }

  /** Twice a second: keeps the lease where it is this site’s, and looks whose it is otherwise. */
  #renew(): void {
    this.process.after(renewMs, () => this.#renew())
    if (this.#asking) return
    if (this.#lease === null || this.#lease.value.site !== this.site) this.#read(() => this.#hold())
    else this.#hold()
  }

  #read(then: () => void): void {
    this.#world.store.get(this.process, leaseKey(unit), storeTimeoutMs, (record) => {
      if (record !== undefined && record !== null) this.#see(record as Versioned<WriteLease>)
      then()
    })
  }

  #see(record: Versioned<WriteLease>): void {
    if (this.#lease !== null && record.version <= this.#lease.version) return
    this.#lease = record
    this.#learnOwner(record.value.epoch, record.value.site as Site)
  }

  #hold(retry = true): void {
    const lease = this.#lease
    if (lease === null || this.#asking) return
    const { value, version } = lease
    // One whose backend is gone takes nothing new, and an order to stop stands until the next epoch.
    if (value.epoch <= this.#stoppedEpoch) return this.#read(() => undefined)
    if (value.state === 'granted' && !this.backend.process.alive) return
    const holder = `${this.process.name}#${this.process.starts}`
    const lossMs = value.state === 'granted' ? this.#lossMs(value) : null
    const next = renewedLease(value, this.site, holder, lossMs)
    if (next === null) return this.#read(() => undefined)
    const joined = this.#joining && this.#reached >= this.log.length && value.state === 'held'
    // A standby that is up and does not answer holds up every write: the holder takes it out, stored before it is so.
    const { oldestSince } = this.#waiting
    const stuck = oldestSince !== null && this.process.now() - oldestSince > stuckMs
    const inSync = joined ? [this.#other!.site] : stuck ? [] : next.inSync
    if (stuck && this.#joining) this.#joining = false
    const stored = { ...next, inSync }
    this.#asking = true
    const sentAt = this.process.now()
    if (value.state === 'granted' && this.#claim?.epoch !== value.epoch)
      this.#claim = { epoch: value.epoch, at: sentAt }
    this.#world.store.compareAndSet(
      this.process,
      leaseKey(unit),
      version,
      stored,
      storeTimeoutMs,
      (result) => {
        this.#asking = false
        if (result === null) return this.#read(() => undefined)
        if (result.current !== null) this.#see(result.current as Versioned<WriteLease>)
        if (!result.ok) {
          if (retry) this.#hold(false)
          return
        }
        this.#renewed(stored, sentAt)
      },
    )
  }

  #renewed(lease: WriteLease, sentAt: number): void {
    const { epoch, ttlMs, guardMs, lossMs } = lease
    if (this.log.ownedEpoch !== epoch) {
      this.log.ownedEpoch = epoch
      this.log.epoch = epoch
      this.#reached = 0
      this.#joining = false
      const agoMs = this.#claim?.epoch === epoch ? this.process.now() - this.#claim.at : null
      this.#world.checker.claimed(epoch, this.site, this.log, lossMs, agoMs)
    }
    const terms =
      this.#world.mutation === 'no-guard' ? { ttlMs: ttlMs + guardMs, guardMs: 0 } : { ttlMs, guardMs }
    this.#held.renewed(epoch, this.#world.mutation === 'no-guard' ? this.process.now() : sentAt, terms)
    if (this.#joining && lease.inSync.length > 0) this.#joining = false
    this.#settle()
  }

  /** How old what this site lacks of earlier epochs may be. */
  #lossMs({ heldBefore, inSync }: WriteLease): number | null {
    if (heldBefore === 0 || inSync.includes(this.site) || this.log.ownedEpoch === heldBefore) return 0
    return this.#markAt !== null && this.#markEpoch === heldBefore ? this.process.now() - this.#markAt : null
  }

  #waitsForOther(): boolean {
    if (!this.#world.synchronous) return false
    return this.#joining || (this.#lease?.value.inSync.length ?? 0) > 0
  }

  /** Asks the owner for what is missing here; an answer proves that nothing acknowledged before the question is. */
  #pull(): void {
    this.process.after(pullMs, () => this.#pull())
    if (this.#owner === null || this.#owner === this.site || this.isOwner()) return
    const owner = this.#other!
    const epoch = this.#epoch
    const askedAt = this.process.now()
    const length = this.log.length
    this.#world.network.request<{ epoch: number; keep: number; entries: readonly Write[] } | null>(
      this.process,
      owner.process,
      (answer) => answer(owner.tail(this.log, length, epoch)),
      1_000,
      (reply) => {
        if (reply === 'refused' || reply === 'timeout' || reply.value === null) return
        if (this.#epoch !== epoch || this.isOwner() || this.log.length !== length) return
        if (!this.backend.process.alive) return
        this.log.take(reply.value.keep, reply.value.entries)
        this.log.epoch = Math.max(this.log.epoch, epoch)
        this.#markAt = askedAt
        this.#markEpoch = epoch
      },
    )
  }

  /** What another site lacks of this one’s log, if this one writes in that epoch. */
  tail(
    other: SimLog,
    length: number,
    epoch: number,
  ): { epoch: number; keep: number; entries: readonly Write[] } | null {
    if (this.log.ownedEpoch !== epoch || this.#held.epoch !== epoch) return null
    const keep = this.log.commonLength(other, length)
    if (this.#world.synchronous) {
      if (!this.#waitsForOther() && this.log.length - keep <= 5) {
        this.#joining = true
        this.#reached = 0
      }
      if (keep === length) this.#arrived(length)
    }
    return { epoch, keep, entries: this.log.slice(keep) }
  }

  /** Sends the other site what it lacks; its answer lets writes be acknowledged. */
  #push(): void {
    const other = this.#other!
    const epoch = this.#held.epoch
    const from = this.#reached
    const entries = this.log.slice(from)
    this.#world.network.request<number>(
      this.process,
      other.process,
      (answer) => {
        const length = other.receive(epoch, from, entries, this.log)
        if (length >= 0) answer(length)
      },
      1_000,
      (reply) => {
        if (reply !== 'refused' && reply !== 'timeout' && this.#held.epoch === epoch)
          this.#arrived(reply.value)
      },
    )
  }

  /**
   * The standby’s side: durable before it answers; nothing of an epoch below the highest known, or that its data has seen: one that has
   * just been started knows nothing else. -1: refused.
   */
  receive(epoch: number, from: number, entries: readonly Write[], owner: SimLog): number {
    if (epoch < Math.max(this.#epoch, this.log.epoch)) return -1
    if (!this.backend.process.alive || this.isOwner()) return -1
    if (this.log.length < from || owner.commonLength(this.log, from) < from) return -1
    if (
      this.log.length >= from + entries.length &&
      owner.commonLength(this.log, this.log.length) === this.log.length
    )
      return this.log.length
    this.log.take(from, entries)
    this.log.epoch = epoch
    return from + entries.length
  }

  #arrived(length: number): void {
    if (length > this.#reached) this.#reached = length
    this.#settle()
  }

  #settle(): void {
    this.#waiting.settle(this.#waitsForOther() ? this.#reached : Infinity)
  }
}
