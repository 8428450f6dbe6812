import { mix32 } from '../hash.ts'

/** What becomes of one answer: `slip`: a short one that says to come by TCP. */
export type ResponseRateVerdict = 'send' | 'slip' | 'drop'

export interface ResponseRateOptions {
  /** Most answers a second to one client network. */
  readonly perSecond: number
  /** Every n-th answer beyond is a slip; 0: none is. */
  readonly slip: number
  /** Networks that are told apart; a power of two. Default 65 536. */
  readonly slots?: number
}

const SECOND_MS = 1_000

/**
 * Limits the answers to each client network, so that whoever forges its address cannot have it flooded. A network has a second's worth
 * at once and gets it back evenly (a leaky bucket). Memory is fixed: networks are told apart by a keyed hash, and of two that fall
 * together the newer takes the place and begins full, so that nobody is limited for what another one did.
 */
export class ResponseRate {
  readonly #perSecond: number
  readonly #slip: number
  readonly #mask: number
  readonly #seed: number
  readonly #tag: Uint32Array
  readonly #level: Float32Array
  readonly #at: Float64Array
  readonly #beyond: Uint32Array

  /** @param seed unknown to clients, so that they cannot choose networks that fall together */
  constructor({ perSecond, slip, slots = 65_536 }: ResponseRateOptions, seed: number) {
    this.#perSecond = perSecond
    this.#slip = slip
    this.#mask = slots - 1
    this.#seed = seed
    this.#tag = new Uint32Array(slots)
    this.#level = new Float32Array(slots)
    this.#at = new Float64Array(slots).fill(-Infinity)
    this.#beyond = new Uint32Array(slots)
  }

  /** @param network a number of 32 bits that stands for the client's network */
  take(network: number, now: number): ResponseRateVerdict {
    const tag = mix32(network ^ this.#seed)
    const slot = tag & this.#mask
    if (this.#tag[slot] !== tag) {
      this.#tag[slot] = tag
      this.#level[slot] = 0
      this.#beyond[slot] = 0
      this.#at[slot] = now
    }
    const drained = ((now - this.#at[slot]!) * this.#perSecond) / SECOND_MS
    const level = Math.max(0, this.#level[slot]! - drained)
    this.#at[slot] = now
    if (level + 1 <= this.#perSecond) {
      this.#level[slot] = level + 1
      return 'send'
    }
    this.#level[slot] = level
    const beyond = ++this.#beyond[slot]!
    return this.#slip > 0 && beyond % this.#slip === 0 ? 'slip' : 'drop'
  }
}
