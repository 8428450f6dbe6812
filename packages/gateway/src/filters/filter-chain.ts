import type { ExchangeRecord, Filter, FilterRequest, FilterResponse, Reply } from './filter.ts'

/** Runs one request through the filters of its route, and its answer back through those it has passed. */
export class FilterChain {
  #filters: readonly Filter[] = []
  #passed = 0
  readonly #tell: (problem: string) => void

  /** `tell` is told of every filter that throws. */
  constructor(tell: (problem: string) => void) {
    this.#tell = tell
  }

  begin(filters: readonly Filter[]): void {
    this.#filters = filters
    this.#passed = 0
  }

  /** Whether an answer has filters to pass. */
  get hasPassed(): boolean {
    return this.#passed > 0
  }

  /**
   * Goes on with the next filter. Returns undefined when all have passed, or what one of them has to say; after a
   * promise that came to undefined, call again. Throws what a filter throws.
   */
  onRequest(request: FilterRequest): Reply | undefined | Promise<Reply | undefined> {
    while (this.#passed < this.#filters.length) {
      const filter = this.#filters[this.#passed]!
      let result: Reply | undefined | Promise<Reply | undefined>
      try {
        result = filter.onRequest?.(request)
      } catch (error) {
        this.#warn(filter.name, error)
        throw error
      }
      this.#passed++
      if (result !== undefined) return result
    }
    return undefined
  }

  /** The promise of the last filter was rejected. */
  onRejected(error: unknown): void {
    this.#warn(this.#filters[this.#passed - 1]!.name, error)
  }

  /** In the opposite order. False when a filter threw: the answer then passes no others. */
  onResponse(request: FilterRequest, response: FilterResponse): boolean {
    for (let i = this.#passed - 1; i >= 0; i--) {
      const filter = this.#filters[i]!
      try {
        filter.onResponse?.(request, response)
      } catch (error) {
        this.#warn(filter.name, error)
        this.#passed = 0
        return false
      }
    }
    return true
  }

  /** Every filter of the route is told, passed or not: a log wants to know of what was refused before it. */
  onEnd(request: FilterRequest, record: ExchangeRecord): void {
    for (const filter of this.#filters) {
      try {
        filter.onEnd?.(request, record)
      } catch (error) {
        this.#warn(filter.name, error)
      }
    }
  }

  #warn(filter: string, error: unknown): void {
    const cause = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#tell(`filter ${filter} failed: ${cause}`)
  }
}
