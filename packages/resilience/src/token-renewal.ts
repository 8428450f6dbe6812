/** In its last five minutes the server gives a new token while the old one stays good (stable_token). */
const overlapMs = 300_000
const spreadMs = 60_000

/**
 * Milliseconds until a token that is good for `lifeMs` is asked for anew: inside the last five minutes, and not at one moment for all
 * gateways; `random` is from 0 to below 1. One with hardly more life than that is asked for at half of it.
 */
export function tokenRenewal(lifeMs: number, random: number): number {
  return lifeMs > 2 * overlapMs ? lifeMs - overlapMs + random * spreadMs : lifeMs / 2
}
