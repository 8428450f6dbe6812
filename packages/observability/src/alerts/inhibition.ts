import type { LabelMatcher } from '../rules/condition.ts'
import { matchAll } from './matcher.ts'
import type { LabelSet } from './labels.ts'

/** While an alert of the source fires, those of the target with the same `equal` labels are not told. */
export interface InhibitRule {
  readonly source: readonly LabelMatcher[]
  readonly target: readonly LabelMatcher[]
  readonly equal: readonly string[]
}

/**
 * Whether an alert is to be kept quiet because another one fires, as Alertmanager decides it: a missing label equals an empty
 * one, and an alert that both sides mean is quiet only for one that is not itself a target.
 */
export function isInhibited(
  rules: readonly InhibitRule[],
  labels: LabelSet,
  firing: Iterable<LabelSet>,
): boolean {
  const concerned = rules.filter(({ target }) => matchAll(target, labels))
  if (concerned.length === 0) return false
  const all = [...firing]
  return concerned.some(({ source, target, equal }) => {
    const bothSides = matchAll(source, labels)
    return all.some(
      (other) =>
        matchAll(source, other) &&
        equal.every((name) => (other[name] ?? '') === (labels[name] ?? '')) &&
        !(bothSides && matchAll(target, other)),
    )
  })
}
