import type { Random } from '@budao/resilience'

/** Random words that become digits at once, and of which every id takes two. */
const BATCH_WORDS = 256
/** Two digits of a counter in base 36. */
const LOW_DIGITS: readonly string[] = Array.from({ length: 36 * 36 }, (_, low) =>
  low.toString(36).padStart(2, '0'),
)
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** Makes the ids of requests that arrive without any. */
export class RequestIdentity {
  readonly #random: Random
  readonly #prefix: string
  /** Of request ids: the prefix and all but the last two digits of the counter. */
  #stem = ''
  #count = 0
  readonly #words = new Uint32Array(BATCH_WORDS)
  readonly #bytes = Buffer.from(this.#words.buffer)
  #digits = ''
  #taken = Infinity

  constructor(random: Random) {
    this.#random = random
    this.#prefix = this.#hex16()
  }

  /** Unique over threads and restarts: 16 random digits of this thread, then a counter. */
  requestId(): string {
    const low = this.#count % LOW_DIGITS.length
    if (low === 0) this.#stem = `${this.#prefix}-${Math.floor(this.#count / LOW_DIGITS.length).toString(36)}`
    this.#count++
    return this.#stem + LOW_DIGITS[low]!
  }

  /** A W3C Trace Context header of a new trace that is not sampled. */
  traceparent(): string {
    return `00-${this.traceId()}-${this.spanId()}-00`
  }

  /** The left half is this thread's, the right half, which samplers look at, is random. */
  traceId(): string {
    return this.#prefix + this.#hex16()
  }

  spanId(): string {
    return this.#hex16()
  }

  /** 32 random digits, to know a client by. */
  cookieValue(): string {
    return this.#hex16() + this.#hex16()
  }

  /** Digits are made in batches: one by one they cost as much as reading a head. */
  #hex16(): string {
    if (this.#taken >= BATCH_WORDS * 8) {
      for (let i = 0; i < BATCH_WORDS; i++) this.#words[i] = this.#random.next() * 0x1_0000_0000
      this.#digits = this.#bytes.toString('hex')
      this.#taken = 0
    }
    return this.#digits.slice(this.#taken, (this.#taken += 16))
  }
}

export function isTraceparent(value: string): boolean {
  return value.length === 55 && TRACEPARENT.test(value)
}
