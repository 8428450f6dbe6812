import { meetFault, releaseFaultKinds, type ReleaseFaultKind } from '@budao/resilience'

/** Places in its memory: which fault, from 1, since when and until when by the clock of all threads. */
const places = { kind: 0, since: 1, until: 2 } as const

/** What a drill makes of a release of a service, for all threads at once. It ends by itself. */
export class ReleaseDrill {
  static readonly floats = 3

  readonly #floats: Float64Array

  constructor(floats: Float64Array) {
    this.#floats = floats
  }

  /** Whether there is one, or was: otherwise nobody needs to look closer. */
  get isSet(): boolean {
    return this.#floats[places.kind]! !== 0
  }

  /** Null ends it. */
  set(kind: ReleaseFaultKind | null, now: number, until: number): void {
    // Its time first: no thread sees a fault with the time of another.
    this.#floats[places.kind] = 0
    this.#floats[places.since] = now
    this.#floats[places.until] = until
    this.#floats[places.kind] = kind === null ? 0 : 1 + releaseFaultKinds.indexOf(kind)
  }

  /** What a request meets now. */
  meet(chance: number, now: number): 'well' | 'fails' | 'late' {
    const kind = releaseFaultKinds[this.#floats[places.kind]! - 1]
    if (kind === undefined || now >= this.#floats[places.until]!) return 'well'
    return meetFault(kind, chance, now - this.#floats[places.since]!)
  }
}
