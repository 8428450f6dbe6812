import type { RcodeName } from './wire.ts'

/** How a question came. */
export type DnsTransport = 'udp' | 'tcp' | 'http' | 'backend'

/** What has been asked and answered since the start. */
export class DnsCounts {
  readonly queries: Record<DnsTransport, number> = { udp: 0, tcp: 0, http: 0, backend: 0 }
  readonly answers: Record<RcodeName, number> = {
    NOERROR: 0,
    FORMERR: 0,
    SERVFAIL: 0,
    NXDOMAIN: 0,
    NOTIMP: 0,
    REFUSED: 0,
    BADVERS: 0,
  }
  /** Cut to nothing for UDP. */
  truncated = 0
  /** Neither questions nor answerable. */
  ignored = 0
  /** Beyond the rate of a network: answered truncated, or not at all. */
  slipped = 0
  limited = 0
  /** Left without an answer on purpose, by a drill. */
  muted = 0
  /** Answered with the last good sites. */
  stale = 0
  /** Not sent because the machine takes them no faster. */
  unsent = 0
  /** Connections closed because of a limit or what came on them. */
  refusedConnections = 0
}
