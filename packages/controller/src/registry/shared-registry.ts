import type {
  CompareAndSetResult,
  CoordinationStore,
  DirectoryResult,
  DrainWish,
  EndpointRegistration,
  Versioned,
} from '@budao/model'
import { asRecord, changedRecord, newsOf, registryKey, registryPrefix } from './registry-record.ts'
import type { RegistryChange, RegistryEntry, RegistryRecord } from './registry-record.ts'

/** The endpoints of the gateway in this process. */
export interface RegistryDirectory {
  register(registration: EndpointRegistration): Promise<DirectoryResult>
  renew(service: string, address: string): DirectoryResult
  deregister(service: string, address: string, wish: DrainWish): Promise<DirectoryResult>
  /** Undefined where it is not registered here. */
  registration(service: string, address: string): EndpointRegistration | undefined
}

/** What a registry has to do with. */
export interface SharedRegistryOptions {
  readonly node: string
  readonly store: CoordinationStore
  readonly directory: RegistryDirectory
  /** Monotonic milliseconds. */
  now(): number
  warn(message: string): void
}

/** Changes within this time are stored together, milliseconds. */
const gatherMs = 100
/** After a store that did not answer, milliseconds. */
const againMs = 1_000
const tickMs = 1_000
/** So much later than its end a lease counts as ended for everybody: renewals take a moment to arrive, milliseconds. */
const graceMs = 2_000
const attemptsMax = 8
const answerMs = 1_000

interface SharedService {
  record: RegistryRecord
  version: number
  /** As they were seen last, and when; what was lost from the store without having left stays here. */
  readonly seen: Map<string, { entry: RegistryEntry; at: number }>
  readonly changes: Map<string, RegistryChange>
  storing: boolean
  timer: NodeJS.Timeout | undefined
}

/**
 * Endpoints that register at one gateway are registered at all: each tells the others through the coordination store, and
 * every gateway keeps its own leases by its own clock. Silence of the store takes nobody away, and neither does a record
 * that has lost its endpoints: one that leaves says so.
 */
export class SharedRegistry {
  readonly #options: SharedRegistryOptions
  readonly #services: Map<string, SharedService> = new Map()
  readonly #watch: { close(): void }
  readonly #ticks: NodeJS.Timeout
  #away = false
  #asking = false
  #closed = false

  constructor(options: SharedRegistryOptions) {
    this.#options = options
    this.#watch = options.store.watch(registryPrefix, (key, record) => this.#told(key, record))
    this.#ticks = setInterval(() => void this.#tick(), tickMs)
    this.#ticks.unref()
  }

  /** An endpoint registered, changed or renewed at this gateway. */
  registered(registration: EndpointRegistration): void {
    this.#change(registration.service, registration.address, { kind: 'put', registration })
  }

  /** It renewed here. */
  renewed(service: string, address: string): void {
    const registration = this.#options.directory.registration(service, address)
    if (registration !== undefined) this.registered(registration)
  }

  /** It left here. */
  deregistered(service: string, address: string): void {
    this.#change(service, address, { kind: 'leave' })
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#ticks)
    for (const { timer } of this.#services.values()) clearTimeout(timer)
    this.#watch.close()
  }

  #of(service: string): SharedService {
    let shared = this.#services.get(service)
    if (shared === undefined) {
      const record = { endpoints: [], left: [] }
      shared = { record, version: 0, seen: new Map(), changes: new Map(), storing: false, timer: undefined }
      this.#services.set(service, shared)
    }
    return shared
  }

