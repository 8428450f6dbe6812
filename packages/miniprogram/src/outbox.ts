import { backoffMs } from '@budao/resilience'
import { ApiError } from './api-error.ts'
import { outboxVerdict, parseItem, type DeadItem, type OutboxItem } from './outbox-item.ts'
import type { Runtime } from './runtime.ts'
import type { Storage } from './storage.ts'

export interface OutboxOptions {
  /** Most writes that wait. Default 200. */
  readonly itemsMax: number
  /** Characters of all of them together. Default 500 000. */
  readonly sizeMax: number
  /** Refused writes that are kept to be looked at; the oldest goes first. Default 50. */
  readonly deadMax: number
}

export const outboxDefaults: OutboxOptions = { itemsMax: 200, sizeMax: 500_000, deadMax: 50 }

/** Sends one write: its answer's status, or 0 where there was none. */
export type SendItem = (item: OutboxItem) => Promise<{ readonly status: number; readonly reason: string }>

/** Who wants to know what became of writes that nobody waits for any more. */
export interface OutboxWatcher {
  onDone?(item: OutboxItem): void
  onDead?(item: DeadItem): void
  /** The user's login no longer holds. */
  onLogin?(): void
}

const WAITING = 'budao:outbox:'
const DEAD = 'budao:dead:'
const PAUSE_MS = { baseMs: 1_000, maxMs: 60_000 }

/**
 * Writes that wait for a network, for a login, for a server that works. A write is accepted once storage has it, leaves storage only
 * when the server has answered, and carries one key for its whole life: a process that is killed in between sends it again,
 * and a server that honours keys does it once. Only writes of the user who is logged in leave the phone.
 */
export class Outbox {
  readonly #storage: Storage
  readonly #runtime: Runtime
  readonly #options: OutboxOptions
  readonly #send: SendItem
  readonly #watcher: OutboxWatcher
  /** In order of `seq`. */
  #items: OutboxItem[] = []
  #dead: DeadItem[] = []
  #size = 0
  #nextSeq = 1
  #user = ''
  #loaded: Promise<void> | null = null
  /** Entities with a write under way. */
  readonly #busy: Set<string> = new Set()
  #failures = 0
  #stopPause: (() => void) | null = null
  #held = false
  /** Writes are accepted one after the other: a later one must not be in storage, and leave, before an earlier one. */
  #adding: Promise<unknown> = Promise.resolve()

  constructor(
    storage: Storage,
    runtime: Runtime,
    options: OutboxOptions,
    send: SendItem,
    watcher: OutboxWatcher,
  ) {
    this.#storage = storage
    this.#runtime = runtime
    this.#options = options
    this.#send = send
    this.#watcher = watcher
  }

  /** Writes that wait, of all users. */
  get waiting(): number {
    return this.#items.length
  }

