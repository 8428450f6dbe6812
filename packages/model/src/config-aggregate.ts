import type { JsonValue } from './config-json.ts'

/** Several calls at once, whose answers become one JSON object. */
export interface AggregateConfig {
  /** By the name of the member each becomes; at most 32. */
  readonly parts: Readonly<Record<string, PartConfig>>
  /** For all of them together. Default 3 000. */
  readonly timeout: number
  /** What a part that fails does where it does not say so itself: it is left out, or nothing is answered. Default `partial`. */
  readonly onFailure: 'partial' | 'fail'
  /** Headers of the client that parts get, in lower case. Default accept-language and user-agent. */
  readonly passHeaders: readonly string[]
  /** Longest answer, all parts together. Default 4 MiB. */
  readonly bytes: number
  /** Most calls of one request at once. Default 8. */
  readonly concurrency: number
  /** Of a complete answer. Default `no-store`. */
  readonly cacheControl: string
}

/** One call and what is made of its answer. Texts may hold values of the request, see `parseTemplate`. */
export interface PartConfig {
  readonly service: string
  /** Default GET. */
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** A parameter whose value is absent is left out. */
  readonly query: Readonly<Record<string, string>>
  /** A header whose value is absent is left out. */
  readonly headers: Readonly<Record<string, string>>
  /** Sent with POST. */
  readonly json?: JsonValue
  /** Members down to the value that is taken; empty: all of the answer. */
  readonly pick: readonly string[]
  /** Without it nothing is answered. Absent: as `onFailure` says. */
  readonly required?: boolean
  /** Stands for the part when it fails. */
  readonly default?: JsonValue
  /** Absent: the whole `timeout`. */
  readonly timeout?: number
  /** Longest answer. Default 1 MiB. */
  readonly bytes: number
  /** Statuses of a required part that the client gets too. Default 401, 403 and 404. */
  readonly passStatus: readonly number[]
}
