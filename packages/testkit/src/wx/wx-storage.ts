import type { VirtualTime } from './virtual-time.ts'

interface Callbacks {
  readonly success?: (result: Record<string, unknown>) => void
  readonly fail?: (failure: { errMsg: string }) => void
  readonly complete?: () => void
}

const KEY_MAX = 1_048_576
const TOTAL_MAX = 10_485_760
const LATENCY_MS = 8

/** The storage of a strict `wx`: slow, 1 MB a key, 10 MB together, shared with everything else the app keeps. It outlives processes. */
export class WxStorage {
  readonly values: Map<string, unknown> = new Map()
  /** Calls of any kind. */
  calls = 0
  readonly #time: VirtualTime
  readonly #totalMax: number

  constructor(time: VirtualTime, totalMax: number = TOTAL_MAX) {
    this.#time = time
    this.#totalMax = totalMax
  }

  readonly getStorage = (options: { key: string } & Callbacks): void => {
    this.#later(options, () => {
      if (!this.values.has(options.key)) throw new Error('getStorage:fail data not found')
      return { data: this.values.get(options.key) }
    })
  }

  readonly setStorage = (options: { key: string; data: unknown } & Callbacks): void => {
    this.#later(options, () => {
      const size = sizeOf(options.data)
      const others = this.#size() - sizeOf(this.values.get(options.key))
      if (size > KEY_MAX) throw new Error('setStorage:fail entry size limit reached')
      if (others + size > this.#totalMax) throw new Error('setStorage:fail exceed storage max size')
      this.values.set(options.key, options.data)
      return {}
    })
  }

  readonly removeStorage = (options: { key: string } & Callbacks): void => {
    this.#later(options, () => {
      this.values.delete(options.key)
      return {}
    })
  }

  readonly getStorageInfo = (options: Callbacks): void => {
    this.#later(options, () => ({
      keys: [...this.values.keys()],
      currentSize: Math.ceil(this.#size() / 1024),
      limitSize: this.#totalMax / 1024,
    }))
  }

  #size(): number {
    let sum = 0
    for (const value of this.values.values()) sum += sizeOf(value)
    return sum
  }

  #later({ success, fail, complete }: Callbacks, work: () => Record<string, unknown>): void {
    this.calls++
    this.#time.after(LATENCY_MS, () => {
      try {
        success?.(work())
      } catch (error) {
        fail?.({ errMsg: (error as Error).message })
      }
      complete?.()
    })
  }
}

function sizeOf(value: unknown): number {
  return value === undefined ? 0 : JSON.stringify(value).length
}
