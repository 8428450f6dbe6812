import type {
  CoordinationStore,
  DirectoryResult,
  DrainTarget,
  DrainWish,
  Versioned,
  WriteLease,
} from '@budao/model'
import { leaseKey } from '@budao/model'

/** Where a gateway’s traffic is taken away from sites. */
export interface DrainDirectory {
  drain(target: DrainTarget, wish: DrainWish): Promise<DirectoryResult>
  undrain(target: DrainTarget, reason: string): Promise<DirectoryResult>
}

/** What it has to do with. */
export interface SharedDrainsOptions {
  readonly store: CoordinationStore
  readonly directory: DrainDirectory
  /** Every unit of the configuration in force. */
  units(): readonly string[]
  warn(message: string): void
}

/** What of a drain in the store a gateway looks at. */
interface StoredDrain {
  readonly site: string
  readonly reason: string
  readonly forced: boolean
  readonly lost: readonly string[]
}

/** Where controllers keep the sites that people have drained. */
export const drainsKey = 'drains'

const lookMs = 500

/**
 * A site that is drained at a controller gets no traffic from any gateway: each follows what the store says, once no unit is
 * written there any more. Where this gateway has nowhere else to go it refuses, and says so.
 */
export class SharedDrains {
  readonly #options: SharedDrainsOptions
  readonly #watch: { close(): void }
  /** What the store says; those that are not carried out here yet, and those that are. */
  #wanted: readonly StoredDrain[] = []
  readonly #done: Set<string> = new Set()
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: SharedDrainsOptions) {
    this.#options = options
    this.#watch = options.store.watch(drainsKey, (key, record) => {
      if (key === drainsKey) this.#told(record)
    })
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#watch.close()
  }

  #told({ value }: Versioned): void {
    this.#wanted = Array.isArray(value) ? (value as StoredDrain[]) : []
    for (const site of this.#done) {
      if (this.#wanted.some((drain) => drain.site === site)) continue
      this.#done.delete(site)
      void this.#options.directory.undrain({ site }, 'put back at a controller')
    }
    void this.#look()
  }

  async #look(): Promise<void> {
    clearTimeout(this.#timer)
    const { directory, warn } = this.#options
    let waits = false
    for (const { site, reason, forced, lost } of this.#wanted) {
      if (this.#done.has(site) || this.#closed) continue
      if (await this.#isWritten(site, lost)) {
        waits = true
        continue
      }
      this.#done.add(site)
      const result = await directory.drain({ site }, { reason, force: forced })
      if (!result.ok) warn(`${site} is drained, and gets traffic from here all the same: ${result.message}`)
    }
    if (waits && !this.#closed) {
      this.#timer = setTimeout(() => void this.#look(), lookMs)
      this.#timer.unref()
    }
  }

  /** Whether a unit is still there; yes while the store does not say. */
  async #isWritten(site: string, lost: readonly string[]): Promise<boolean> {
    try {
      for (const unit of this.#options.units()) {
        if (lost.includes(unit)) continue
        const lease = await this.#options.store.get(leaseKey(unit))
        if ((lease?.value as WriteLease | undefined)?.site === site) return true
      }
      return false
    } catch {
      return true
    }
  }
}
