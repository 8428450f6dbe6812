import { backoffMs } from '@budao/resilience'
import { isInProgress, isTokenRefused } from './answer-body.ts'
import { ApiError } from './api-error.ts'
import type { Client } from './client.ts'
import { idempotencyKey } from './idempotency-key.ts'
import { isDead, outboxVerdict, parseItem, type DeadItem, type OutboxItem } from './outbox-item.ts'
import { MemoryStorage, type Storage } from './storage.ts'
import type { Method } from './transport.ts'
import { withDefaults } from './with-defaults.ts'

/** A write for the outbox. */
export interface QueuedWrite {
  /** What it changes: `cart:7`. */
  readonly entity: string
  /** Default POST. */
  readonly method?: Method
  readonly path: string
  readonly data?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface OutboxOptions {
  /** Most writes that wait. Default 200. */
  readonly itemsMax: number
  /** Characters of all of them together. Default 500 000. */
  readonly sizeMax: number
  /** Refused writes that are kept to be looked at; the oldest goes first. Default 50. */
  readonly deadMax: number
}

export const outboxDefaults: OutboxOptions = { itemsMax: 200, sizeMax: 500_000, deadMax: 50 }

/** Who wants to know what became of writes that nobody waits for any more. */
export interface OutboxWatcher {
  onDone?(item: OutboxItem): void
  onDead?(item: DeadItem): void
  /** The user's login no longer holds: `setUser` lets the writes go on. */
  onLogin?(): void
}

const PREFIX = 'budao:outbox:'
/** Behind that a broken entry is given up, so that it does not hold up all others for ever. */
const UNREAD_MAX = 20
const PAUSE_MS = { baseMs: 1_000, maxMs: 60_000 }

/**
 * Writes that wait for a network, for a login, for a server that works. A write is accepted once storage has it, leaves storage only
 * when the server has answered, and carries one key for its whole life: a process that is killed in between sends it again,
 * and a server that honours keys does it once. Only writes of the user who is logged in leave the phone.
 */
export class Outbox {
  readonly #client: Client
  readonly #storage: Storage
  readonly #options: OutboxOptions
  readonly #watcher: OutboxWatcher
  /** In order of `seq`. */
  #items: OutboxItem[] = []
  /** In the order of their refusal. */
  #dead: DeadItem[] = []
  #size = 0
  #nextSeq = 1
  #loaded: Promise<void> | null = null
  /** Entries that could not be read, one counted as often as it was tried. */
  #unread = 0
  /** Entities with a write under way. */
  readonly #busy: Set<string> = new Set()
  #failures = 0
  #stopPause: (() => void) | null = null
  #held = false
  /** Writes are accepted one after the other: a later one must not be in storage, and leave, before an earlier one. */
  #adding: Promise<unknown> = Promise.resolve()

  /** `storage` outlives the process, or the writes do not. */
  constructor(
    client: Client,
    storage: Storage = new MemoryStorage(),
    options: Partial<OutboxOptions> = {},
    watcher: OutboxWatcher = {},
  ) {
    this.#client = client
    this.#storage = storage
    this.#options = withDefaults(outboxDefaults, options)
    this.#watcher = watcher
    client.parking.listen((event) => {
      if (event !== 'background') this.flush()
    })
    client.attach(() => ({
      // What an earlier process left goes with the first call of this one.
      onCall: () => {
        if (this.#loaded === null) this.flush()
      },
      onUser: () => {
        this.#held = false
        this.flush()
      },
    }))
  }

  /** Writes that wait, of all users. */
  get waiting(): number {
    return this.#items.length
  }

  /** Reads what earlier processes left. Calls that need it do so by themselves. */
  load(): Promise<void> {
    return (this.#loaded ??= this.#read().catch((error: unknown) => {
      this.#loaded = null
      throw error
    }))
  }

