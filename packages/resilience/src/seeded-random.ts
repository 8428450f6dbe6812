import type { Random } from './clock.ts'
import { mix32 } from './hash.ts'

/**
 * Randomness that a seed repeats: xoshiro128** (Blackman and Vigna, 2018), period 2^128 − 1. Not for secrets.
 * Two seeds that differ in their low 32 bits give unrelated sequences.
 */
export class SeededRandom implements Random {
  #a: number
  #b: number
  #c: number
  #d: number

  /** @param seed any number; its integer part modulo 2^32 counts. */
  constructor(seed: number) {
    // Four different inputs of a bijection: at most one of them becomes 0, so the state is never all zeros.
    this.#a = mix32(seed)
    this.#b = mix32(seed + 0x9e3779b9)
    this.#c = mix32(seed + 0x3c6ef372)
    this.#d = mix32(seed + 0xdaa66d2b)
  }

  /** Uniform in [0, 1), in steps of 2^-32. */
  next(): number {
    return this.uint32() / 4294967296
  }

  /** Uniform over the unsigned 32-bit integers. */
  uint32(): number {
    const scrambled = Math.imul(rotateLeft(Math.imul(this.#b, 5), 7), 9)
    const t = this.#b << 9
    this.#c ^= this.#a
    this.#d ^= this.#b
    this.#b ^= this.#c
    this.#a ^= this.#d
    this.#c ^= t
    this.#d = rotateLeft(this.#d, 11)
    return scrambled >>> 0
  }
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}
