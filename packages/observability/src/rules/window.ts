/** Parts that a window is kept in: what leaves it leaves a part at a time, a second of five minutes. */
const parts = 300

/** A sum over the last so many milliseconds: adding and reading cost the same however much is in it. */
export class WindowSum {
  readonly partMs: number
  readonly #sums = new Float64Array(parts)
  #newest = -Infinity
  #total = 0

  constructor(windowMs: number) {
    this.partMs = windowMs / parts
  }

  add(value: number, now: number): void {
    this.#advance(now)
    this.#sums[mod(this.#newest)]! += value
    this.#total += value
  }

  sum(now: number): number {
    this.#advance(now)
    return this.#total
  }

  /** The parts that hold something, by their age in parts, for keeping over a restart. */
  save(now: number): [age: number, sum: number][] {
    this.#advance(now)
    const kept: [number, number][] = []
    for (let age = 0; age < parts; age++) {
      const sum = this.#sums[mod(this.#newest - age)]!
      if (sum !== 0) kept.push([age, sum])
    }
    return kept
  }

  /** Takes back what `save` gave so long ago. */
  restore(kept: readonly (readonly [age: number, sum: number])[], now: number, agoMs: number): void {
    this.#advance(now)
    const older = Math.max(0, Math.round(agoMs / this.partMs))
    for (const [age, sum] of kept) {
      if (age + older >= parts) continue
      this.#sums[mod(this.#newest - age - older)]! += sum
      this.#total += sum
    }
  }

  #advance(now: number): void {
    const part = Math.floor(now / this.partMs)
    if (part <= this.#newest) return
    if (part - this.#newest >= parts) {
      this.#sums.fill(0)
      this.#total = 0
    } else
      for (let each = this.#newest + 1; each <= part; each++) {
        this.#total -= this.#sums[mod(each)]!
        this.#sums[mod(each)] = 0
      }
    this.#newest = part
  }
}

function mod(part: number): number {
  return ((part % parts) + parts) % parts
}