  /**
   * Accepts a write that need not be done now: resolves once it cannot be lost, and sends it as soon as there is a network,
   * also from a later process. Writes of one `entity` leave in their order. Rejects with `overloaded` where there is no room:
   * nothing is dropped for it; with the error of the login where there must be one first. What becomes of it the watcher is told.
   */
  add(write: QueuedWrite): Promise<OutboxItem> {
    const { user } = this.#client
    const ready = this.#client.ready()
    const added = this.#adding
      .then(() => ready)
      .then(() => this.#add(write, ready ? this.#client.user : user))
    this.#adding = added.catch(() => {})
    return added
  }

  /** Something has changed: a network, the foreground, a login. Sends whatever may leave. */
  flush(): void {
    this.#stopPause?.()
    this.#stopPause = null
    void this.load().then(
      () => this.#next(),
      () => this.#pause(0),
    )
  }

  /** Refused writes, of the user who is logged in. */
  async dead(): Promise<readonly DeadItem[]> {
    await this.load()
    return this.#dead.filter(({ user }) => user === this.#client.user)
  }

  /** Takes a refused write out; `again` puts it back in the queue, at its end and with a new key. */
  async resolveDead(seq: number, again: boolean): Promise<void> {
    const item = (await this.dead()).find((each) => each.seq === seq)
    if (item === undefined) return
    if (again) await this.add(item)
    this.#dead = this.#dead.filter((each) => each !== item)
    await this.#storage.remove(PREFIX + seq)
  }

  async #add(
    { entity, method = 'POST', path, data, headers = {} }: QueuedWrite,
    user: string,
  ): Promise<OutboxItem> {
    await this.load().catch((error: unknown) => {
      throw overloaded((error as Error).message)
    })
    const { runtime } = this.#client.env
    const key = idempotencyKey(runtime.random)
    const seq = this.#nextSeq++
    const item: OutboxItem = { seq, entity, user, method, path, headers, data, key, at: runtime.wallNow() }
    const text = JSON.stringify(item)
    if (this.#items.length >= this.#options.itemsMax || this.#size + text.length > this.#options.sizeMax)
      throw overloaded(`${this.#items.length} writes wait already.`)
    await this.#storage.set(PREFIX + seq, text).catch((error: unknown) => {
      throw overloaded((error as Error).message)
    })
    this.#keep(item)
    this.flush()
    return item
  }

  async #read(): Promise<void> {
    const items: (OutboxItem | DeadItem)[] = []
    for (const name of await this.#storage.keys()) {
      if (!name.startsWith(PREFIX)) continue
      const text = await this.#storage.get(name)
      // It is there, and cannot be read: perhaps in a while. Those behind it must not overtake it.
      if (text === undefined && ++this.#unread < UNREAD_MAX) throw new Error(`${name} cannot be read`)
      const item = parseItem(text)
      if (item === undefined) await this.#storage.remove(name)
      else items.push(item)
    }
    items.sort((a, b) => a.seq - b.seq)
    for (const item of items) {
      this.#nextSeq = Math.max(this.#nextSeq, item.seq + 1)
      if (isDead(item)) this.#dead.push(item)
      else this.#keep(item)
    }
  }

  #keep(item: OutboxItem): void {
    this.#items.push(item)
    this.#size += JSON.stringify(item).length
  }

  /** The first write of every entity that has none under way. */
  #next(): void {
    if (this.#held || this.#stopPause !== null) return
    const seen = new Set(this.#busy)
    for (const item of [...this.#items]) {
      // The order is kept within one entity of one user.
      const lane = JSON.stringify([item.user, item.entity])
      if (seen.has(lane)) continue
      seen.add(lane)
      if (item.user === this.#client.user) void this.#carry(item, lane)
    }
  }

  async #carry(item: OutboxItem, lane: string): Promise<void> {
    this.#busy.add(lane)
    const error = await this.#send(item)
    const verdict = error === null ? 'gone' : outboxVerdict(statusOf(error))
    if (verdict === 'login') {
      // Everything of this user would be refused: wait for the login, once.
      if (!this.#held && item.user === this.#client.user) {
        this.#held = true
        this.#watcher.onLogin?.()
      }
    } else if (verdict === 'later') this.#pause(error!.retryAfterMs)
    else {
      this.#failures = 0
      if (error === null) {
        this.#drop(item)
        await this.#storage.remove(PREFIX + item.seq)
        this.#watcher.onDone?.(item)
      } else await this.#bury(item, error)
    }
    this.#busy.delete(lane)
    this.#next()
  }

  /** Null when it is done. */
  #send({ method, path, data, headers, key, user }: OutboxItem): Promise<ApiError | null> {
    return this.#client
      .request({
        method,
        path,
        data,
        headers: Object.assign({}, headers, { 'Idempotency-Key': key }),
        // A key makes the repetition of a write harmless, where the server honours it: queued writes rely on that.
        repeatable: true,
        responseType: 'text',
        asUser: user,
      })
      .then(
        // What a captive portal says is no answer of the server.
        (response) =>
          /^\s*<(!doctype|html)/i.test(String(response.data))
            ? new ApiError('bad-answer', 'A page came, and no answer.')
            : null,
        (error: unknown) => (error instanceof ApiError ? error : new ApiError('misuse', String(error))),
      )
  }

  /** One pause for all: what fails for one entity fails for the others. */
  #pause(atLeastMs: number): void {
    if (this.#stopPause !== null) return
    const { random, after } = this.#client.env.runtime
    const ms = PAUSE_MS.baseMs + backoffMs(this.#failures++, random, PAUSE_MS)
    this.#stopPause = after(Math.max(ms, atLeastMs), () => {
      this.#stopPause = null
      this.flush()
    })
  }

  #drop(item: OutboxItem): void {
    this.#items = this.#items.filter((each) => each !== item)
    this.#size -= JSON.stringify(item).length
  }

  async #bury(item: OutboxItem, { status, message }: ApiError): Promise<void> {
    const dead: DeadItem = Object.assign({}, item, { status, reason: message })
    // In its own place: it is there once, waiting or dead, whenever the process ends.
    await this.#storage.set(PREFIX + item.seq, JSON.stringify(dead)).catch(() => {})
    this.#drop(item)
    this.#dead.push(dead)
    if (this.#dead.length > this.#options.deadMax)
      await this.#storage.remove(PREFIX + this.#dead.shift()!.seq)
    this.#watcher.onDead?.(dead)
  }
}

function overloaded(why: string): ApiError {
  return new ApiError('overloaded', `The write was not accepted: ${why}`)
}

/** What never works is as good as refused; a write that is still being carried out is not. */
function statusOf({ code, status, data }: ApiError): number {
  if (code === 'misuse') return 400
  return isTokenRefused({ status, data }) ? 401 : isInProgress({ status, body: data }) ? 0 : status
}
