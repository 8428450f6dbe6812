import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** What a route is asked. */
export interface AdminRequest {
  readonly method: string
  /** The target as it was sent, with its query. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  /** Whose connection it is; empty where that is gone already. */
  readonly ip: string
  /** Of the path, decoded, by the names in the route's `url`. */
  readonly params: unknown
  /** Decoded texts by name; of a name that comes twice, a list. */
  readonly query: unknown
  /** What the JSON of the body says; undefined for GET and HEAD, and where nothing was sent. */
  readonly body: unknown
  /** Emits `close` when the answer is out or the client is gone. */
  readonly raw: IncomingMessage
}

/** The path of a request as messages and the log name it: without its query, which may hold what is secret. */
export function pathOf(url: string): string {
  return url.split('?', 1)[0]!.slice(0, 200)
}
