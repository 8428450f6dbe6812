import type { History } from '@budao/testkit'
import { Courier } from './courier.ts'
import { Life } from './life.ts'
import { Moves } from './moves.ts'
import { readSite } from './readers.ts'
import { Registers } from './registers.ts'
import type { SimSite } from './sim-site.ts'
import { judge } from './verdict.ts'
import { Writers } from './writers.ts'

/** What one seed came to. */
export interface Outcome {
  readonly violations: readonly string[]
  readonly writes: number
  readonly crashes: number
  readonly duplicates: number
  readonly conflicts: number
  readonly parked: number
  readonly moves: number
  /** Acknowledged writes that did not make it over a move, each of them reported. */
  readonly lost: number
  /** Readers that were told that entries are gone. */
  readonly truncations: number
  readonly story: readonly string[]
  readonly histories: Readonly<Record<string, History>>
}

const actions = 120
/** By then clocks that were far ahead are no longer, and what waited for that can be tried. */
const healedAfterMs = 1_800_000

/** Lives through one seed. The same seed is the same life. */
export async function live(seed: number, tells: boolean = false): Promise<Outcome> {
  const world = new World(seed, tells)
  return world.live()
}

class World {
  readonly #life: Life
  readonly #registers: Registers
  readonly #writers: Writers
  readonly #moves: Moves
  readonly #courier: Courier
  /** Whether this life loses entries of a log. */
  readonly #truncates: boolean

  constructor(seed: number, tells: boolean) {
    const life = new Life(seed, tells)
    this.#life = life
    this.#registers = new Registers(life)
    this.#writers = new Writers(life, this.#registers)
    this.#moves = new Moves(life, this.#registers)
    this.#courier = new Courier(life, this.#registers, this.#moves)
    this.#truncates = life.chance(0.05)
  }

  async live(): Promise<Outcome> {
    const life = this.#life
    for (const site of life.sites) this.#writers.begin(site)
    for (let i = 0; i < actions; i++) {
      life.now += life.below(40)
      await this.#act()
    }
    await this.#heal()
    judge(life)
    for (const { db } of life.sites) db.giveBack()
    const { counts, violations, reported, story, histories } = life
    return { ...counts, violations, lost: reported.size, story, histories }
  }

  async #act(): Promise<void> {
    const life = this.#life
    const dice = life.random.next()
    const site = life.pick(life.sites)
    if (dice < 0.34) this.#writers.write(site)
    else if (dice < 0.42) readSite(life, this.#registers, site)
    else if (dice < 0.6) await this.#courier.carry(site)
    else if (dice < 0.82) await this.#courier.deliver(site)
    else if (dice < 0.86) await this.#courier.late()
    else if (dice < 0.9) this.#cutOrMend()
    else if (dice < 0.94) this.#skew(site)
    else if (dice < 0.96) site.applier.retry()
    else if (dice < 0.97) this.#moves.move()
    else if (dice < 0.975) await this.#moves.restore(site)
    else if (dice < 0.988) this.#refuse(site)
    else if (this.#truncates) this.#truncate(site)
  }

  #cutOrMend(): void {
    this.#life.isCut = !this.#life.isCut
    this.#life.tell(`network ${this.#life.isCut ? 'cut' : 'well'}`)
  }

  #skew(site: SimSite): void {
    const far = this.#life.chance(0.2)
    site.skewMs = Math.round((this.#life.random.next() - 0.5) * (far ? 1_200_000 : 600))
    this.#life.tell(`${site.name}'s clock is off by ${site.skewMs} ms`)
  }

  #refuse(site: SimSite): void {
    const on = this.#life.chance(0.6)
    site.refuses = on
    this.#life.tell(`${site.name}'s database ${on ? 'refuses' : 'takes'} the second half of the other's pair`)
  }

  #truncate(site: SimSite): void {
    const { log } = site
    if (this.#life.chance(0.5)) {
      const count = this.#life.below(log.entries.length + 1)
      log.entries.splice(0, count)
      log.first += count
      this.#life.tell(`${site.name}'s log now begins at ${log.first}`)
    } else {
      site.loseLog()
      this.#life.tell(`${site.name}'s log is lost and begins anew`)
    }
  }

  /** Everything is well again: clocks, network, and time enough. */
  async #heal(): Promise<void> {
    this.#life.isCut = false
    for (const site of this.#life.sites) {
      site.skewMs = 0
      site.refuses = false
    }
    this.#life.now += healedAfterMs
    await this.#courier.deliverAll()
  }
}
