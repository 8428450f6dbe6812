import type { FlightTable } from './flight-table.ts'
import type { StoredAnswer } from './stored-answer.ts'

/** Requests that wait for one answer; more ask by themselves. */
const FOLLOWERS_MAX = 10_000
/** Keys whose answers turned out to be for one client only, and for how long nobody waits for another one's. */
const SOLITARY_MAX = 4_096
const SOLITARY_MS = 120_000

/** A request that waits for the answer to an equal one. Exactly one of these ends its waiting, if it does not leave. */
export interface Follower {
  /** `key` is the one the answer was kept under: of the URL, or with what it varies by. */
  onLanded(answer: StoredAnswer, key: string): void
  /** There is nothing to share: ask by yourself. `failed`: the one that asked got no answer. */
  onAlone(failed: boolean): void
  /** The one that asked has gone away: ask in its place, for all who wait. */
  onLead(flight: Flight): void
  /** Another thread has asked and is through: what it got may be kept by now. If not, ask, for all who wait. */
  onReleased(flight: Flight): void
}

/** One request to an endpoint, and the equal ones that wait for its answer. */
export class Flight {
  readonly #flights: Flights
  readonly #key: string
  readonly #followers: Set<Follower> = new Set()
  /** In the table of all threads; -1 when it is not there. */
  readonly #slot: number

  constructor(flights: Flights, key: string, slot: number) {
    this.#flights = flights
    this.#key = key
    this.#slot = slot
  }

  /** False when too many wait already. */
  join(follower: Follower): boolean {
    if (this.#followers.size >= FOLLOWERS_MAX) return false
    this.#followers.add(follower)
    return true
  }

  leave(follower: Follower): void {
    this.#followers.delete(follower)
  }

  /** The answer is there, and may be given to everybody who waits. */
  land(answer: StoredAnswer, key: string): void {
    this.#flights.end(this, this.#key, this.#slot)
    for (const follower of this.#taken()) follower.onLanded(answer, key)
  }

  /** There is no answer; or none that may be shared, nor will there be for the next requests. */
  dissolve(why: 'failed' | 'solitary', now: number): void {
    this.#flights.end(this, this.#key, this.#slot)
    if (why === 'solitary') this.#flights.setSolitary(this.#key, now)
    for (const follower of this.#taken()) follower.onAlone(why === 'failed')
  }

  /** Whoever asked went away before the answer was there: the next in line asks. */
  abandon(): void {
    this.#next()?.onLead(this)
  }

  /** The other thread that asked is through. */
  released(): void {
    this.#next()?.onReleased(this)
  }

  /** The flight ends when nobody waits. */
  #next(): Follower | undefined {
    const { value } = this.#followers.values().next()
    if (value === undefined) this.#flights.end(this, this.#key, this.#slot)
    else this.#followers.delete(value)
    return value
  }

  #taken(): Follower[] {
    const followers = [...this.#followers]
    this.#followers.clear()
    return followers
  }
}

/** The flights of one thread. */
export class Flights {
  readonly #byKey: Map<string, Flight> = new Map()
  /** Until when, monotonic milliseconds; the oldest first. */
  readonly #solitary: Map<string, number> = new Map()
  readonly #table: FlightTable

  constructor(table: FlightTable) {
    this.#table = table
  }

  /** The flight of that key that is under way. */
  find(key: string): Flight | undefined {
    return this.#byKey.get(key)
  }

  /** One that only this thread knows of. */
  begin(key: string, slot = -1): Flight {
    const flight = new Flight(this, key, slot)
    this.#byKey.set(key, flight)
    return flight
  }

  /** One that all threads know of; `elsewhere` when another one has asked already, which is waited for so long. */
  beginShared(key: string, waitMs: number): { readonly flight: Flight; readonly elsewhere: boolean } {
    const claim = this.#table.claim(key)
    if (claim === null) return { flight: this.begin(key), elsewhere: false }
    if (!('askedBy' in claim)) return { flight: this.begin(key, claim.slot), elsewhere: false }
    const flight = this.begin(key)
    void this.#table.whenReleased(claim.slot, claim.askedBy, waitMs).then(() => flight.released())
    return { flight, elsewhere: true }
  }

  end(flight: Flight, key: string, slot: number): void {
    if (this.#byKey.get(key) === flight) this.#byKey.delete(key)
    if (slot !== -1) this.#table.release(slot)
  }

  /** Whether it is in vain to wait for an equal request. */
  isSolitary(key: string, now: number): boolean {
    const until = this.#solitary.get(key)
    if (until === undefined) return false
    if (now < until) return true
    this.#solitary.delete(key)
    return false
  }

  setSolitary(key: string, now: number, ms: number = SOLITARY_MS): void {
    this.#solitary.delete(key)
    this.#solitary.set(key, now + ms)
    if (this.#solitary.size > SOLITARY_MAX) this.#solitary.delete(this.#solitary.keys().next().value!)
  }

  /** An answer of that key was kept. */
  clearSolitary(key: string): void {
    if (this.#solitary.size > 0) this.#solitary.delete(key)
  }
}
