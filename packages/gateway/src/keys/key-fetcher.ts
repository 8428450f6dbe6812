import type { Config, EventDraft, KeyFetchConfig } from '@budao/model'
import { isUrl, keyUrls } from './key-urls.ts'
import { fetchText } from './fetch-text.ts'
import { KeyCopies } from './key-copies.ts'
import { keyIds, keySetBytesMax, parseKeySet } from './key-set.ts'
import type { KeyTexts } from './remote-texts.ts'

/** What a gateway has from outside. */
export interface KeyOutside {
  /** Where last good key sets outlive the process; absent: they do not. */
  readonly keysFolder?: string | undefined
  report(event: EventDraft): void
  warn(message: string): void
}

export interface KeyFetcherOptions {
  /** Monotonic milliseconds. */
  now(): number
  readonly outside: KeyOutside
  /** Tells all threads what there is now; also when a thread has asked and nothing is new. */
  tell(texts: KeyTexts): void
}

/** What is known of one URL, for metrics. */
export interface KeyUrlReport {
  /** Without credentials and query. */
  readonly url: string
  /** Whether the last fetch gave keys. */
  readonly up: boolean
  /** Since keys were fetched; null when they never were in this process. */
  readonly ageMs: number | null
  readonly fetched: number
  readonly failed: number
}

interface Watched {
  readonly url: string
  config: KeyFetchConfig
  text: string | undefined
  fetchedAt: number | null
  /** Not before, whoever asks. */
  earlyAt: number
  failing: boolean
  fetched: number
  failed: number
  timer: NodeJS.Timeout | undefined
  running: Promise<void> | undefined
}

/**
 * Fetches key sets for all threads of a gateway: each URL at the start, every `interval`, and early when a token names a
 * key that is not known, but not more often than every `cooldown`. A fetch that fails leaves the last good keys in force,
 * and is tried again after `cooldown`. One event tells of each change.
 */
export class KeyFetcher {
  readonly #options: KeyFetcherOptions
  readonly #copies: KeyCopies | null
  readonly #watched: Map<string, Watched> = new Map()

  constructor(options: KeyFetcherOptions) {
    this.#options = options
    const { keysFolder } = options.outside
    this.#copies = keysFolder === undefined ? null : new KeyCopies(keysFolder)
  }

  /**
   * Gets what a configuration needs: resolves when every URL has keys or its first fetch has ended. With a copy from before nobody waits:
   * a gateway has to start while the URL is away. `retain` then ends what is no longer needed.
   */
  async prepare(config: Config): Promise<void> {
    await Promise.all(
      keyUrls(config).map(async ([url, fetch]) => {
        const known = this.#watched.get(url)
        if (known !== undefined) {
          known.config = fetch
          return
        }
        const watched = newWatched(url, fetch)
        this.#watched.set(url, watched)
        const copy = await this.#copies?.read(url)
        if (copy !== undefined && isGood(copy, url)) watched.text = copy
        const first = this.#fetch(watched)
        if (watched.text === undefined) await first
      }),
    )
  }

  /** Watches only what this configuration needs. */
  retain(config: Config | undefined): void {
    const wanted = new Set(config === undefined ? [] : keyUrls(config).map(([url]) => url))
    for (const [url, watched] of this.#watched) {
      if (wanted.has(url)) continue
      clearTimeout(watched.timer)
      this.#watched.delete(url)
    }
  }

  texts(): KeyTexts {
    return Object.fromEntries([...this.#watched.values()].map(({ url, text }) => [url, text]))
  }

  /** A thread has a token of a key that is not among those of this URL. */
  async wanted(url: string): Promise<void> {
    const watched = this.#watched.get(url)
    if (watched !== undefined && (watched.running !== undefined || this.#options.now() >= watched.earlyAt))
      await this.#fetch(watched)
    this.#options.tell(this.texts())
  }

  report(): KeyUrlReport[] {
    const now = this.#options.now()
    return [...this.#watched.values()].map(({ url, failing, fetchedAt, fetched, failed }) => ({
      url: shown(url),
      up: !failing && fetchedAt !== null,
      ageMs: fetchedAt === null ? null : now - fetchedAt,
      fetched,
      failed,
    }))
  }

  close(): void {
    this.retain(undefined)
  }

  #fetch(watched: Watched): Promise<void> {
    watched.running ??= this.#fetchNow(watched).finally(() => {
      watched.running = undefined
      if (this.#watched.get(watched.url) !== watched) return
      const { interval, cooldown } = watched.config
      const waitMs = watched.failing ? cooldown : interval
      watched.timer = setTimeout(() => void this.#fetch(watched), waitMs).unref()
    })
    return watched.running
  }

  async #fetchNow(watched: Watched): Promise<void> {
    clearTimeout(watched.timer)
    const { url, config } = watched
    try {
      const text = await fetchText(url, { timeoutMs: config.timeout, bytesMax: keySetBytesMax })
      this.#onFetched(watched, text, keyIds(parseKeySet(text, shown(url))))
      await this.#keep(watched)
    } catch (error) {
      this.#onFailed(watched, error instanceof Error ? error.message : String(error))
    }
    watched.earlyAt = this.#options.now() + config.cooldown
  }

  #onFetched(watched: Watched, text: string, keys: string): void {
    const { url, failing } = watched
    const changed = watched.text !== text
    const first = watched.text === undefined
    Object.assign(watched, {
      text,
      failing: false,
      fetchedAt: this.#options.now(),
      fetched: watched.fetched + 1,
    })
    if (this.#watched.get(url) !== watched) return
    if (changed) this.#options.tell(this.texts())
    const subject = shown(url)
    if (failing) {
      this.#options.outside.report({
        kind: 'keys.available',
        severity: 'info',
        subject,
        message: `The keys of ${subject} can be fetched again.`,
        evidence: { keys },
      })
    } else if (changed && !first) {
      this.#options.outside.report({
        kind: 'keys.changed',
        severity: 'info',
        subject,
        message: `The keys of ${subject} have changed.`,
        evidence: { keys },
      })
    }
  }

  #onFailed(watched: Watched, reason: string): void {
    const { url, failing, text } = watched
    Object.assign(watched, { failing: true, failed: watched.failed + 1 })
    if (failing || this.#watched.get(url) !== watched) return
    const subject = shown(url)
    this.#options.outside.report({
      kind: 'keys.unavailable',
      severity: text === undefined ? 'critical' : 'warning',
      subject,
      message:
        text === undefined
          ? `The keys of ${subject} cannot be fetched, and there are none from before: tokens cannot be checked.`
          : `The keys of ${subject} cannot be fetched: those fetched before stay in force.`,
      evidence: { reason },
    })
  }

  async #keep({ url, text }: Watched): Promise<void> {
    try {
      if (text !== undefined) await this.#copies?.write(url, text)
    } catch (error) {
      this.#options.outside.warn(
        `the keys of ${shown(url)} cannot be kept for the next start: ${String(error)}`,
      )
    }
  }
}

function newWatched(url: string, config: KeyFetchConfig): Watched {
  return {
    url,
    config,
    text: undefined,
    fetchedAt: null,
    earlyAt: 0,
    failing: false,
    fetched: 0,
    failed: 0,
    timer: undefined,
    running: undefined,
  }
}

function isGood(text: string, url: string): boolean {
  try {
    return parseKeySet(text, url).set.keys.length > 0
  } catch {
    return false
  }
}

function shown(url: string): string {
  if (!isUrl(url)) return url
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}
