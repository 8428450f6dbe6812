import { setTimeout as sleep } from 'node:timers/promises'
import type { DataPosition, DataQuestion } from './data-question.ts'
import type { Replicator } from '../replicator.ts'
import type { SiteDatabase } from '../site-database.ts'
import { epochName } from './epoch-name.ts'
import { mayClaim } from './claim-check.ts'

/** What the desk stands on. */
export interface DataDeskOptions {
  readonly site: string
  readonly replicator: Replicator
  readonly database: SiteDatabase
  /** Whether every table of a service is acknowledged by the peers, none being `async`. */
  readonly isSync: (service: string) => boolean
  /** Why this site must not be given the right to write, whoever had it; empty: nothing is known against it. */
  readonly unfit: () => Promise<string>
  /** Begins to undo what was written here and refused at the new owner, and to compare both sites. */
  readonly putRight: (owner: string) => Promise<void>
  /** Whether all that is replicated belongs to this unit, so that the epoch of the site is that of the unit. */
  readonly isWhole: (unit: string, service: string) => boolean
}

/** Whom a unit was followed from before it came here. */
interface Followed {
  readonly owner: string
  readonly epoch: number
}

/** The outbox is given so long to be carried away before it is counted instead, milliseconds. */
const carriedMs = 200
/** Shorter than whoever asks waits. */
const caughtUpWithinMs = 25_000
/** Putting right is tried again no sooner, milliseconds. */
const putRightEveryMs = 10_000
/** Four heartbeats. */
const caughtUpMs = 1000

/**
 * Answers the keeper of this site’s leases. Authority comes from the lease alone: an epoch that it tells ends those before
 * it here, at once and also after a restart, since the database keeps it.
 */
export class DataDesk {
  readonly #options: DataDeskOptions
  readonly #followed: Map<string, Followed> = new Map()
  readonly #named: Map<string, readonly string[]> = new Map()
  #putRightAt = -Infinity

  constructor(options: DataDeskOptions) {
    this.#options = options
  }

