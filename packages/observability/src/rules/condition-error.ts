/** What is wrong with a condition, and where. */
export class ConditionError extends Error {
  override readonly name = 'ConditionError'
  /** Characters before it. */
  readonly at: number
  /** Completes “expected …”. */
  readonly expected: string
  readonly found: string
  readonly hint: string | undefined

  constructor(at: number, expected: string, found: string, hint?: string) {
    super(`expected ${expected}, found ${found}${hint === undefined ? '' : ` (${hint})`}`)
    this.at = at
    this.expected = expected
    this.found = found
    this.hint = hint
  }
}
