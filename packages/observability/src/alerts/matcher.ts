import { labelMatcher, readMatcher } from '../rules/selector-parser.ts'
import { TokenReader } from '../rules/token-reader.ts'
import type { LabelMatcher } from '../rules/condition.ts'
import type { LabelSet } from './labels.ts'

/** Reads one matcher such as `severity=~"P1|P2"`; the quotes may be left out where the value is one word. Throws ConditionError. */
export function parseMatcher(text: string): LabelMatcher {
  const [, label, how, value] =
    /^\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*([^\s"'{},]+)\s*$/.exec(text) ?? []
  if (label !== undefined && !how!.endsWith('~'))
    return labelMatcher(label, how as LabelMatcher['how'], value!)
  const tokens = new TokenReader(label === undefined ? text : `${label}${how}${JSON.stringify(value)}`)
  const matcher = readMatcher(tokens)
  if (tokens.next.kind !== 'end') tokens.refuse('one matcher, such as severity="P1"')
  return matcher
}

/** Whether labels are as all matchers want them; a label that is not there is empty. */
export function matchAll(matchers: readonly LabelMatcher[], labels: LabelSet): boolean {
  return matchers.every(({ label, matches }) => matches(labels[label] ?? ''))
}
