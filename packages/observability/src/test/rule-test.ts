import type { LogRecord } from '@budao/model'
import { RuleSet } from '../alerts/rule-set.ts'
import type { AlertRule } from '../rules/rule.ts'
import { SeriesStore } from '../series/series-store.ts'
import type { TestValue } from './series-notation.ts'

/** One test of rules: what comes in, and which alerts fire when. Times in milliseconds from the beginning of the test. */
export interface RuleTest {
  readonly name: string
  readonly intervalMs: number
  readonly series: readonly {
    readonly name: string
    readonly labels: Readonly<Record<string, string>>
    readonly values: readonly TestValue[]
  }[]
  readonly logs: readonly { readonly at: number; readonly record: LogRecord }[]
  readonly expectations: readonly Expectation[]
}

/** What is to fire at a time, of one rule. */
export interface Expectation {
  readonly evalTimeMs: number
  readonly alertname: string
  readonly alerts: readonly FiringAlert[]
}

export interface FiringAlert {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

/** What was found where something else was expected. */
export interface TestFailure extends Expectation {
  readonly test: string
  readonly found: readonly FiringAlert[]
}

/**
 * Runs a test as promtool does: rules are judged at 0, and every `evaluationMs` from then on, with the samples up to that time; an
 * expectation is about what fires after the last time that is not later than its own.
 */
export function runRuleTest(
  rules: readonly AlertRule[],
  test: RuleTest,
  evaluationMs: number,
): TestFailure[] {
  const retentionMs = Math.max(0, ...rules.map(({ condition }) => condition.windowMs)) + test.intervalMs
  const store = new SeriesStore({ retentionMs })
  const set = new RuleSet(rules, store, 0)
  const logs = test.logs.toSorted((a, b) => a.at - b.at)
  const expectations = test.expectations.toSorted((a, b) => a.evalTimeMs - b.evalTimeMs)
  const endMs = expectations.at(-1)?.evalTimeMs ?? 0
  const failures: TestFailure[] = []
  let samples = 0
  let record = 0
  let looked = 0
  const ignore = (): void => {}
  for (let now = 0; now <= endMs; now += evaluationMs) {
    for (; samples * test.intervalMs <= now; samples++)
      for (const { name, labels, values } of test.series) {
        const value = values[samples]
        if (value !== undefined) store.append(name, labels, samples * test.intervalMs, value)
      }
    for (; record < logs.length && logs[record]!.at <= now; record++)
      set.take(logs[record]!.record, logs[record]!.at, ignore)
    set.evaluate('log', now, ignore)
    set.evaluate('metric', now, ignore)
    for (; looked < expectations.length; looked++) {
      const expected = expectations[looked]!
      if (expected.evalTimeMs >= now + evaluationMs) break
      const found = firingOf(set, expected.alertname)
      if (!sameAlerts(found, expected.alerts)) failures.push({ ...expected, test: test.name, found })
    }
  }
  return failures
}

function firingOf(set: RuleSet, alertname: string): FiringAlert[] {
  return set.running
    .filter(({ rule }) => rule.name === alertname)
    .flatMap(({ active }) => [...active.values()])
    .filter(({ state }) => state === 'firing')
    .map(({ labels, annotations }) => ({ labels, annotations }))
}

function sameAlerts(found: readonly FiringAlert[], expected: readonly FiringAlert[]): boolean {
  const texts = (alerts: readonly FiringAlert[]): string => JSON.stringify(alerts.map(textOf).toSorted())
  return texts(found) === texts(expected)
}

function textOf({ labels, annotations }: FiringAlert): string {
  const sorted = (texts: Readonly<Record<string, string>>): unknown =>
    Object.entries(texts).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([sorted(labels), sorted(annotations)])
}
