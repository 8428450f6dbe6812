import type { Storage } from './storage.ts'

/** An answer for later. */
export interface Kept {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Milliseconds since 1970: the only clock that survives the process. */
  readonly at: number
}

export interface CacheStoreOptions {
  /** Characters of all answers together, as an estimate of bytes. Default 2 000 000: a fifth of the platform's quota. */
  readonly sizeMax: number
  /** A larger answer is not kept. Default 200 000. */
  readonly entryMax: number
}

export const cacheStoreDefaults: CacheStoreOptions = { sizeMax: 2_000_000, entryMax: 200_000 }

const PREFIX = 'budao:cache:'

/**
 * Answers of one user, the least used going first, in memory and behind that in the platform's storage. Never waits for
 * storage but in `load`, and never touches keys that are not its own.
 */
export class CacheStore {
  readonly #storage: Storage
  readonly #options: CacheStoreOptions
  /** In order of use. */
  readonly #entries: Map<string, Kept> = new Map()
  /** Whose answers they are. */
  user = ''
  #size = 0
  #loaded: Promise<void> | null = null
  /** Writes follow one another: an older state must not overtake a newer one. */
  #writing: Promise<void> = Promise.resolve()

  constructor(storage: Storage, options: CacheStoreOptions) {
    this.#storage = storage
    this.#options = options
  }

  /** Reads what was kept before this process began; the first call begins it. */
  load(): Promise<void> {
    return (this.#loaded ??= this.#read(this.user).catch(() => {}))
  }

  get(key: string): Kept | undefined {
    const kept = this.#entries.get(key)
    if (kept === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, kept)
    return kept
  }

  put(key: string, kept: Kept): void {
    this.#forget(key)
    if (sizeOf(key, kept) > this.#options.entryMax) return this.remove(key)
    this.#insert(key, kept)
    for (const oldest of this.#entries.keys()) {
      if (this.#size <= this.#options.sizeMax) break
      this.remove(oldest)
    }
    const name = this.#prefix() + key
    void this.#queue(() =>
      // The quota is the app's: what does not fit is kept for this process only.
      this.#storage.set(name, JSON.stringify(kept)).catch(() => this.#storage.remove(name)),
    )
  }

  remove(key: string): void {
    const name = this.#prefix() + key
    this.#forget(key)
    void this.#queue(() => this.#storage.remove(name))
  }

  /** Another user's answers from now on; those of the one before are removed, from storage too. */
  switchUser(user: string): Promise<void> {
    if (user === this.user) return this.#writing
    const before = this.#prefix()
    this.user = user
    this.#clear()
    this.#loaded = null
    return this.#queue(async () => {
      for (const key of await this.#storage.keys())
        if (key.startsWith(before)) await this.#storage.remove(key)
    })
  }

  /** Resolves when all that was put or removed has reached storage, or failed to. */
  flushed(): Promise<void> {
    return this.#writing
  }

  async #read(user: string): Promise<void> {
    await this.#writing
    const prefix = this.#prefix()
    const found: (readonly [string, Kept])[] = []
    for (const name of await this.#storage.keys()) {
      if (!name.startsWith(prefix)) continue
      const kept = parseKept(await this.#storage.get(name))
      if (user !== this.user) return
      if (kept === undefined) this.remove(name.slice(prefix.length))
      else found.push([name.slice(prefix.length), kept])
    }
    // What has been put meanwhile is newer.
    const newer = [...this.#entries]
    this.#clear()
    found.sort(([, a], [, b]) => a.at - b.at)
    for (const [key, kept] of [...found, ...newer]) {
      this.#forget(key)
      this.#insert(key, kept)
    }
  }

  #insert(key: string, kept: Kept): void {
    this.#entries.set(key, kept)
    this.#size += sizeOf(key, kept)
  }

  #clear(): void {
    this.#entries.clear()
    this.#size = 0
  }

  #prefix(): string {
    // A name with a colon in it must not look like the beginning of another's.
    return `${PREFIX}${encodeURIComponent(this.user)}:`
  }

  #forget(key: string): void {
    const kept = this.#entries.get(key)
    if (kept === undefined) return
    this.#entries.delete(key)
    this.#size -= sizeOf(key, kept)
  }

  #queue(work: () => Promise<void>): Promise<void> {
    this.#writing = this.#writing.then(work).catch(() => {})
    return this.#writing
  }
}

function sizeOf(key: string, { body }: Kept): number {
  return key.length + body.length
}

/** What storage holds may be of another version, or of anybody. */
function parseKept(text: string | undefined): Kept | undefined {
  if (text === undefined) return undefined
  try {
    const { status, headers, body, at } = JSON.parse(text) as Kept
    const whole = typeof status === 'number' && typeof body === 'string' && typeof at === 'number'
    return whole && typeof headers === 'object' ? { status, headers: headers ?? {}, body, at } : undefined
  } catch {
    return undefined
  }
}
