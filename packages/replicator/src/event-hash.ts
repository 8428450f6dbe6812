import { hash } from 'node:crypto'
import { type ChangeEvent, eventDigestInput } from '@budao/model'

/** The first 128 bits of SHA-256 over the canonical JSON of the event: finds what was changed on its way. */
export function eventHash(event: Omit<ChangeEvent, 'hash'>): string {
  return hash('sha256', eventDigestInput(event)).slice(0, 32)
}

/** The event with its hash. */
export function sealed(event: Omit<ChangeEvent, 'hash'>): ChangeEvent {
  return { ...event, hash: eventHash(event) }
}
