import { SeededRandom } from '@budao/resilience'
import { History } from '@budao/testkit'
import { SimDatabase } from './sim-database.ts'
import { SimSite } from './sim-site.ts'

/** What everybody in one life shares: chance, time, both sites, who owns which epoch, and what was noted. */
export class Life {
  readonly sites: readonly [SimSite, SimSite]
  readonly histories = {
    adds: new History(),
    bank: new History(),
    registers: new History(),
    monotonic: new History(),
  }
  readonly violations: string[] = []
  readonly story: string[] = []
  /** Rows that a site names as lost: `TABLE KEY`. */
  readonly reported: Set<string> = new Set()
  readonly counts = {
    writes: 0,
    crashes: 0,
    moves: 0,
    truncations: 0,
    duplicates: 0,
    conflicts: 0,
    parked: 0,
  }
  readonly random: SeededRandom
  /** True time, milliseconds; the clocks of the sites may be off. */
  now = 1_700_000_000_000
  isCut = false
  owner: SimSite
  epoch = 1
  readonly #began = this.now
  readonly #tells: boolean
  #ids = 0

  constructor(seed: number, tells: boolean) {
    this.random = new SeededRandom(seed)
    this.#tells = tells
    this.sites = [this.#site('east'), this.#site('west')]
    this.owner = this.sites[0]
  }

  /** The number that the next id will have. */
  get ids(): number {
    return this.#ids
  }

  nextId(site: SimSite): string {
    return `${site.name}-${this.#ids++}`
  }

  other(site: SimSite): SimSite {
    return site === this.sites[0] ? this.sites[1] : this.sites[0]
  }

  note(
    which: keyof Life['histories'],
    process: number,
    type: 'invoke' | 'ok' | 'fail' | 'info',
    f: string,
    value: unknown,
  ): void {
    this.histories[which].add(this.now - this.#began, process, type, f, value)
  }

  tell(line: string): void {
    if (this.#tells) this.story.push(`${this.now - this.#began} ms  ${line}`)
  }

  chance(share: number): boolean {
    return this.random.next() < share
  }

  below(count: number): number {
    return Math.floor(this.random.next() * count)
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!
  }

  some<T>(from: readonly T[]): T[] {
    return from.filter(() => this.chance(0.5))
  }

  #site(name: 'east' | 'west'): SimSite {
    return new SimSite(name, SimDatabase.take(name), () => this.now)
  }
}
