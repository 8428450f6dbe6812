import type { LogFilter } from '@budao/model'

/** How a value is compared with the number of its rule. */
export type Comparison = '>' | '>=' | '<' | '<=' | '==' | '!='

/** When a value is an alert. */
export interface Threshold {
  readonly comparison: Comparison
  readonly limit: number
}

/** What of a condition says how much is looked at, and how it is split. */
export interface Scope {
  /** How far back is looked, milliseconds; 0: the newest value only. */
  readonly windowMs: number
  /** One alert for each combination of these; empty: one for everything; `*`: one for each series. */
  readonly by: readonly string[] | '*'
  /** Fewer samples than this say nothing. */
  readonly min: number
}

/**
 * count     records in the window
 * rate      records a second
 * ratio     records as a share of those of `of`
 * quantile  of a number that records have under `field`
 * absent    there was none; holds without a threshold
 */
export type LogCondition = Scope & {
  readonly source: 'log'
  readonly filter: LogFilter
} & (
    | { readonly kind: 'count' | 'rate'; readonly threshold: Threshold }
    | { readonly kind: 'ratio'; readonly of: LogFilter; readonly threshold: Threshold }
    | {
        readonly kind: 'quantile'
        readonly field: string
        readonly quantile: number
        readonly threshold: Threshold
      }
    | { readonly kind: 'absent' }
  )

/** Which series are meant: a name, and what its labels must be. */
export interface Selector {
  readonly name: string
  readonly matchers: readonly LabelMatcher[]
}

/** One label of a selector, as Prometheus compares it: a label that is not there is empty. */
export interface LabelMatcher {
  readonly label: string
  readonly how: '=' | '!=' | '=~' | '!~'
  readonly value: string
  matches(value: string): boolean
}

/**
 * value          the newest
 * avg, min, max  over the window
 * count          by how much a counter rose
 * rate           the same for each second
 * ratio          how much it rose as a share of how much that of `of` rose
 * quantile       of a histogram
 * absent         no series, or none with a value in the window
 */
export type MetricCondition = Scope & { readonly source: 'metric'; readonly selector: Selector } & (
    | {
        readonly kind: 'value' | 'avg' | 'min' | 'max' | 'count' | 'rate'
        readonly threshold: Threshold
      }
    | { readonly kind: 'ratio'; readonly of: Selector; readonly threshold: Threshold }
    | { readonly kind: 'quantile'; readonly quantile: number; readonly threshold: Threshold }
    | { readonly kind: 'absent' }
  )

/** When a rule has something to say. */
export type Condition = LogCondition | MetricCondition

/** One value of a condition: a group of it, and whether the condition holds there. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  readonly holds: boolean
}

/** Whether a value is beyond its threshold. NaN never is, but for `!=`, as in IEEE 754. */
export function isBeyond({ comparison, limit }: Threshold, value: number): boolean {
  switch (comparison) {
    case '>':
      return value > limit
    case '>=':
      return value >= limit
    case '<':
      return value < limit
    case '<=':
      return value <= limit
    case '==':
      return value === limit
    case '!=':
      return value !== limit
  }
}
