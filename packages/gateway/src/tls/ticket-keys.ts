import { nodeCrypto } from './builtins.ts'

/**
 * How long tickets are encrypted with one key, milliseconds. A stolen key opens the sessions of that time; RFC 8446
 * allows tickets 7 days, practice (Cloudflare, Caddy) renews their key two to twenty-four times a day.
 */
export const TICKET_PERIOD_MS: number = 12 * 60 * 60 * 1_000

/**
 * The key of session tickets for the period that `wallNow` lies in: 48 bytes, as `ticketKeys` of Node. Every thread
 * derives the same one at the same moment, so a session begun at one is resumed by any other, and nothing has to be told.
 *
 * @param secret of the process, the same in all threads
 * @param scope what a session may not leave: listener and rules for client certificates. Resumption skips their check.
 */
export function ticketKeys(secret: string, scope: string, wallNow: number): Buffer {
  const period = Math.floor(wallNow / TICKET_PERIOD_MS)
  return nodeCrypto().createHmac('sha384', secret).update(`${period} ${scope}`).digest()
}

/** When the next key is due, milliseconds since 1970. */
export function ticketKeysEnd(wallNow: number): number {
  return (Math.floor(wallNow / TICKET_PERIOD_MS) + 1) * TICKET_PERIOD_MS
}
