import type { LogFilter, LogRecord } from '@budao/model'
import { ConditionError } from './condition-error.ts'
import { parseCondition } from './condition-parser.ts'
import type { LogCondition } from './condition.ts'
import { LogEvaluator } from './log-evaluator.ts'

/** A condition over logs, and the name that its number is asked for by. */
export interface WantedNumber {
  readonly key: string
  readonly text: string
}

/** The number of a condition now, and whether it holds; or why there is none. */
export type LogNumber =
  | { readonly value: number; readonly holds: boolean }
  | { readonly value: null; readonly why: string }

/** What is wrong with a condition that is to have one number of logs; null: nothing. */
export function logNumberProblem(
  text: string,
): { readonly expected: string; readonly found: string; readonly hint?: string } | null {
  try {
    const condition = parseCondition(text)
    if (condition.source !== 'log') return { expected: 'a condition over logs', found: 'one over metrics' }
    if (condition.by.length > 0) return { expected: 'one number', found: '`by`, one for each group' }
    return null
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error
    const { expected, found, hint } = error
    return {
      expected,
      found: `${found} at character ${error.at + 1}`,
      ...(hint === undefined ? {} : { hint }),
    }
  }
}

/** Numbers of logs, for whoever asks: each counts from now on, in its own window. Conditions that are wrong are left out. */
export class LogNumbers {
  /** Which records are wanted. */
  readonly filters: readonly LogFilter[]
  readonly #evaluators: ReadonlyMap<string, LogEvaluator>

  constructor(wanted: readonly WantedNumber[], now: number) {
    const conditions = wanted
      .filter(({ text }) => logNumberProblem(text) === null)
      .map(({ key, text }) => [key, parseCondition(text) as LogCondition] as const)
    this.filters = conditions.flatMap(([, condition]) =>
      condition.kind === 'ratio' ? [condition.filter, condition.of] : [condition.filter],
    )
    this.#evaluators = new Map(conditions.map(([key, condition]) => [key, new LogEvaluator(condition, now)]))
  }

  take(records: readonly LogRecord[], now: number): void {
    for (const record of records)
      for (const evaluator of this.#evaluators.values()) evaluator.take(record, now)
  }

  ask(key: string, now: number): LogNumber {
    const [sample] = this.#evaluators.get(key)?.evaluate(now) ?? []
    if (sample === undefined) return { value: null, why: 'too few records for a number' }
    return { value: sample.value, holds: sample.holds }
  }
}
