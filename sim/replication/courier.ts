import type { LogEntry } from '@budao/model'
import type { Life } from './life.ts'
import type { Moves } from './moves.ts'
import type { Registers } from './registers.ts'
import type { SimSite } from './sim-site.ts'

/** A batch that was read, and may be applied much later. */
interface Caught {
  readonly from: SimSite
  readonly to: SimSite
  readonly logId: string
  readonly entries: readonly LogEntry[]
}

const roundsMax = 200

/** Carries changes from database to log to database, with crashes, repeats and delays. */
export class Courier {
  readonly #life: Life
  readonly #registers: Registers
  readonly #moves: Moves
  #caught: Caught[] = []

  constructor(life: Life, registers: Registers, moves: Moves) {
    this.#life = life
    this.#registers = registers
    this.#moves = moves
  }

  async carry(site: SimSite): Promise<void> {
    const dice = this.#life.random.next()
    const crash = dice < 0.08 ? 'before' : dice < 0.16 ? 'after' : 'none'
    if (crash !== 'none') this.#life.counts.crashes++
    await site.carry(crash)
    const ending = crash === 'none' ? '' : `, crash ${crash}`
    this.#life.tell(`${site.name} carries into its log, now to ${site.bounds.end}${ending}`)
  }

  async deliver(to: SimSite): Promise<void> {
    const life = this.#life
    const from = life.other(to)
    if (life.isCut || to.stopped !== '') return
    let at = await to.next(from)
    // A reader that does not know yet what was applied: the same again.
    if (life.chance(0.15)) at = { ...at, offset: Math.max(from.log.first, at.offset - life.below(6)) }
    const entries = from.read(at, 1 + life.below(8))
    if (entries === 'truncated') {
      life.counts.truncations++
      to.stopped = `expected ${at.offset} of ${at.logId}`
      return life.tell(`${to.name} is told that ${from.name}'s log is not what it was: ${to.stopped}`)
    }
    if (entries.length === 0 || life.chance(0.05)) return
    const caught = { from, to, logId: at.logId, entries }
    if (life.chance(0.1)) this.#caught.push(caught)
    else await this.#apply(caught)
  }

  /** A batch of long ago arrives after all. */
  async late(): Promise<void> {
    const [caught] = this.#caught.splice(this.#life.below(this.#caught.length), 1)
    if (caught !== undefined && caught.to.stopped === '' && caught.logId === caught.from.log.logId)
      await this.#apply(caught)
  }

  /** Everything arrives, as far as it can. */
  async deliverAll(): Promise<void> {
    const { sites, counts } = this.#life
    this.#caught = []
    for (let round = 0; round < roundsMax; round++) {
      let moved = false
      for (const to of sites) {
        const from = this.#life.other(to)
        await from.carry('none')
        if (to.stopped !== '') continue
        const at = await to.next(from)
        const entries = from.read(at, 50)
        if (entries === 'truncated') {
          counts.truncations++
          to.stopped = 'at the end'
        } else if (entries.length > 0) {
          moved = true
          await to.apply(from.name, entries, at.logId)
          await this.#moves.caughtUp(to)
          await this.#registers.acknowledge(from, to)
        }
      }
      if (moved || sites.some(({ outbox }) => outbox.waiting > 0)) continue
      // What waits is tried again first: nothing of it is of an epoch that has ended.
      for (const site of sites) site.applier.retry()
      const fenced = sites.find((site) => site.isFenced)
      if (fenced === undefined || sites.some(({ stopped }) => stopped !== '')) break
      await this.#moves.restore(fenced)
      if (fenced.isFenced) break
    }
    for (const to of sites) await this.#registers.acknowledge(this.#life.other(to), to)
  }

  async #apply({ from, to, entries, logId }: Caught): Promise<void> {
    const life = this.#life
    if (entries[0]!.offset > (await to.next(from)).offset) return
    to.crashIn = life.chance(0.2) ? 1 + life.below(20) : 0
    const came = await to.apply(from.name, entries, logId)
    to.crashIn = 0
    if (came === 'crashed') {
      life.counts.crashes++
    } else {
      const events = entries.flatMap((entry) => entry.events)
      this.#moves.check(from, to, events)
      await this.#moves.caughtUp(to)
    }
    life.tell(
      `${to.name} applies ${entries[0]!.offset} to ${entries.at(-1)!.offset} of ${from.name}: ${came}`,
    )
    if (came === 'crashed' || life.chance(0.1)) return
    await this.#registers.acknowledge(from, to)
  }
}
