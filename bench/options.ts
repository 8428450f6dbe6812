/** The command line asked for something that does not exist: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** A whole number within its limits; throws a `UsageError` that names the option, the limits and what was given. */
export function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= min && value <= max && text !== '') return value
  throw new UsageError(
    `--${option}: expected a whole number from ${min} to ${max}, got ${JSON.stringify(text)}`,
  )
}

export function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
