import { readExposition } from '../series/exposition-reader.ts'
import type { SeriesStore } from '../series/series-store.ts'

/** Metrics of one process: its own text, or where another one’s is. */
export interface MetricSource {
  /** The label `instance` of its series; empty: this process. */
  readonly instance: string
  /** Rejects when there is none. */
  read(signal: AbortSignal): Promise<string> | string
}

/** Pages that are larger than this are no metrics of ours. */
const pageBytesMax = 32 * 1024 * 1024

/** Reads the metrics of all sources into the store, only those that rules look at. */
export class Scraper {
  readonly #store: SeriesStore
  readonly #sources: readonly MetricSource[]
  readonly #names: ReadonlySet<string>
  readonly problems: Map<string, string> = new Map()

  /** `names` without `_bucket`, `_sum` and `_count`. */
  constructor(store: SeriesStore, sources: readonly MetricSource[], names: Iterable<string>) {
    this.#store = store
    this.#sources = sources
    this.#names = new Set(names)
  }

  /** Reads everything once, side by side; a source that fails has no series then. */
  async scrape(now: () => number, timeoutMs: number): Promise<void> {
    if (this.#names.size === 0) return
    await Promise.all(this.#sources.map((source) => this.#scrapeOne(source, now, timeoutMs)))
  }

  async #scrapeOne(source: MetricSource, now: () => number, timeoutMs: number): Promise<void> {
    const { instance } = source
    try {
      const text = await source.read(AbortSignal.timeout(timeoutMs))
      if (text.length > pageBytesMax) throw new Error(`more than ${pageBytesMax} bytes`)
      this.#store.scrape(
        instance,
        now(),
        readExposition(text, (name) => this.#wants(name)),
      )
      this.problems.delete(instance)
    } catch (error) {
      this.problems.set(instance, (error as Error).message)
      this.#store.scrape(instance, now(), [])
    }
    if (instance !== '' && this.#names.has('up'))
      this.#store.append('up', { instance }, now(), this.problems.has(instance) ? 0 : 1)
  }

  #wants(name: string): boolean {
    return this.#names.has(name) || (name.endsWith('_bucket') && this.#names.has(name.slice(0, -7)))
  }
}

/** Metrics of another process by HTTP. */
export function remoteMetrics(url: string, token: string | undefined): MetricSource {
  return {
    instance: new URL(url).host,
    async read(signal) {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
      const answer = await fetch(url, { headers, signal, redirect: 'manual' })
      if (!answer.ok) {
        await answer.body?.cancel()
        throw new Error(`answered ${answer.status}`)
      }
      return await answer.text()
    },
  }
}
