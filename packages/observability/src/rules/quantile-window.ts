/** Parts that a window of a quantile is kept in. */
const parts = 60
/** Two values that fall into one class are at most so far apart. */
const growth = 1.02
const logGrowth = Math.log(growth)

/**
 * Quantiles of the last so many milliseconds, to within 1 %: values are counted in classes that grow by 2 % (as DDSketch has
 * them), a table for each part of the window. Memory is that of the classes in use, some hundreds.
 */
export class QuantileWindow {
  readonly #partMs: number
  readonly #tables: (Map<number, number> | undefined)[] = Array.from({ length: parts })
  readonly #all = new Map<number, number>()
  #newest = -Infinity
  #count = 0

  constructor(windowMs: number) {
    this.#partMs = windowMs / parts
  }

  add(value: number, now: number): void {
    this.#advance(now)
    const part = ((this.#newest % parts) + parts) % parts
    const table = (this.#tables[part] ??= new Map())
    const key = classOf(value)
    table.set(key, (table.get(key) ?? 0) + 1)
    this.#all.set(key, (this.#all.get(key) ?? 0) + 1)
    this.#count++
  }

  count(now: number): number {
    this.#advance(now)
    return this.#count
  }

  /** NaN where there is none. */
  quantile(quantile: number, now: number): number {
    this.#advance(now)
    if (this.#count === 0) return NaN
    const wanted = Math.max(1, Math.ceil(quantile * this.#count))
    let below = 0
    for (const key of [...this.#all.keys()].toSorted((a, b) => a - b)) {
      below += this.#all.get(key)!
      if (below >= wanted) return valueOf(key)
    }
    return NaN
  }

  #advance(now: number): void {
    const part = Math.floor(now / this.#partMs)
    if (part <= this.#newest) return
    const gone = Math.min(parts, part - this.#newest)
    for (let each = part - gone + 1; each <= part; each++) this.#drop(((each % parts) + parts) % parts)
    this.#newest = part
  }

  #drop(part: number): void {
    const table = this.#tables[part]
    if (table === undefined) return
    for (const [key, count] of table) {
      const left = this.#all.get(key)! - count
      if (left === 0) this.#all.delete(key)
      else this.#all.set(key, left)
      this.#count -= count
    }
    this.#tables[part] = undefined
  }
}

/** Values at or below zero are one class: latencies and sizes have none. */
function classOf(value: number): number {
  return value <= 0 ? -Infinity : Math.ceil(Math.log(value) / logGrowth)
}

function valueOf(key: number): number {
  return key === -Infinity ? 0 : (2 * growth ** key) / (growth + 1)
}
