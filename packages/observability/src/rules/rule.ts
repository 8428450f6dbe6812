import type { LabelSet } from '../alerts/labels.ts'
import type { Condition } from './condition.ts'

/** What an alert becomes when its rule sees nothing to judge: a series that is gone, a share of nothing. */
export const noDataChoices = ['ok', 'alerting', 'keep_last'] as const

/** One of `noDataChoices`. */
export type NoData = (typeof noDataChoices)[number]

/** A rule as its file says it, with the defaults. Times in milliseconds. */
export interface AlertRule {
  readonly name: string
  readonly condition: Condition
  /** The condition as it is written. */
  readonly text: string
  /** Names of receivers, or mail addresses; empty: those of `alerts.notify`. */
  readonly notify: readonly string[]
  readonly severity: string
  /** How long the condition must hold without a break. */
  readonly forMs: number
  /** How long an alert goes on after the condition has ended. */
  readonly keepFiringForMs: number
  /** More alerts than this at once are an error of the rule. */
  readonly limit: number
  readonly noData: NoData
  readonly labels: LabelSet
  /** Templates. */
  readonly annotations: LabelSet
}
