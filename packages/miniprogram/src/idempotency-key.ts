import type { Random } from '@budao/resilience'

/** 128 bits in the form of a UUID of version 4 (RFC 9562): the same on all attempts of one write, another on every other. */
export function idempotencyKey(random: Random): string {
  let key = ''
  for (let i = 0; i < 32; i++) {
    if (i === 8 || i === 12 || i === 16 || i === 20) key += '-'
    const digit = Math.floor(random.next() * 16)
    key += (i === 12 ? 4 : i === 16 ? (digit & 3) | 8 : digit).toString(16)
  }
  return key
}
