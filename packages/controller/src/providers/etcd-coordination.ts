import type { CompareAndSetResult, CoordinationStore, Versioned } from '@budao/model'
import { EtcdClient, type EtcdClientOptions } from './etcd-client.ts'

/** Which etcd, and where in it. */
export interface EtcdCoordinationOptions extends EtcdClientOptions {
  /** Before every key, so that several installations share one etcd. Default `budao/`. */
  readonly prefix?: string
  /** How often a watch reads everything again, milliseconds. Default 1000: a stream that is silent looks like one that is dead. */
  readonly resyncMs?: number
}

/** What the JSON gateway gives of a key; absent fields are zero. */
interface EtcdKeyValue {
  readonly key: string
  readonly value?: string
  readonly mod_revision: string
}

interface RangeAnswer {
  readonly header: { readonly revision: string }
  readonly kvs?: readonly EtcdKeyValue[]
}

interface TxnAnswer {
  readonly header: { readonly revision: string }
  readonly succeeded?: boolean
  readonly responses?: readonly { readonly response_range?: RangeAnswer }[]
}

interface WatchAnswer {
  readonly result?: {
    readonly events?: readonly { readonly type?: string; readonly kv: EtcdKeyValue }[]
    readonly canceled?: boolean
  }
}

const STREAM_PAUSE_MS = 200

/** Coordination for controllers of several machines: etcd v3. A version is the revision of the key's last change. */
export class EtcdCoordination implements CoordinationStore {
  readonly #client: EtcdClient
  readonly #prefix: string
  readonly #resyncMs: number
  readonly #watches: Set<PrefixWatch> = new Set()

  constructor(options: EtcdCoordinationOptions) {
    this.#client = new EtcdClient(options)
    this.#prefix = options.prefix ?? 'budao/'
    this.#resyncMs = options.resyncMs ?? 1_000
  }

  async get(key: string): Promise<Versioned | null> {
    const { answer } = await this.#client.ask<RangeAnswer>('/v3/kv/range', {
      key: encoded(this.#prefix + key),
    })
    const { kvs = [] } = answer
    return kvs[0] === undefined ? null : recordOf(kvs[0])
  }

  async compareAndSet(key: string, version: number, value: unknown): Promise<CompareAndSetResult> {
    const name = encoded(this.#prefix + key)
    const stored = encoded(JSON.stringify(value))
    const { answer, times } = await this.#client.ask<TxnAnswer>('/v3/kv/txn', {
      compare: [{ key: name, target: 'MOD', result: 'EQUAL', mod_revision: String(version) }],
      success: [{ request_put: { key: name, value: stored } }],
      failure: [{ request_range: { key: name } }],
    })
    if (answer.succeeded === true)
      return { ok: true, current: { version: Number(answer.header.revision), value } }
    const found = answer.responses?.[0]?.response_range?.kvs?.[0]
    if (found === undefined) return { ok: false, current: null }
    // Of several members that were asked the first has done it, and the next one finds what it did.
    return { ok: times > 1 && found.value === stored, current: recordOf(found) }
  }

  watch(prefix: string, onChange: (key: string, record: Versioned) => void): { close(): void } {
    const { length } = this.#prefix
    const watch = new PrefixWatch(this.#client, this.#prefix + prefix, this.#resyncMs, (name, record) =>
      onChange(name.slice(length), record),
    )
    this.#watches.add(watch)
    return {
      close: () => {
        this.#watches.delete(watch)
        watch.close()
      },
    }
  }

  close(): void {
    for (const watch of this.#watches) watch.close()
    this.#client.close()
  }
}

/** Reads a prefix, follows its changes, and reads it again now and then: each change is told once, in its order. */
class PrefixWatch {
  readonly #client: EtcdClient
  readonly #range: { readonly key: string; readonly range_end: string }
  readonly #onChange: (name: string, record: Versioned) => void
  readonly #told: Map<string, number> = new Map()
  readonly #timer: NodeJS.Timeout
  #stream: { close(): void; fail(why: string): void } | null = null
  /** The stream has told something since the last look. */
  #streams = false
  #reading = false
  #closed = false

  constructor(
    client: EtcdClient,
    prefix: string,
    resyncMs: number,
    onChange: (name: string, record: Versioned) => void,
  ) {
    this.#client = client
    this.#onChange = onChange
    this.#range = { key: encoded(prefix), range_end: encoded(behind(prefix)) }
    this.#timer = setInterval(() => void this.#read(), resyncMs)
    this.#timer.unref()
    void this.#read()
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#timer)
    this.#stream?.close()
  }

  async #read(): Promise<void> {
    if (this.#reading) return
    this.#reading = true
    try {
      const { answer } = await this.#client.ask<RangeAnswer>('/v3/kv/range', this.#range)
      if (this.#closed) return
      const { header, kvs = [] } = answer
      let news = false
      for (const found of kvs.toSorted((a, b) => Number(a.mod_revision) - Number(b.mod_revision)))
        news = this.#tell(found) || news
      // Things change, and nothing is heard of it: its member is dead, or cut off from the others.
      if (news && !this.#streams) this.#stream?.fail('its stream is silent')
      this.#streams = false
      if (this.#stream === null) this.#follow(Number(header.revision) + 1)
    } catch {
      // No member answers: the next turn of the timer asks again.
    } finally {
      this.#reading = false
    }
  }

  #follow(revision: number): void {
    const create = { ...this.#range, start_revision: String(revision) }
    const ended = (): void => {
      this.#stream = null
      if (!this.#closed) setTimeout(() => void this.#read(), STREAM_PAUSE_MS).unref()
    }
    this.#stream = this.#client.stream(
      '/v3/watch',
      { create_request: create },
      {
        onObject: (value) => {
          const { events = [], canceled = false } = (value as WatchAnswer).result ?? {}
          if (events.length > 0) this.#streams = true
          for (const { type = 'PUT', kv } of events) if (type === 'PUT') this.#tell(kv)
          if (!canceled) return
          // Its revisions were compacted away: reading gives what is there now.
          this.#stream?.close()
          ended()
        },
        onEnd: ended,
      },
    )
  }

  /** Whether it was news. */
  #tell(found: EtcdKeyValue): boolean {
    const name = Buffer.from(found.key, 'base64').toString()
    const record = recordOf(found)
    if (record.version <= (this.#told.get(name) ?? 0)) return false
    this.#told.set(name, record.version)
    this.#onChange(name, record)
    return true
  }
}

function recordOf({ value = '', mod_revision }: EtcdKeyValue): Versioned {
  return {
    version: Number(mod_revision),
    value: JSON.parse(Buffer.from(value, 'base64').toString()) as unknown,
  }
}

function encoded(text: string): string {
  return Buffer.from(text).toString('base64')
}

/** The first key behind all that begin with `prefix`. */
function behind(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)
}
