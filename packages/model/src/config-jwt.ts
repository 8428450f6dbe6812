/** Requests need a valid token: 401 without one, 403 with a bad one. Times in milliseconds. */
export interface JwtConfig {
  /** A JWKS file, relative to the configuration file, or a URL; absent: `issuers` say where keys are. */
  readonly jwks?: string
  readonly issuer?: string
  /** Any of them must be in `aud`; absent: not checked. */
  readonly audience?: readonly string[]
  /** Accepted signature algorithms. Default RS256 and ES256. */
  readonly algorithms: readonly JwtAlgorithm[]
  /** More who may sign tokens; the `iss` of a token chooses. */
  readonly issuers: readonly JwtIssuerConfig[]
  /** Where a token is looked for; the first place that has one counts. Default the header Authorization. */
  readonly from: readonly TokenPlace[]
  /** Allowed difference between clocks. Default 30 000. */
  readonly clockSkew: number
  /** Claim → values of which it must have one, as it is, in a list, or among words. */
  readonly requireClaims: Readonly<Record<string, readonly string[]>>
  /** Claim → header of the forwarded request; that header of the client is removed. */
  readonly forwardClaims: Readonly<Record<string, string>>
  /** How keys of URLs are fetched. */
  readonly fetch: KeyFetchConfig
}

/** One who signs tokens. */
export interface JwtIssuerConfig {
  readonly jwks: string
  /** Absent: takes the tokens of all that no other has. */
  readonly issuer?: string
  readonly audience?: readonly string[]
  readonly algorithms: readonly JwtAlgorithm[]
}

/** A header (after `Bearer ` where that stands in it), a cookie or a query parameter. */
export type TokenPlace =
  | { readonly header: string }
  | { readonly cookie: string }
  | { readonly query: string }

/** Times in milliseconds. */
export interface KeyFetchConfig {
  /** Between two fetches. Default 300 000. */
  readonly interval: number
  /** Default 5000. */
  readonly timeout: number
  /** Least time between two fetches for keys that are not known, and after a failed one. Default 30 000. */
  readonly cooldown: number
}

/** Signature algorithms of RFC 7518 and 8037 that need no shared secret. */
export type JwtAlgorithm =
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'EdDSA'
