import type { Cells } from './cells.ts'
import { hash32 } from './hash.ts'

/** A rate, a burst, and how many keys are remembered. */
export interface RateLimitOptions {
  /** So many requests per `perMs`, for ever. */
  readonly requests: number
  readonly perMs: number
  /** So many at once after a pause, 1 to 67 108 864. Default `requests`. */
  readonly burst?: number | undefined
  /**
   * Keys remembered, rounded up to a power of two. Default 16 384. One key more and the one nearest to
   * being forgotten anyway is: it starts again with a full burst.
   */
  readonly keysMax?: number | undefined
}

/**
 * Limits the rate of each key: GCRA, the generic cell rate algorithm of ATM, which is a leaky bucket kept as
 * one number, the theoretical arrival time (TAT) of the next request at exactly the allowed rate.
 *
 * Keys live in a table of fixed size, four places a set, shared by threads through its cells. The key itself is
 * not kept: its set and a fingerprint come from two 32-bit hashes, so two clients share a limit with a chance
 * of about one in 10^13 a pair.
 *
 * A TAT is one cell, counted in ticks that wrap. The tick is a fraction of the time between two requests, as fine as
 * leaves the burst under 2^26 ticks (and no finer than a millionth), so the rate is exact from one an hour to
 * a million a second. A place untouched for longer than `restSpans` bursts is fresh by its `touched` cell,
 * before its TAT could wrap into the future: what stands in an old place limits nobody.
 */
export class RateLimiter {
  readonly #cells: Cells
  readonly #sets: number
  readonly #interval: number
  readonly #burst: number
  readonly #span: number
  readonly #ticksPerMs: number
  readonly #restMs: number

  static cellsFor(options: RateLimitOptions): number {
    return setsFor(options) * ways * placeCells
  }

  /** Throws a RangeError for options out of range. All threads must give the same. */
  constructor(cells: Cells, options: RateLimitOptions) {
    const { requests, perMs, burst = requests } = options
    if (!(requests > 0 && perMs > 0)) {
      throw new RangeError(`requests and perMs: expected more than 0, got ${requests} per ${perMs} ms`)
    }
    if (!(burst >= 1 && burst <= spanTicks)) {
      throw new RangeError(`burst: expected 1 to ${spanTicks}, got ${burst}`)
    }
    this.#cells = cells
    this.#sets = setsFor(options)
    this.#burst = Math.floor(burst)
    this.#interval = Math.min(finestTicks, Math.floor(spanTicks / this.#burst))
    this.#span = this.#interval * this.#burst
    this.#ticksPerMs = (this.#interval * requests) / perMs
    this.#restMs = (restSpans * this.#span) / this.#ticksPerMs
  }

  /**
   * Takes `cost` requests of the key's allowance: 0 when admitted, otherwise the milliseconds after which the
   * same would be, and nothing is taken. Infinity when the cost is more than a burst. `now` is monotonic.
   */
  take(key: string, now: number, cost = 1): number {
    if (cost > this.#burst) return Infinity
    const cells = this.#cells
    const nowTick = Math.floor(now * this.#ticksPerMs) | 0
    const rest = Math.floor(now / this.#restMs) | 0
    const set = (hash32(key, setSeed) & (this.#sets - 1)) * ways * placeCells
    const print = hash32(key, printSeed) | 0 || 1
    for (;;) {
      const place = this.#find(set, print, nowTick, rest)
      if (place === -1) continue
      // The TAT is read before the sign of rest, which is written the other way round: a place seen resting with
      // the TAT somebody has already woken it with cannot be, and a request of theirs is never forgotten.
      const found = cells.load(place + tat)
      if (resting(cells.load(place + touched), rest)) {
        if (cells.compareExchange(place + tat, found, nowTick)) cells.store(place + touched, rest)
        continue
      }
      const ahead = Math.max(0, (found - nowTick) | 0)
      const next = ahead + cost * this.#interval
      if (next > this.#span) return (next - this.#span) / this.#ticksPerMs
      if (!cells.compareExchange(place + tat, found, (nowTick + next) | 0)) continue
      if (cells.load(place + touched) !== rest) cells.store(place + touched, rest)
      return 0
    }
  }

  /** How many requests of the key would be admitted at once; takes nothing and remembers nobody. */
  left(key: string, now: number): number {
    const cells = this.#cells
    const nowTick = Math.floor(now * this.#ticksPerMs) | 0
    const rest = Math.floor(now / this.#restMs) | 0
    const set = (hash32(key, setSeed) & (this.#sets - 1)) * ways * placeCells
    const print = hash32(key, printSeed) | 0 || 1
    for (let place = set; place < set + ways * placeCells; place += placeCells) {
      if (cells.load(place + fingerprint) !== print || resting(cells.load(place + touched), rest)) continue
      const ahead = Math.max(0, (cells.load(place + tat) - nowTick) | 0)
      return Math.max(0, Math.floor((this.#span - ahead) / this.#interval))
    }
    return this.#burst
  }

  /** The key's place, perhaps just made; -1 when another thread was at the same place and one has to look again. */
  #find(set: number, print: number, nowTick: number, rest: number): number {
    const cells = this.#cells
    let victim = set
    let victimAhead = Infinity
    let victimPrint = 0
    let victimTat = 0
    for (let place = set; place < set + ways * placeCells; place += placeCells) {
      // In this order: a place that still has its old name after its TAT was read had it when it was read, so the TAT
      // is not yet the debt of a newcomer, which must not be renewed again below.
      const foundTat = cells.load(place + tat)
      const found = cells.load(place + fingerprint)
      if (found === print) return place
      let ahead = (foundTat - nowTick) | 0
      if (resting(cells.load(place + touched), rest)) ahead = -spanTicks
      if (found === 0) ahead = -Infinity
      if (ahead < victimAhead) {
        victim = place
        victimAhead = ahead
        victimPrint = found
        victimTat = foundTat
      }
    }
    // The allowance is renewed before the name is changed: nobody ever finds the new name with the old debt.
    if (!cells.compareExchange(victim + tat, victimTat, nowTick)) return -1
    cells.store(victim + touched, rest)
    return cells.compareExchange(victim + fingerprint, victimPrint, print) ? victim : -1
  }
}

const ways = 4
const fingerprint = 0
const tat = 1
const touched = 2
const placeCells = 3
const spanTicks = 2 ** 26
const finestTicks = 2 ** 20
/** A place is touched at least every so many bursts' worth of time; three times that is less than half a wrap. */
const restSpans = 8
const setSeed = 0x5bd1e995
const printSeed = 0x27d4eb2f

function setsFor({ keysMax = 16_384 }: RateLimitOptions): number {
  if (!(keysMax >= 1 && keysMax <= 2 ** 24)) {
    throw new RangeError(`keysMax: expected 1 to ${2 ** 24}, got ${keysMax}`)
  }
  return 2 ** Math.ceil(Math.log2(Math.max(1, keysMax / ways)))
}

/** Whether the last request is so long ago that all of its debt is paid. Threads' clocks may differ by one. */
function resting(touchedAt: number, rest: number): boolean {
  const age = (rest - touchedAt) | 0
  return age >= 2 || age < -1
}