  /** Whether a lease of this site says that everything acknowledged is at that site too. */
  isNamed(site: string): boolean {
    for (const sites of this.#named.values()) if (sites.includes(site)) return true
    return false
  }

  async position(question: DataQuestion): Promise<DataPosition> {
    const { site, replicator } = this.#options
    const { unit, epoch, owner, inSync } = question
    this.#named.set(unit, owner === site ? inSync : [])
    if (owner === null) return nowhere
    if (owner !== site) {
      this.#followed.set(unit, { owner, epoch })
      const { lowest, own } = await this.#epochs(this.#name(question))
      // Another site writes in it: what was written here before has ended, whoever was there to be told.
      if (lowest < epoch && own < epoch) await replicator.standing.fence(site, epoch, this.#name(question))
      const behind = await this.#behind(owner, epoch)
      await this.#putRight(owner)
      return behind
    }
    const followed = this.#followed.get(unit)
    // Granted, and not taken yet: it is still about the owner before.
    if (followed !== undefined && (await this.#epochs(this.#name(question))).own < epoch)
      return this.#behind(followed.owner, followed.epoch)
    return {
      ...nowhere,
      position: (await this.#carried()) + (await replicator.end()),
      epoch,
      lagMs: 0,
      inSync: this.#inSync(question.service),
    }
  }

  /** Every applied transaction is whole, and the position is in it: there is nothing to be taken back. */
  async restore(question: DataQuestion): Promise<string | null> {
    const { owner } = this.#followed.get(question.unit) ?? question
    const why = owner === null ? '' : this.#options.replicator.follow(owner).missing
    return why === '' ? null : `changes of ${owner} are missing here: ${why}`
  }

  /** Waits until nothing of the owner is missing, within its time. */
  async catchUp(question: DataQuestion): Promise<string | null> {
    const giveUpAt = performance.now() + caughtUpWithinMs
    await this.#options.replicator.standing.askAgain()
    for (;;) {
      const { lagMs, divergence } = await this.position(question)
      if (divergence > 0) return diverged(divergence, question)
      if (lagMs !== null && lagMs <= caughtUpMs) return null
      if (performance.now() >= giveUpAt)
        return lagMs === null
          ? `nothing is heard of ${question.owner}`
          : `still ${Math.round(lagMs)} ms behind ${question.owner}`
      await sleep(100)
    }
  }

  async shadow(question: DataQuestion): Promise<string | null> {
    await this.#options.replicator.standing.askAgain()
    const { divergence } = await this.position(question)
    return divergence > 0 ? diverged(divergence, question) : null
  }

  /** Nothing of the unit is written here in this epoch or a lower one any more. */
  async fence(question: DataQuestion): Promise<string | null> {
    const { site, replicator } = this.#options
    await replicator.standing.fence(site, question.epoch + 1, this.#name(question))
    return null
  }

  /** The lease was granted to this site. */
  take({ unit, service, epoch }: DataQuestion): Promise<string | null> {
    return this.claim(epoch, this.#name({ unit, service }), false, this.#followed.get(unit)?.owner ?? null)
  }

  /**
   * This site writes in this epoch, or `unit` alone: nothing of a lower one is applied here any more. Null: done; else why it
   * must not. `from`: who wrote before.
   */
  async claim(
    epoch: number,
    unit: string | undefined,
    forced: boolean,
    from: string | null = null,
  ): Promise<string | null> {
    const { replicator } = this.#options
    const { lowest, own } = await this.#epochs(unit)
    if (own >= epoch) return null
    // Who has never had the right has nothing that it wrote by it.
    const wasFenced = own > 0 && lowest > own
    if (wasFenced) await replicator.standing.askAgain()
    const unfit = forced ? '' : await this.#options.unfit()
    if (unfit !== '') return unfit
    const why = mayClaim({
      from,
      wasFenced,
      missing: from === null ? '' : replicator.follow(from).missing,
      diverged: this.#diverged(),
      forced,
    })
    if (why !== null) return why
    for (const other of replicator.others) await replicator.standing.fence(other, epoch, unit)
    await replicator.standing.claim(epoch, unit)
    return null
  }

  /** The unit that epochs are kept of; undefined: of the whole site. */
  #name({ unit, service }: Pick<DataQuestion, 'unit' | 'service'>): string | undefined {
    return this.#options.isWhole(unit, service) ? undefined : unit
  }

  /**
   * A site comes back clean by itself: what it wrote and the new owner has refused, as of an epoch that had ended, is undone here, and
   * stays listed there. So is what a comparison found different.
   */
  async #putRight(owner: string): Promise<void> {
    const { replicator, putRight, unfit } = this.#options
    const { standing } = replicator
    const isRefused = standing.isGiven(owner) && (standing.lettersAt(owner)?.oldEpoch ?? 0) > 0
    if (!isRefused && (await unfit()) === '') return
    const now = performance.now()
    if (now < this.#putRightAt + putRightEveryMs) return
    this.#putRightAt = now
    await putRight(owner)
  }

  async #behind(owner: string, epoch: number): Promise<DataPosition> {
    const { replicator, database } = this.#options
    const { standing } = replicator
    const { applied, missing } = replicator.follow(owner)
    const letters = await database.letters.countBySite()
    const here = letters.find(({ origin }) => origin === owner)?.count ?? 0
    const there = standing.lettersAt(owner)
    const known = missing === '' && standing.isGiven(owner) && there !== null
    return {
      ...nowhere,
      position: applied,
      epoch: missing === '' ? epoch : 0,
      lagMs: known ? standing.lagMs(owner) : null,
      divergence: here + (there?.oldEpoch ?? 0),
    }
  }

  /** The lowest epoch that is accepted of this site, and the last that it claimed. */
  async #epochs(unit: string | undefined): Promise<{ readonly lowest: number; readonly own: number }> {
    const { site, replicator } = this.#options
    const all = await replicator.standing.epochs()
    return { lowest: all.get(epochName(site, unit)) ?? 0, own: all.get(epochName('', unit)) ?? 0 }
  }

  /** Writes of this site that another refused; null: one of them has not said so yet. */
  #diverged(): number | null {
    const { others, standing } = this.#options.replicator
    let count = 0
    for (const other of others) {
      const there = standing.lettersAt(other)
      if (there === null || !standing.isGiven(other)) return null
      count += there.oldEpoch
    }
    return count
  }

  /** What is still in the outbox after a moment. */
  async #carried(): Promise<number> {
    const giveUpAt = performance.now() + carriedMs
    for (;;) {
      const { events } = await this.#options.database.backlog()
      if (events === 0 || performance.now() >= giveUpAt) return events
      await sleep(5)
    }
  }

  #inSync(service: string): readonly string[] {
    const { replicator, isSync } = this.#options
    if (!isSync(service)) return []
    return replicator.others.filter(
      (other) => replicator.waitsFor(other) && replicator.standing.isGiven(other),
    )
  }
}

const nowhere: DataPosition = { position: 0, epoch: 0, lagMs: null, divergence: 0, inSync: [] }

function diverged(count: number, { owner }: DataQuestion): string {
  return `${count} writes differ from ${owner}: budao replicator restore --from ${owner} undoes them here, and lists them`
}
