import type { LabelMatcher, Selector } from './condition.ts'
import type { TokenReader } from './token-reader.ts'

/** Whether a metric comes next: a name with `{` at it. */
export function selectorBegins(tokens: TokenReader): boolean {
  const { next, second } = tokens
  return next.kind === 'word' && second.kind === 'sign' && second.text === '{' && !second.apart
}

/** Reads `name{label="value",…}`. */
export function readSelector(tokens: TokenReader): Selector {
  const { text: name } = tokens.next
  if (!selectorBegins(tokens) || !/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name))
    tokens.refuse('a metric such as budao_gateway_requests_total{route="shop"}', 'the braces are needed')
  tokens.take()
  tokens.expectSign('{')
  const matchers: LabelMatcher[] = []
  while (tokens.takeSign('}') === undefined) {
    if (matchers.length > 0) tokens.expectSign(',')
    matchers.push(readMatcher(tokens))
  }
  return { name, matchers }
}

/** Reads one `label="value"`, with `=`, `!=`, `=~` or `!~`. */
export function readMatcher(tokens: TokenReader): LabelMatcher {
  const label = tokens.take()
  if (label.kind !== 'word' || !/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label.text))
    tokens.refuse('the name of a label', undefined, label)
  const how = tokens.takeSign('=~', '!~', '!=', '=') as LabelMatcher['how'] | undefined
  if (how === undefined) tokens.refuse('=, !=, =~ or !~')
  const value = tokens.take()
  if (value.kind !== 'text') tokens.refuse('a value in quotes', undefined, value)
  try {
    return labelMatcher(label.text, how!, value.text)
  } catch (error) {
    return tokens.refuse('a regular expression', (error as Error).message, value)
  }
}

/** A matcher of a label. Throws a SyntaxError where its pattern is no regular expression. */
export function labelMatcher(label: string, how: LabelMatcher['how'], value: string): LabelMatcher {
  const pattern = how.endsWith('~') ? new RegExp(`^(?:${value})$`, 's') : undefined
  const wanted = how.startsWith('=')
  const matches = (given: string): boolean => (pattern?.test(given) ?? given === value) === wanted
  return { label, how, value, matches }
}
