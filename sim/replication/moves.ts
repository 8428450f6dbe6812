import type { ChangeEvent } from '@budao/model'
import type { Life } from './life.ts'
import type { Registers } from './registers.ts'
import type { SimSite } from './sim-site.ts'

/** The right to write moves between the sites, with an epoch that ends the one before everywhere. */
export class Moves {
  readonly #life: Life
  readonly #registers: Registers
  /** The lowest epoch that a site accepts of the other since a move, and what it had applied by then. */
  readonly #ended = new Map<SimSite, { readonly epoch: number; readonly known: Set<string> }>()

  constructor(life: Life, registers: Registers) {
    this.#life = life
    this.#registers = registers
  }

  move(): void {
    const life = this.#life
    const [old, next] = [life.owner, life.other(life.owner)]
    if (next.stopped !== '' || next.isFenced || next.catchesUpTo !== null) return
    life.epoch++
    // What it had applied of the old owner by then counts; nothing of it does afterwards.
    this.#ended.set(next, { epoch: life.epoch, known: next.seenOf(old.name) })
    for (const site of life.sites) site.fence(old.name, life.epoch)
    next.claim(life.epoch)
    old.isFenced = true
    this.#registers.giveUp(old)
    life.owner = next
    life.counts.moves++
    life.tell(`${old.name} is fenced, ${next.name} owns epoch ${life.epoch}`)
  }

  /** Notes what was applied though its epoch had ended. */
  check(from: SimSite, to: SimSite, events: readonly ChangeEvent[]): void {
    const ended = this.#ended.get(to)
    if (ended === undefined) return
    for (const { id, epoch } of events) {
      if (epoch >= ended.epoch || ended.known.has(id) || !to.hasSeen(from.name, id)) continue
      this.#life.violations.push(`${to.name} applied ${id} of epoch ${epoch}, which had ended`)
    }
  }

  /** A site that was fenced gets its work back only once what did not make it is undone, and it has caught up. */
  async restore(site: SimSite): Promise<void> {
    const other = this.#life.other(site)
    if (!site.isFenced || this.#life.isCut || site.stopped !== '' || other.stopped !== '') return
    if (!(await site.restoreFrom(other))) return
    this.#life.tell(`${site.name} undoes what did not make it, and catches up to ${site.catchesUpTo}`)
    await this.caughtUp(site)
  }

  /** Gives a site its work back if it is as far as it has to be. */
  async caughtUp(site: SimSite): Promise<void> {
    if (site.catchesUpTo === null || (await site.next(this.#life.other(site))).offset < site.catchesUpTo)
      return
    site.catchesUpTo = null
    site.claim(this.#life.epoch)
    this.#life.tell(`${site.name} is put right, and writes in epoch ${this.#life.epoch}`)
  }
}
