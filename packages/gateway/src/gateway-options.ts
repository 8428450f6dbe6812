import type { EventDraft, Snapshot } from '@budao/model'

/** What the outside gives a gateway. */
export interface GatewayOptions {
  readonly version: string
  /** Relative paths in the configuration start here. */
  readonly baseDir: string
  /** The file in which registered endpoints, drains and last good addresses outlive the process; absent: they do not. */
  readonly directoryFile?: string
  /** The folder in which last good key sets of URLs outlive the process; absent: they do not. */
  readonly keysFolder?: string
  /** The file in which idempotency keys outlive the process; absent: they do not. */
  readonly keyFile?: string
  /** The file in which the last placements of writes and reads outlive the process; absent: they do not. */
  readonly placementFile?: string
  /** The folder in which accounts and certificates of ACME directories outlive the process; absent: `tls.acme` is refused. */
  readonly acmeFolder?: string
  /** How long an ACME order that failed waits, milliseconds, twice as long each time. Default 300 000. */
  readonly acmeRetryMs?: number
  /** Called after endpoints have come or gone, with the new snapshot: the configuration of the file under a new number. */
  onSnapshot?(snapshot: Snapshot): void
  /** A thread that has not reacted for so long, in milliseconds, is stuck, for example in a filter's endless loop, and replaced. Default 10 000. */
  readonly stuckMs?: number
  /** How often the files of certificates are looked at, milliseconds. Default 5000. */
  readonly certificatePollMs?: number
  report(event: EventDraft): void
  warn(message: string): void
}
