import type { Config, EventDraft } from '@budao/model'
import type { Cells } from '@budao/resilience'
import type { OwnAnswer } from '../exchange/own-answer.ts'
import type { OwnWork } from '../exchange/own-work.ts'

/** What a route with `serve` answers with, in one thread: exactly one of the two. */
export interface Served {
  /** At once, without a look at the body. */
  readonly answer: OwnAnswer | null
  /** Behind the body, or behind something that takes time. */
  readonly work: OwnWork | null
  /** Releases files and timers; nothing is asked any more. */
  close?(): Promise<void> | void
}

/** What the outside gives it. */
export interface ServeEnv {
  readonly route: string
  readonly node: string
  /** Relative paths in the configuration start here. */
  readonly baseDir: string
  /** Monotonic milliseconds. */
  now(): number
  /** Milliseconds since 1970. */
  wallNow(): number
  /** From 0 to below 1. */
  random(): number
  warn(message: string): void
  report(event: EventDraft): void
  /** Of the configuration. */
  readonly identity: Config['identity']
  /** What the main thread has made for all threads, by name. */
  text(name: string): string | undefined
  /** This thread's own numbers, kept from snapshot to snapshot. */
  numbers(name: string): Float64Array
  /** Memory of all threads. */
  cells(name: string): Cells
}
