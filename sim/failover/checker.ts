import type { Explanation, FailoverRun, Placement } from '@budao/model'
import type { UnitEffect } from './decisions.ts'
import type { Site } from './schedule.ts'
import type { Write } from './keeper-world.ts'
import type { SimLog } from './sim-log.ts'

interface Acknowledged extends Write {
  readonly at: number
  readonly site: Site
  lost: boolean
}

/** What must hold in every run. Knows the real time and everything that happened; nobody else does. */
export class Checker {
  readonly violations: string[] = []
  readonly story: string[] = []
  readonly #real: () => number
  readonly #tells: boolean
  readonly #acknowledged: Acknowledged[] = []
  readonly #siteOfEpoch = new Map<number, Site>()
  readonly #told = new Map<string, number>()
  readonly #outcomes = new Map<string, string>()
  #epoch = 0
  #automatic = 0
  #allowed = 1
  /** With a limit on automatic failovers: one, and one more for each that a person acknowledged. */
  limited = false
  lost = 0
  unknownLoss = 0
  lastAckAt = -Infinity
  firstAckOf = new Map<number, number>()
  onNotice: (id: string, what: Explanation) => void = () => undefined

  constructor(real: () => number, tells: boolean) {
    this.#real = real
    this.#tells = tells
  }

  get writes(): number {
    return this.#acknowledged.length
  }

  get epoch(): number {
    return this.#epoch
  }

  say(what: string): void {
    if (this.#tells) this.story.push(`${Math.round(this.#real())} ms: ${what}`)
  }

  broken(what: string): void {
    this.say(`BROKEN ${what}`)
    // One cause breaks a line thousands of times; the first ones tell the story.
    if (this.violations.length < 10) this.violations.push(`${Math.round(this.#real())} ms: ${what}`)
  }

  /** A write was acknowledged: no lower epoch may do that any more, and an epoch is at one site. */
  acknowledged({ id, epoch }: Write, site: Site): void {
    const at = this.#real()
    if (epoch < this.#epoch)
      this.broken(
        `write ${id} was accepted in epoch ${epoch} at ${site}, after epoch ${this.#epoch} had begun`,
      )
    const before = this.#siteOfEpoch.get(epoch)
    if (before !== undefined && before !== site) this.broken(`epoch ${epoch} is at ${before} and at ${site}`)
    this.#siteOfEpoch.set(epoch, site)
    if (epoch > this.#epoch) {
      this.say(`first write of epoch ${epoch}, at ${site}`)
      this.firstAckOf.set(epoch, at)
      this.#epoch = epoch
    }
    this.lastAckAt = at
    this.#acknowledged.push({ id, epoch, at, site, lost: false })
  }

  /** A site took an epoch: what it lacks must be younger than it says. */
  claimed(epoch: number, site: Site, log: SimLog, lossMs: number | null, agoMs: number | null): void {
    const ids = log.ids()
    const since =
      lossMs === null || agoMs === null ? -Infinity : this.#real() - (lossMs + agoMs) * (1 + 1e-3) - 1
    let missing = 0
    for (const write of this.#acknowledged) {
      if (write.lost || write.epoch >= epoch || ids.has(write.id)) continue
      write.lost = true
      missing++
      if (lossMs === 0) this.broken(`write ${write.id} is not at ${site}, which said that nothing is missing`)
      else if (write.at < since)
        this.broken(
          `write ${write.id} was acknowledged ${Math.round(this.#real() - write.at)} ms before and is not at ${site}, which lacks ${Math.round(lossMs ?? 0)} ms`,
        )
    }
    this.lost += missing
    if (lossMs === null && missing > 0) this.unknownLoss++
    this.say(
      `${site} takes epoch ${epoch}, lacks ${missing} writes, says ${lossMs === null ? 'unknown' : `${Math.round(lossMs)} ms`}`,
    )
  }

  led(controller: string, term: number): void {
    this.say(`${controller} leads, term ${term}`)
  }

  published({ epoch, owner, readers }: Placement): void {
    if (readers.length === 0) this.broken('a placement without a site that reads')
    this.say(`published: epoch ${epoch} at ${owner}`)
  }

  notified(id: string, what: Explanation): void {
    const times = (this.#told.get(id) ?? 0) + 1
    this.#told.set(id, times)
    if (times === 1) this.onNotice(id, what)
    if (times === 1) this.say(`told: ${what.message}`)
  }

  audited(controller: string, { action, detail }: Extract<UnitEffect, { kind: 'audit' }>['draft']): void {
    // A person who moves something has seen what happened before.
    if (action === 'run.started' && detail['kind'] !== 'failover') this.#allowed++
    this.say(`${controller} ${action} ${JSON.stringify(detail).slice(0, 140)}`)
  }

  replied(wish: string, ok: boolean, why: Explanation): void {
    if (ok) this.#allowed++
    this.say(`${wish}: ${ok ? 'taken up' : 'refused'}, ${why.message}`)
  }

  /** The journal as it is stored: an outcome stands. */
  stored(run: FailoverRun): void {
    if (run.outcome === null) return
    const before = this.#outcomes.get(run.id)
    if (before !== undefined && before !== run.outcome)
      this.broken(`${run.id} ended twice: ${before}, then ${run.outcome}`)
    if (before === undefined && run.by === 'automatic' && run.outcome === 'done') this.#automatic++
    if (this.limited && this.#automatic > this.#allowed)
      this.broken(`${this.#automatic} failovers by itself, ${this.#allowed} allowed`)
    this.#outcomes.set(run.id, run.outcome)
  }

  /** Runs that ended with another site. */
  get moves(): number {
    return [...this.#outcomes.values()].filter((outcome) => outcome === 'done').length
  }

  /** Everything acknowledged and not reported as lost is at the owner in the end. */
  ended(log: SimLog): void {
    const ids = log.ids()
    const missing = this.#acknowledged.filter(({ id, lost }) => !lost && !ids.has(id))
    if (missing.length > 0)
      this.broken(`${missing.length} acknowledged writes are gone at the end, ${missing[0]!.id} the first`)
  }
}
