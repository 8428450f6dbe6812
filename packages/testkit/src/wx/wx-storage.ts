import type { Random } from '@budao/resilience'
import type { TimeSource } from './virtual-time.ts'

interface Callbacks {
  readonly success?: (result: object) => void
  readonly fail?: (failure: object) => void
  readonly complete?: (result: object) => void
}

const KEY_MAX = 1_048_576
const TOTAL_MAX = 10_485_760
const LATENCY_MS = 8

/** Bytes on a phone's flash: slow, 1 MB a key, 10 MB together, shared with everything else the app keeps. They outlive processes. */
export class WxStorage {
  readonly values: Map<string, unknown> = new Map()
  /** Calls of any kind. */
  calls = 0
  /** Calls of the synchronous kind, which stop the page. */
  syncCalls = 0
  /** Milliseconds until an asynchronous call is done. */
  latencyMs: number = LATENCY_MS
  /** Asynchronous calls fail while it says so. */
  fails: () => boolean = () => false
  /** Calls of both kinds throw while it says so: seen where the host's storage is broken. */
  throws: () => boolean = () => false
  /** As in the emulator of requests. */
  hand: (value: object) => object = (value) => value
  deliver: (tell: () => void) => void = (tell) => tell()
  readonly #time: TimeSource
  readonly #totalMax: number
  readonly #underWay: Set<() => void> = new Set()
  readonly #stops: Set<() => void> = new Set()

  constructor(time: TimeSource, totalMax: number = TOTAL_MAX) {
    this.#time = time
    this.#totalMax = totalMax
  }

  readonly getStorage = (options: { key: string } & Callbacks): void => {
    this.#later('getStorage', options, () => ({ data: this.#get('getStorage', options.key) }))
  }

  readonly setStorage = (options: { key: string; data: unknown } & Callbacks): void => {
    const { key } = options
    const data = copyOf(options.data)
    this.#later('setStorage', options, () => this.#set('setStorage', key, data), true)
  }

  readonly removeStorage = (options: { key: string } & Callbacks): void => {
    const { key } = options
    this.#later('removeStorage', options, () => this.#remove(key), true)
  }

  readonly clearStorage = (options: Callbacks = {}): void => {
    this.#later('clearStorage', options, () => this.#clear(), true)
  }

  readonly getStorageInfo = (options: Callbacks): void => {
    this.#later('getStorageInfo', options, () => this.#info())
  }

  readonly getStorageSync = (key: string): unknown => {
    const value = this.#now('getStorageSync', () => copyOf(this.values.get(key)))
    return value === undefined ? '' : typeof value === 'object' ? this.hand(value as object) : value
  }

  readonly setStorageSync = (key: string, data: unknown): void => {
    this.#now('setStorageSync', () => this.#set('setStorageSync', key, copyOf(data)))
  }

  readonly removeStorageSync = (key: string): void => {
    this.#now('removeStorageSync', () => this.#remove(key))
  }

  readonly clearStorageSync = (): void => {
    this.#now('clearStorageSync', () => this.#clear())
  }

  readonly getStorageInfoSync = (): object => this.hand(this.#now('getStorageInfoSync', () => this.#info()))

  /** The process dies: of what was being written each part may have arrived or not. Nothing is called back. */
  kill(random: Random): void {
    for (const stop of this.#stops) stop()
    this.#stops.clear()
    for (const write of this.#underWay) {
      if (random.next() < 0.5) continue
      try {
        write()
      } catch {
        // It would have failed, and there is nobody to tell.
      }
    }
    this.#underWay.clear()
  }

  #get(name: string, key: string): unknown {
    if (!this.values.has(key)) throw new Error(`${name}:fail data not found`)
    return copyOf(this.values.get(key))
  }

  #set(name: string, key: string, data: unknown): object {
    const size = sizeOf(data)
    const others = this.#size() - sizeOf(this.values.get(key))
    if (size > KEY_MAX) throw new Error(`${name}:fail entry size limit reached`)
    if (others + size > this.#totalMax) throw new Error(`${name}:fail exceed storage max size`)
    this.values.set(key, data)
    return {}
  }

  #remove(key: string): object {
    this.values.delete(key)
    return {}
  }

  #clear(): object {
    this.values.clear()
    return {}
  }

  #info(): object {
    return {
      keys: [...this.values.keys()],
      currentSize: Math.ceil(this.#size() / 1024),
      limitSize: this.#totalMax / 1024,
    }
  }

  #size(): number {
    let sum = 0
    for (const value of this.values.values()) sum += sizeOf(value)
    return sum
  }

  #now<Result>(name: string, work: () => Result): Result {
    this.calls++
    this.syncCalls++
    if (this.throws()) throw new Error(`${name}:fail storage is broken`)
    return work()
  }

  #later(name: string, options: Callbacks, work: () => object, writes = false): void {
    this.calls++
    if (this.throws()) throw new Error(`${name}:fail storage is broken`)
    const apply = (): void => void work()
    if (writes) this.#underWay.add(apply)
    const stop = this.#time.after(this.latencyMs, () => {
      this.#stops.delete(stop)
      this.#underWay.delete(apply)
      const outcome = this.#try(name, work)
      this.deliver(() => {
        const result = this.hand(outcome.result)
        if (outcome.well) options.success?.(result)
        else options.fail?.(result)
        options.complete?.(result)
      })
    })
    this.#stops.add(stop)
  }

  #try(name: string, work: () => object): { well: boolean; result: object } {
    try {
      if (this.fails()) throw new Error(`${name}:fail write failed`)
      return { well: true, result: { errMsg: `${name}:ok`, ...work() } }
    } catch (error) {
      return { well: false, result: { errMsg: (error as Error).message } }
    }
  }
}

/** What is kept is what it was at the time, whatever becomes of the object. */
function copyOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? (JSON.parse(JSON.stringify(value)) as unknown) : value
}

function sizeOf(value: unknown): number {
  return value === undefined ? 0 : JSON.stringify(value).length
}
