import type { Random } from '@budao/resilience'

const HEX_BYTES: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
)
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** Makes the ids of requests that arrive without any. */
export class RequestIdentity {
  readonly #random: Random
  readonly #prefix: string
  #count = 0

  constructor(random: Random) {
    this.#random = random
    this.#prefix = this.#hex8() + this.#hex8()
  }

  /** Unique over threads and restarts: 16 random digits of this thread, then a counter. */
  requestId(): string {
    return `${this.#prefix}-${(++this.#count).toString(36)}`
  }

  /**
   * A W3C Trace Context header of a new trace, not sampled: the gateway makes no spans of its own. The left half of
   * the trace id is this thread's, the right half, which samplers look at, is random.
   */
  traceparent(): string {
    return `00-${this.#prefix}${this.#hex8()}${this.#hex8()}-${this.#hex8()}${this.#hex8()}-00`
  }

  #hex8(): string {
    const word = Math.floor(this.#random.next() * 0x1_0000_0000)
    return (
      HEX_BYTES[word & 255]! +
      HEX_BYTES[(word >>> 8) & 255]! +
      HEX_BYTES[(word >>> 16) & 255]! +
      HEX_BYTES[word >>> 24]!
    )
  }
}

export function isTraceparent(value: string): boolean {
  return value.length === 55 && TRACEPARENT.test(value)
}
