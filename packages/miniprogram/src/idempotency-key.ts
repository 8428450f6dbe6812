import type { Random } from './runtime.ts'

/** 128 bits in the form of a UUID of version 4 (RFC 9562): the same on all attempts of one write, another on every other. */
export function idempotencyKey(random: Random): string {
  return 'xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx'.replace(/[xy]/g, (place) => {
    const digit = Math.floor(random.next() * 16)
    return (place === 'x' ? digit : (digit & 3) | 8).toString(16)
  })
}
