import type { SecretConfig } from './config-serve.ts'
import type { AlertLanguage, ReceiverConfig, SmtpConfig } from './providers/receiver.ts'

/** What is judged, and who is told. Times in milliseconds. */
export interface AlertsConfig {
  /** Files with rules, relative to the configuration file. */
  readonly rules: readonly string[]
  /** Whether the rules for everything that Budao does by itself are judged too. */
  readonly builtIn: boolean
  /** How often metrics are read and rules over them judged. */
  readonly interval: number
  /** Other processes whose metrics are read. */
  readonly scrape: readonly ScrapeConfig[]
  readonly receivers: Readonly<Record<string, ReceiverConfig>>
  /** Who hears of built-in rules, and of those that name nobody. */
  readonly notify: readonly string[]
  readonly language: AlertLanguage
  readonly group: AlertGroupConfig
  readonly inhibit: readonly InhibitConfig[]
  /** Absent: nobody else hears. */
  readonly escalation?: EscalationConfig
  /** How long a message is tried. */
  readonly retryFor: number
  /** Needed for mail. */
  readonly smtp?: SmtpConfig
  /** Where people reach this process: links in messages go there. */
  readonly publicUrl?: string
  /** Absent: one of its own, kept in `dataDir`; several controllers need the same. */
  readonly ackSecret?: SecretConfig
}

/** Metrics of another process. */
export interface ScrapeConfig {
  readonly url: string
  readonly token?: SecretConfig
}

export interface AlertGroupConfig {
  /** Labels by which alerts are put into one message. */
  readonly by: readonly string[]
  readonly wait: number
  readonly interval: number
  readonly repeat: number
}

/** While an alert of the source fires, those of the target with the same `equal` are not told. */
export interface InhibitConfig {
  readonly source: readonly string[]
  readonly target: readonly string[]
  readonly equal: readonly string[]
}

/** Who hears when nobody has acknowledged. */
export interface EscalationConfig {
  readonly after: number
  readonly to: readonly string[]
  readonly severities: readonly string[]
}
