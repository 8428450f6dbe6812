import type { ListenerConfig } from '@budao/model'
import type { Runtime } from '../threads/runtime.ts'

/** A connection that a client opened, whatever it speaks, as the thread that serves it keeps it. */
export interface ClientConnection {
  readonly listener: ListenerConfig
  /** The thread has it among its own; `early` is what came together with a PROXY header. */
  start(early: Buffer | null): void
  /** Takes no new request, lets those under way finish, then closes. */
  drain(): void
  /** Another snapshot is in force. */
  onSnapshot?(runtime: Runtime): void
  /** Closes at once. */
  destroy(): void
}
