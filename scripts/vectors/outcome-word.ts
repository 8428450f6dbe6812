/** What a vector's word for an outcome means, before a library's rules. */
export type OutcomeWord = 'success' | 'failure' | 'ignored' | 'rejected' | 'slow' | 'unknown'

const outcomeWords: readonly [words: RegExp, meaning: OutcomeWord][] = [
  [/^(success|ok|succeeded)$/, 'success'],
  [/^(failure|failed|fail|error|exception|timeout|timed-out|reset|connect-failure|server-error)$/, 'failure'],
  [/^(ignored|ignore|cancelled|canceled|aborted|bad-request|client-error|unhandled|filtered)$/, 'ignored'],
  [/^((.*-)?rejected|short-circuited)$/, 'rejected'],
  [/^slow(-success)?$/, 'slow'],
  [/^(2|3)(xx|\d\d)$/, 'success'],
  [/^4(xx|\d\d)$/, 'ignored'],
  [/^5(xx|\d\d)$/, 'failure'],
]

export function outcomeWord(outcome: string): OutcomeWord {
  const word = outcome.toLowerCase().replaceAll(/[_\s]/g, '-')
  return outcomeWords.find(([words]) => words.test(word))?.[1] ?? 'unknown'
}
