import { createHmac, timingSafeEqual } from 'node:crypto'

/** Client part, and ours: version, reserved, time, hash (the layout of RFC 9018). */
export const COOKIE_BYTES = 24
const CLIENT_BYTES = 8
const HASHED_BYTES = 16
/** RFC 9018: good for an hour, and five minutes into the future. */
const AGE_MAX_S = 3_600
const AHEAD_MAX_S = 300

/**
 * DNS cookies (RFC 7873): who sends ours back has received an answer of ours at its address, so it has not forged it.
 * The hash is of this process' own secret: another server's cookies are renewed, not refused.
 */
export class Cookies {
  readonly #secret: Uint8Array

  constructor(secret: Uint8Array) {
    this.#secret = secret
  }

  /** Whether the cookie in a message is ours, for this client, and of this hour. */
  isOurs(cookie: Buffer, client: Uint8Array, wallNow: number): boolean {
    if (cookie.length !== COOKIE_BYTES || cookie[CLIENT_BYTES] !== 1) return false
    const age = Math.floor(wallNow / 1_000) - cookie.readUInt32BE(12)
    if (age > AGE_MAX_S || age < -AHEAD_MAX_S) return false
    return timingSafeEqual(cookie.subarray(HASHED_BYTES), this.#hash(cookie, client))
  }

  /** Writes client's part and ours at `at`. */
  write(into: Buffer, at: number, clientPart: Buffer, client: Uint8Array, wallNow: number): void {
    clientPart.copy(into, at, 0, CLIENT_BYTES)
    into.writeUInt32BE(0x01000000, at + CLIENT_BYTES)
    into.writeUInt32BE(Math.floor(wallNow / 1_000), at + 12)
    this.#hash(into.subarray(at, at + HASHED_BYTES), client).copy(into, at + HASHED_BYTES)
  }

  #hash(cookie: Buffer, client: Uint8Array): Buffer {
    const hmac = createHmac('sha256', this.#secret)
    return hmac.update(cookie.subarray(0, HASHED_BYTES)).update(client).digest().subarray(0, 8)
  }
}
