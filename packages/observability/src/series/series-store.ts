import type { Selector } from '../rules/condition.ts'

/** Time and value, oldest first, milliseconds. */
export interface Point {
  readonly at: number
  readonly value: number
}

/** What a sample is when its series has ended: the series is not there any more at once, and not only after a while. */
export const stale: unique symbol = Symbol('stale')

/** One series: a name, its labels and its newest points. */
export interface Series {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly points: readonly Point[]
}

interface Kept extends Series {
  readonly key: string
  readonly points: Point[]
  /** Where `points` begins: what is before has left the store and is cut off now and then. */
  from: number
  endedAt: number | null
  scrape: number
}

export interface SeriesStoreOptions {
  /** How far back points are kept, milliseconds. */
  readonly retentionMs: number
  /** Series kept at once. Default 50 000. */
  readonly seriesMax?: number
}

/** Prometheus takes a value for current so long after its sample, where nothing says that its series has ended. */
export const lookbackMs = 300_000

/**
 * The newest values of metrics, in memory: what rules and pages look at. It holds minutes, not months. A series that is missing
 * in a scrape has ended with it.
 */
export class SeriesStore {
  readonly #retentionMs: number
  readonly #seriesMax: number
  readonly #byName = new Map<string, Map<string, Kept>>()
  #scrapes = new Map<string, number>()
  #size = 0
  /** Samples of series beyond `seriesMax`. */
  dropped = 0

  constructor({ retentionMs, seriesMax = 50_000 }: SeriesStoreOptions) {
    this.#retentionMs = Math.max(retentionMs, lookbackMs)
    this.#seriesMax = seriesMax
  }

  get size(): number {
    return this.#size
  }

  /** Adds one value. Points of a series come in the order of time. */
  append(
    name: string,
    labels: Readonly<Record<string, string>>,
    at: number,
    value: number | typeof stale,
  ): Series | undefined {
    const kept = this.#series(name, labels)
    if (kept === undefined) return undefined
    if (value === stale) kept.endedAt = at
    else {
      kept.endedAt = null
      kept.points.push({ at, value })
      this.#forget(kept, at)
    }
    return kept
  }

  /** Takes everything that one source has at one time: what it had before and has not now has ended. */
  scrape(
    source: string,
    at: number,
    samples: Iterable<{
      readonly name: string
      readonly labels: Readonly<Record<string, string>>
      readonly value: number
    }>,
  ): void {
    const number = (this.#scrapes.get(source) ?? 0) + 1
    this.#scrapes.set(source, number)
    for (const { name, labels, value } of samples) {
      const own = this.append(name, source === '' ? labels : { ...labels, instance: source }, at, value)
      if (own !== undefined) (own as Kept).scrape = number
    }
    for (const [name, all] of this.#byName) {
      for (const [key, kept] of all) {
        if ((kept.labels['instance'] ?? '') === source && kept.scrape < number) kept.endedAt ??= at
        if (at - (kept.points.at(-1)?.at ?? -Infinity) <= this.#retentionMs) continue
        all.delete(key)
        this.#size--
      }
      if (all.size === 0) this.#byName.delete(name)
    }
  }

  /** Series that a selector means, with all their points. */
  *select({ name, matchers }: Selector): Generator<Series> {
    for (const kept of this.#byName.get(name)?.values() ?? [])
      if (matchers.every(({ label, matches }) => matches(kept.labels[label] ?? ''))) yield kept
  }

  /** The value that a series has at a time; undefined where it has none. */
  valueAt(series: Series, at: number): number | undefined {
    const { endedAt } = series as Kept
    const last = series.points.findLast((point) => point.at <= at)
    if (last === undefined || at - last.at > lookbackMs) return undefined
    return endedAt !== null && endedAt <= at && endedAt >= last.at ? undefined : last.value
  }

  /** Points from `from` to `to`, both included. */
  range(series: Series, from: number, to: number): Point[] {
    return series.points.filter(({ at }) => at >= from && at <= to)
  }

  #series(name: string, labels: Readonly<Record<string, string>>): Kept | undefined {
    let all = this.#byName.get(name)
    if (all === undefined) this.#byName.set(name, (all = new Map()))
    const key = keyOf(labels)
    const known = all.get(key)
    if (known !== undefined) return known
    if (this.#size >= this.#seriesMax) {
      this.dropped++
      return undefined
    }
    const made: Kept = { name, labels, key, points: [], from: 0, endedAt: null, scrape: 0 }
    all.set(key, made)
    this.#size++
    return made
  }

  /** Cut in batches: moving the whole list for each point would cost as much as the list is long. */
  #forget(kept: Kept, now: number): void {
    while (now - kept.points[kept.from]!.at > this.#retentionMs) kept.from++
    if (kept.from < 32) return
    kept.points.splice(0, kept.from)
    kept.from = 0
  }
}

function keyOf(labels: Readonly<Record<string, string>>): string {
  const names = Object.keys(labels)
  if (names.length > 1) names.sort()
  let key = ''
  for (const name of names) key += `${name}\u0000${labels[name]}\u0000`
  return key
}
