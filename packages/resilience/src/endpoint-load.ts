import type { Cells } from './cells.ts'

/** What a balancer wants to know of an endpoint at the moment of a choice. */
export interface EndpointLoad {
  /** Requests under way, of all threads. */
  inFlight(): number
  /** Peak-sensitive moving average of the time to the response head, milliseconds, as this thread saw it. */
  latencyMs(now: number): number
}

/** How an endpoint’s load is shared and averaged. */
export interface EndpointLoadOptions {
  /** Threads that share the cells. Default 1. */
  readonly workers?: number
  /** Which of them this is, from 0. Default 0. */
  readonly worker?: number
  /** Time after which an old latency counts 1/e. Default 10 000 ms. */
  readonly decayMs?: number
  /** Assumed while the first request is under way, milliseconds. Default 10. */
  readonly defaultLatencyMs?: number
}

/**
 * Load of one endpoint. Counts are shared: each thread adds to a cell of its own and all are read together,
 * so the requests of a crashed thread can be taken back with `forget`. The latency stays with the thread, for
 * two threads that saw different latencies choose better apart than over a racing shared float.
 *
 * The average is a peak EWMA as in Finagle: a higher latency is taken over at once, a lower one gradually, and
 * without observations it sinks, so that an endpoint once slow is tried again.
 */
export class SharedEndpointLoad implements EndpointLoad {
  /** Per thread: requests under way, requests begun, failures. One more cell: the latency of the last observer. */
  static cellsFor(workers = 1): number {
    return workers * perWorker + 1
  }

  readonly #cells: Cells
  readonly #offset: number
  readonly #end: number
  readonly #own: number
  readonly #decayMs: number
  #latencyMs: number
  /** When the average was last right; -1 while the endpoint is untried. */
  #at = -1
  #observed = false

  constructor(cells: Cells, options: EndpointLoadOptions = {}, offset = 0) {
    const { workers = 1, worker = 0, decayMs = 10_000, defaultLatencyMs = 10 } = options
    this.#cells = cells
    this.#offset = offset
    this.#end = offset + workers * perWorker
    this.#own = offset + worker * perWorker
    this.#decayMs = decayMs
    this.#latencyMs = defaultLatencyMs
  }

  /** A request goes out. Every `enter` has its `leave`. */
  enter(): void {
    this.#cells.add(this.#own, 1)
    this.#cells.add(this.#own + begun, 1)
  }

  /** Something that was counted elsewhere goes on here: under way, and not begun anew. `leave` as after `enter`. */
  carryOver(): void {
    this.#cells.add(this.#own, 1)
  }

  /** The request has ended, however it did. */
  leave(): void {
    this.#cells.add(this.#own, -1)
  }

  /** The request failed, whether or not there was an answer to `observe`. */
  countFailure(now: number): void {
    this.#cells.add(this.#own + failed, 1)
    if (this.#at < 0) this.#at = now
  }

  /** The response head came after `latencyMs`. */
  observe(latencyMs: number, now: number): void {
    if (!this.#observed || latencyMs >= this.#latencyMs) {
      this.#latencyMs = latencyMs
    } else {
      const old = Math.exp(-Math.max(0, now - this.#at) / this.#decayMs)
      this.#latencyMs = this.#latencyMs * old + latencyMs * (1 - old)
    }
    this.#observed = true
    this.#at = now
    this.#cells.store(this.#end, Math.min(this.#latencyMs * 1000, 0x7fffffff))
  }

  inFlight(): number {
    let sum = 0
    for (let i = this.#offset; i < this.#end; i += perWorker) sum += this.#cells.load(i)
    return sum
  }

  latencyMs(now: number): number {
    // An untried endpoint would never win against faster ones: it gets one request at a time for free.
    if (this.#at < 0) return this.inFlight() === 0 ? 0 : this.#latencyMs
    return this.#latencyMs * Math.exp(-Math.max(0, now - this.#at) / this.#decayMs)
  }

  /** For reports: the average of whichever thread observed last, not sinking; 0 before the first observation. */
  get lastLatencyMs(): number {
    return this.#cells.load(this.#end) / 1000
  }

  /** Requests begun since the cells were zeroed; wraps after 2^32 per thread. */
  get requests(): number {
    return this.#sum(begun)
  }

  /** Failures counted since the cells were zeroed; wraps after 2^32 per thread. */
  get failures(): number {
    return this.#sum(failed)
  }

  /** Takes over the average that this thread has of the same endpoint. */
  follow(previous: SharedEndpointLoad): void {
    this.#latencyMs = previous.#latencyMs
    this.#at = previous.#at
    this.#observed = previous.#observed
  }

  /** Takes back what a thread that is gone had under way; says how much that was. */
  forget(worker: number): number {
    const own = this.#offset + worker * perWorker
    const underWay = this.#cells.load(own)
    this.#cells.store(own, 0)
    return underWay
  }

  #sum(of: number): number {
    let sum = 0
    for (let i = this.#offset + of; i < this.#end; i += perWorker) sum += this.#cells.load(i) >>> 0
    return sum
  }
}

const perWorker = 3
const begun = 1
const failed = 2
