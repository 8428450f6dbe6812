/** One that could not be reached is asked behind the others for so long. */
const HOLD_MS = 30_000

/** Addresses of one server outside, in the order in which they are to be asked. */
export class Origins {
  readonly all: readonly string[]
  readonly #failedUntil: number[]

  constructor(all: readonly string[]) {
    this.all = all
    this.#failedUntil = all.map(() => -Infinity)
  }

  /** Their places: the configured order, those that failed lately last. */
  order(now: number): number[] {
    const places = this.all.map((_, place) => place)
    const failed = (place: number): boolean => now < this.#failedUntil[place]!
    return [...places.filter((place) => !failed(place)), ...places.filter(failed)]
  }

  failed(place: number, now: number): void {
    this.#failedUntil[place] = now + HOLD_MS
  }

  answered(place: number): void {
    this.#failedUntil[place] = -Infinity
  }
}
