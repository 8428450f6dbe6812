import type { SecretConfig } from '../config-serve.ts'

/** An address that may hold a key: as it is, or where it is kept. */
export type UrlConfig = string | SecretConfig

/** Where alerts are sent to, one of the kinds. */
export interface ReceiverConfig {
  /** Whether it hears of ends. Default `true`. */
  readonly sendResolved: boolean
  /** Absent: that of `alerts.language`. */
  readonly language?: AlertLanguage
  /** Any program: JSON as Alertmanager sends it, version 4. */
  readonly webhook?: WebhookConfig
  readonly slack?: RobotConfig
  readonly wecom?: RobotConfig
  readonly dingtalk?: SignedRobotConfig
  readonly feishu?: SignedRobotConfig
  readonly email?: MailConfig
}

/** Of messages. */
export const alertLanguages = ['en', 'zh-CN'] as const

/** One of `alertLanguages`. */
export type AlertLanguage = (typeof alertLanguages)[number]

export interface WebhookConfig {
  readonly url: UrlConfig
  /** With it the header `X-Budao-Signature` proves who sent. */
  readonly secret?: SecretConfig
}

/** A robot of a group chat; the key is part of its address. */
export interface RobotConfig {
  readonly url: UrlConfig
}

/** A robot that may want signatures. */
export interface SignedRobotConfig extends RobotConfig {
  readonly secret?: SecretConfig
}

export interface MailConfig {
  readonly to: readonly string[]
}

/** The mail server that messages leave by. */
export interface SmtpConfig {
  /** `host:port`. */
  readonly server: string
  readonly from: string
  /** starttls: a plain connection that must become TLS. tls: from the first byte. none: plain, for a server on this machine. */
  readonly security: 'starttls' | 'tls' | 'none'
  readonly user?: string
  readonly password?: SecretConfig
}
