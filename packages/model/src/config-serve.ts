/** What a route answers by itself for apps and their operators: exactly one key, which says what it is. */
export type ServeConfig =
  | { readonly ping: PingConfig }
  | { readonly telemetry: TelemetryConfig }
  | { readonly channels: ChannelsConfig }
  | { readonly session: SessionConfig }
  | { readonly jwks: JwksConfig }
  | { readonly accessToken: AccessTokenConfig }

/** 204 to whoever asks whether this gateway is there. */
export type PingConfig = Readonly<Record<string, never>>

/** Takes what apps have seen of their calls: counts it and, if wanted, writes it down. */
export interface TelemetryConfig {
  /** A file of JSON lines, relative to the configuration file; absent: calls are counted only. */
  readonly path?: string
  /** Share of the calls that is written, 0 to 1; those that failed always are. Default 1. */
  readonly sampleRatio: number
  /** Largest batch, bytes. Default 65 536. */
  readonly bytes: number
  /** Most calls in a batch. Default 100. */
  readonly calls: number
  /** Batches a second that all workers take together. Default 1000. */
  readonly rate: number
  /** Hosts of channels that are counted by name; all others are one. */
  readonly channels: readonly string[]
}

/** The signed order in which apps try their channels. Either `order` and `version`, or `file`. */
export interface ChannelsConfig {
  /** Private RSA key in PEM, at least 2048 bits, relative to the configuration file. */
  readonly key: string
  /** Origins, best first. */
  readonly order?: readonly string[]
  /** Rises with every change of the order. */
  readonly version?: number
  /** JSON with `version` and `order`, looked at like other files. */
  readonly file?: string
  /** How long a signed list is good, milliseconds. Default 3 600 000. */
  readonly ttl: number
}

/** Login: a code of the platform against a token of the gateway's own. */
export interface SessionConfig {
  /** Keys of `identity`; a request names one of them. */
  readonly provider: readonly string[]
  readonly token: SessionTokenConfig
  readonly user: UserIdConfig
  readonly refresh: RefreshConfig | false
}

/** What is issued. */
export interface SessionTokenConfig {
  /** Private keys in PEM, relative to the configuration file: the first signs, the others are good too. */
  readonly key: string
  /** Milliseconds. Default 1 800 000. */
  readonly ttl: number
  readonly issuer?: string
  readonly audience?: string
}

/** What stands for a user outside: exactly one of these. */
export type UserIdConfig =
  /** A keyed hash of what the provider calls the user, with this secret. */
  | { readonly hash: SecretConfig }
  /** What the provider calls the user. */
  | { readonly plain: true }

/** How long somebody stays logged in without a new code. */
export interface RefreshConfig {
  /** Days until a refresh token that is not used ends. Default 14. */
  readonly idleDays: number
  /** Days since the login behind which no refresh helps. Default 90. */
  readonly maxDays: number
}

/** Publishes the public part of keys that sign tokens. */
export interface JwksConfig {
  readonly key: string
}

/** Gives the platform's access token to backends. */
export interface AccessTokenConfig {
  /** A key of `identity`. */
  readonly provider: string
}

/** Where a secret is: exactly one of these. Never in the configuration itself. */
export type SecretConfig =
  /** Relative to the configuration file; white space around it is no part of it. */
  | { readonly file: string }
  /** Name of a variable of the environment. */
  | { readonly env: string }