  /** Reads what earlier processes left. Calls that need it do so by themselves. */
  load(): Promise<void> {
    return (this.#loaded ??= this.#read())
  }

  /** Resolves once the write cannot be lost any more. Rejects with `overloaded` where there is no room: nothing is dropped for it. */
  add(write: Omit<OutboxItem, 'seq' | 'user' | 'at'>): Promise<OutboxItem> {
    const user = this.#user
    const added = this.#adding.then(() => this.#add(write, user))
    this.#adding = added.catch(() => {})
    return added
  }

  /** Whose writes may leave from now on; empty for nobody's but those of nobody. */
  setUser(user: string): void {
    this.#user = user
    this.#held = false
    this.flush()
  }

  /** Something has changed: a network, the foreground, a login. Sends whatever may leave. */
  flush(): void {
    this.#stopPause?.()
    this.#stopPause = null
    void this.load().then(() => this.#next())
  }

  /** Refused writes, of the user who is logged in. */
  async dead(): Promise<readonly DeadItem[]> {
    await this.load()
    return this.#dead.filter(({ user }) => user === this.#user)
  }

  /** Takes a refused write out; `again` puts it back in the queue, at its end and with a new key. */
  async resolveDead(seq: number, again: boolean, key: string): Promise<void> {
    await this.load()
    const item = this.#dead.find((each) => each.seq === seq && each.user === this.#user)
    if (item === undefined) return
    if (again) await this.add({ ...onlyWrite(item), key })
    this.#dead = this.#dead.filter((each) => each !== item)
    await this.#storage.remove(nameOf(DEAD, item))
  }

  async #add(write: Omit<OutboxItem, 'seq' | 'user' | 'at'>, user: string): Promise<OutboxItem> {
    await this.load()
    const item: OutboxItem = { ...write, seq: this.#nextSeq++, user, at: this.#runtime.wallNow() }
    const text = JSON.stringify(item)
    if (this.#items.length >= this.#options.itemsMax || this.#size + text.length > this.#options.sizeMax)
      throw new ApiError(
        'overloaded',
        `${this.#items.length} writes wait already: this one was not accepted.`,
      )
    try {
      await this.#storage.set(nameOf(WAITING, item), text)
    } catch (error) {
      throw new ApiError(
        'overloaded',
        `The phone's storage did not take the write: ${(error as Error).message}`,
      )
    }
    this.#items.push(item)
    this.#size += text.length
    this.flush()
    return item
  }

  async #read(): Promise<void> {
    for (const name of await this.#storage.keys()) {
      const isDead = name.startsWith(DEAD)
      if (!isDead && !name.startsWith(WAITING)) continue
      const text = await this.#storage.get(name)
      const item = parseItem(text)
      if (item === undefined) {
        await this.#storage.remove(name)
        continue
      }
      this.#nextSeq = Math.max(this.#nextSeq, item.seq + 1)
      if (isDead) this.#dead.push(item)
      else {
        this.#items.push(item)
        this.#size += text!.length
      }
    }
    this.#items.sort((a, b) => a.seq - b.seq)
    this.#dead.sort((a, b) => a.seq - b.seq)
    // Killed between its burial and its removal.
    for (const item of [...this.#items])
      if (this.#dead.some(({ seq }) => seq === item.seq)) await this.#forget(item)
  }

  /** The first write of every entity that has none under way. */
  #next(): void {
    if (this.#held || this.#stopPause !== null) return
    const seen = new Set(this.#busy)
    for (const item of [...this.#items]) {
      const lane = laneOf(item)
      if (seen.has(lane)) continue
      seen.add(lane)
      if (item.user === this.#user) void this.#carry(item, lane)
    }
  }

  async #carry(item: OutboxItem, lane: string): Promise<void> {
    this.#busy.add(lane)
    const { status, reason } = await this.#send(item)
    switch (outboxVerdict(status)) {
      case 'gone':
        this.#failures = 0
        await this.#forget(item)
        this.#watcher.onDone?.(item)
        break
      case 'dead':
        this.#failures = 0
        await this.#bury({ ...item, status, reason })
        break
      case 'login':
        // Everything of this user would be refused: wait for the login, once.
        if (!this.#held && item.user === this.#user) {
          this.#held = true
          this.#watcher.onLogin?.()
        }
        break
      case 'later':
        this.#pause()
        break
    }
    this.#busy.delete(lane)
    this.#next()
  }

  /** One pause for all: what fails for one entity fails for the others. */
  #pause(): void {
    if (this.#stopPause !== null) return
    const ms = PAUSE_MS.baseMs + backoffMs(this.#failures++, this.#runtime.random, PAUSE_MS)
    this.#stopPause = this.#runtime.after(ms, () => {
      this.#stopPause = null
      this.#next()
    })
  }

  async #forget(item: OutboxItem): Promise<void> {
    this.#items = this.#items.filter((each) => each !== item)
    this.#size -= JSON.stringify(item).length
    await this.#storage.remove(nameOf(WAITING, item))
  }

  async #bury(item: DeadItem): Promise<void> {
    const waiting = this.#items.find(({ seq }) => seq === item.seq)!
    this.#dead.push(item)
    // First there, then no longer here: a kill in between finds it twice and loses it never.
    await this.#storage.set(nameOf(DEAD, item), JSON.stringify(item)).catch(() => {})
    await this.#forget(waiting)
    if (this.#dead.length > this.#options.deadMax) {
      const oldest = this.#dead.shift()!
      await this.#storage.remove(nameOf(DEAD, oldest))
    }
    this.#watcher.onDead?.(item)
  }
}

function nameOf(prefix: string, { seq }: OutboxItem): string {
  return `${prefix}${seq}`
}

/** The order is kept within one entity of one user. */
function laneOf({ user, entity }: OutboxItem): string {
  return `${encodeURIComponent(user)}:${entity}`
}

function onlyWrite({
  entity,
  method,
  path,
  headers,
  data,
  key,
}: OutboxItem): Omit<OutboxItem, 'seq' | 'user' | 'at'> {
  return { entity, method, path, headers, data, key }
}
