import type { Cells } from '@budao/resilience'
import type { RemoteTexts } from '../keys/remote-texts.ts'
import type { HttpVersion } from '../client/client.ts'
import type { Store } from '../stores/store.ts'

/** A request as routing and filters see it. Valid only until the answer has ended: the gateway reuses it. */
export interface RequestView {
  /** As received: methods are case-sensitive. */
  readonly method: string
  readonly scheme: 'http' | 'https'
  /** Name of the listener it came in by. */
  readonly listener: string
  /** Lower case, without port. */
  readonly host: string
  /** Without query; dot segments removed, `%2e` decoded. */
  readonly path: string
  /** Without the question mark; empty when there is none. */
  readonly query: string
  /** The peer's address, or what a trusted proxy said of it. */
  readonly clientIp: string
  /** A header's value, `name` in lower case; several lines joined by `, `; undefined when absent. */
  header(name: string): string | undefined
}

/** The claims of a token, JSON values by name. */
export type Claims = Readonly<Record<string, unknown>>

/** A request in the filter chain: its headers may still be changed before it is forwarded. */
export interface FilterRequest extends RequestView {
  /** The route's name. */
  readonly route: string
  readonly requestId: string
  readonly httpVersion: HttpVersion
  /** Monotonic milliseconds of this request's arrival. */
  readonly now: number
  /** Whether the peer is a proxy that the listener trusts to speak for clients. */
  readonly peerTrusted: boolean
  /** What a verified token says of the client; null before a `jwt` filter has passed it. */
  claims: Claims | null
  /**
   * Replaces every line of that header in the forwarded request. Throws a RangeError, as `removeHeader` does, for headers
   * of the connection and those that say where a message ends.
   */
  setHeader(name: string, value: string): void
  /** One more line of that header, behind those there are. Throws as `setHeader` does. */
  addHeader(name: string, value: string): void
  removeHeader(name: string): void
  /** Words left by filters, for others and for the access log; in their order. */
  readonly marks: readonly string[]
  /** Leaves a word of at most a few letters. */
  mark(word: string): void
}

/** A response head on its way to the client. */
export interface FilterResponse {
  readonly status: number
  header(name: string): string | undefined
  setHeader(name: string, value: string): void
  addHeader(name: string, value: string): void
  removeHeader(name: string): void
}

/** An answer given by the gateway itself. Content-Length is added; header names as they go on the wire. */
export interface Reply {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

/** What is known when an exchange has ended. Durations in milliseconds. */
export interface ExchangeRecord {
  readonly status: number
  readonly requestBytes: number
  readonly responseBytes: number
  readonly durationMs: number
  /** Address of the endpoint that answered; empty when none did. */
  readonly endpoint: string
  readonly site: string
  /** The release of that endpoint, and the one the request belonged to; empty where releases are not told apart. */
  readonly release: string
  readonly releaseWanted: string
  readonly attempts: number
  /** `upstream`, or what answered instead: `filter`, `cache`, `idempotency`, `route`, `aggregate`, `fallback-json`, `fallback-stale`, `fallback-service`, `gateway`, `aborted`. */
  readonly answeredBy: string
  /** Why the gateway answered by itself or the last attempt failed; empty otherwise. */
  readonly reason: string
  /** Words that filters have left. */
  readonly marks: readonly string[]
  /** Of an aggregate route, in the order of the configuration. */
  readonly parts?: readonly PartRecord[]
}

/** What became of one part of an aggregate route's answer. */
export interface PartRecord {
  readonly name: string
  /** 0 when there was no answer. */
  readonly status: number
  /** Why it is not in the answer; empty when it is. */
  readonly reason: string
  readonly durationMs: number
  readonly endpoint: string
  readonly attempts: number
}

/** One step of a route's chain. Order is the configuration's. Each hook is optional and costs nothing when absent. */
export interface Filter {
  readonly name: string
  /** Returns a reply to answer at once; undefined to go on. A rejected promise answers 500. */
  onRequest?(request: FilterRequest): Reply | undefined | Promise<Reply | undefined>
  /** How long, at most, `onRequest` takes on purpose: that much more than the route's time it is given. */
  readonly waitMs?: number
  /** Sees every answer that passes the chain, the gateway's own included. */
  onResponse?(request: FilterRequest, response: FilterResponse): void
  onEnd?(request: FilterRequest, record: ExchangeRecord): void
  /** Releases files and timers; the filter gets no further calls. */
  close?(): void | Promise<void>
}

/** What the outside gives a filter. */
export interface FilterEnv {
  /** Memory shared by all workers, zeroed when new; as long as `filterCells` asked for. */
  readonly cells: Cells
  /** Monotonic milliseconds. */
  now(): number
  /** Milliseconds since 1970. */
  wallNow(): number
  /** Relative paths in the configuration start here. */
  readonly baseDir: string
  readonly route: string
  /** Which filter of the route it is, from 0. */
  readonly step: number
  /** Node and site of this gateway. */
  readonly node: string
  readonly site: string
  /** Tells people of something that went wrong without a request to answer. */
  warn(message: string): void
  /** A store that several gateways share, by its name in the configuration. */
  store(name: string): Promise<Store>
  /** What the main thread fetches for all threads, by URL. */
  readonly remoteTexts: RemoteTexts
}
