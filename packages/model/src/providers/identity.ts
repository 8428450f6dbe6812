import type { SecretConfig } from '../config-serve.ts'

/** Who knows users by a code of theirs: exactly one key, which says what it is. */
export type IdentityConfig = { readonly weixin: WeixinConfig } | { readonly test: TestIdentityConfig }

/** A WeChat mini program. Times in milliseconds. */
export interface WeixinConfig {
  readonly appId: string
  readonly secret: SecretConfig
  /** The next is asked when one cannot be reached. Default `https://api.weixin.qq.com`, then `https://api2.weixin.qq.com`. */
  readonly urls: readonly string[]
  /** Certificate authority in PEM, relative to the configuration file; absent: the system's. */
  readonly caFile?: string
  /** Until a connection is there. Default 1000. */
  readonly connectTimeout: number
  /** One request to one address, its connection included. Default 3000. */
  readonly timeout: number
  /** Most logins under way in each worker. Default 200. */
  readonly concurrency: number
  /** Keeps the app’s access token also where no route gives it out, for the admin API. Default false. */
  readonly accessToken: boolean
}

/** Takes codes that tests make up. */
export interface TestIdentityConfig {
  /** The group `user` is who it is; a code that does not match is refused. */
  readonly code: string
  /** Also where not all listeners of the route are on loopback. Default false. */
  readonly onNetwork: boolean
}