  #told(key: string, { version, value }: Versioned): void {
    if (this.#closed) return
    const service = key.slice(registryPrefix.length)
    const shared = this.#of(service)
    if (version <= shared.version) return
    const { directory, now } = this.#options
    const record = asRecord(value)
    shared.version = version
    shared.record = record
    const seen = new Map([...shared.seen].map(([address, { entry }]) => [address, entry]))
    const { put, left } = newsOf(record, seen)
    for (const entry of put) {
      shared.seen.set(entry.address, { entry, at: now() })
      if (entry.by !== this.#options.node || directory.registration(service, entry.address) === undefined)
        void this.#take(service, entry)
    }
    for (const address of left) {
      shared.seen.delete(address)
      if (directory.registration(service, address) === undefined) continue
      // What may not go, because nothing else is usable, stays until its lease is judged here.
      void directory.deregister(service, address, { force: false, reason: 'it left at another gateway' })
    }
  }

  async #take(service: string, entry: RegistryEntry): Promise<void> {
    const { renewal: _renewal, by, ...facts } = entry
    const result = await this.#options.directory.register({ service, ...facts })
    // One that stands in the file of this gateway is there already; of a service of another configuration nobody asks here.
    if (result.ok || result.code === 'endpoint-configured' || result.code === 'unknown-service') return
    this.#options.warn(
      `${facts.address} of ${service}, registered at ${by}, is not taken here: ${result.message}`,
    )
  }

  #change(service: string, address: string, change: RegistryChange): void {
    const shared = this.#of(service)
    shared.changes.set(address, change)
    this.#later(service, shared, gatherMs)
  }

  #later(service: string, shared: SharedService, ms: number): void {
    if (this.#closed || shared.timer !== undefined) return
    shared.timer = setTimeout(() => {
      shared.timer = undefined
      void this.#store(service, shared)
    }, ms)
    shared.timer.unref()
  }

  /** One at a time for each service; what comes meanwhile is stored after it. */
  async #store(service: string, shared: SharedService): Promise<void> {
    if (shared.storing || shared.changes.size === 0 || this.#closed) return
    shared.storing = true
    const changes = new Map(shared.changes)
    const stored = await this.#stored(service, shared, changes)
    shared.storing = false
    if (stored) {
      for (const [address, change] of changes)
        if (shared.changes.get(address) === change) shared.changes.delete(address)
    }
    if (shared.changes.size > 0) this.#later(service, shared, stored ? gatherMs : againMs)
  }

  async #stored(
    service: string,
    shared: SharedService,
    changes: ReadonlyMap<string, RegistryChange>,
  ): Promise<boolean> {
    const { store, node } = this.#options
    const key = registryKey(service)
    for (let attempt = 0; attempt < attemptsMax && !this.#closed; attempt++) {
      const next = changedRecord(shared.record, changes, node)
      if (next === shared.record) return true
      const result = await this.#within<CompareAndSetResult>(store.compareAndSet(key, shared.version, next))
      if (result === undefined) return false
      if (result.current !== null) {
        // A version that went back is another store, such as one from a backup.
        if (!result.ok && result.current.version < shared.version) shared.version = 0
        this.#told(key, result.current)
      } else if (!result.ok) {
        // The store has lost the record: what is known here is put back.
        shared.version = 0
        shared.record = this.#known(shared)
      }
      if (result.ok) return true
    }
    return false
  }

  #known({ record, seen }: SharedService): RegistryRecord {
    const there = new Set(record.endpoints.map(({ address }) => address))
    const lost = [...seen.values()].map(({ entry }) => entry).filter(({ address }) => !there.has(address))
    return { endpoints: [...record.endpoints, ...lost], left: record.left }
  }

  async #tick(): Promise<void> {
    if (this.#services.size === 0 || this.#asking) return
    this.#asking = true
    const [service] = this.#services.keys()
    const answer = await this.#within(this.#options.store.get(registryKey(service!)))
    this.#asking = false
    if (this.#closed) return
    this.#setAway(answer === undefined)
    if (this.#away) this.#keepAll()
    else this.#endLeases()
  }

  /** While nobody can tell, what others have registered stays as it was. */
  #keepAll(): void {
    for (const [service, { seen }] of this.#services) {
      for (const { entry } of seen.values())
        if (entry.by !== this.#options.node) this.#options.directory.renew(service, entry.address)
    }
  }

  /** Leases that nobody has renewed anywhere end for everybody. */
  #endLeases(): void {
    const now = this.#options.now()
    for (const [service, shared] of this.#services) {
      for (const [address, { entry, at }] of shared.seen) {
        if (now - at < entry.leaseMs + graceMs || shared.changes.has(address)) continue
        const inStore = shared.record.endpoints.some((each) => each.address === address)
        if (inStore) this.#change(service, address, { kind: 'ended', renewal: entry.renewal })
        else shared.seen.delete(address)
      }
    }
  }

  #setAway(away: boolean): void {
    if (away === this.#away) return
    this.#away = away
    if (away) {
      const what = 'registrations of other gateways stay as they are'
      return this.#options.warn(`the coordination store does not answer: ${what}`)
    }
    // Nobody could tell of renewals meanwhile: every lease begins anew.
    const at = this.#options.now()
    for (const { seen } of this.#services.values()) for (const each of seen.values()) each.at = at
  }

  /** Undefined: no answer in time. */
  async #within<T>(asked: Promise<T>): Promise<T | undefined> {
    const { promise: late, resolve } = Promise.withResolvers<undefined>()
    const timer = setTimeout(() => resolve(undefined), answerMs)
    try {
      return await Promise.race([asked, late])
    } catch {
      return undefined
    } finally {
      clearTimeout(timer)
    }
  }
}
