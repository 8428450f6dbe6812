import type { JsonValue } from './config-json.ts'

/** A route's answer that needs no service. `body` and `json` exclude each other; without both the body is empty. */
export interface RespondConfig {
  /** 200 to 599. Default 200. */
  readonly status: number
  /** Content-Type is given for `json` and `body` unless it is set here. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly json?: JsonValue
}

/** Sends clients elsewhere; what is not given stays as it was asked for. */
export interface RedirectConfig {
  readonly scheme?: 'http' | 'https'
  readonly host?: string
  /** Absent: the client's, or the scheme's own where `scheme` or `host` is given. */
  readonly port?: number
  /** Instead of the whole path. */
  readonly path?: string
  /** Instead of the prefix that matched. */
  readonly prefix?: string
  /** Default true. */
  readonly keepQuery: boolean
  /** Default 302. */
  readonly status: 301 | 302 | 303 | 307 | 308
}
