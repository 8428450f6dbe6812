import { parseArgs } from 'node:util'

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

/** What a whole number is where nothing is said, and its limits. */
export type WholeNumber = readonly [byDefault: number, min: number, max: number]

/**
 * The options of a command line that takes whole numbers alone, and `--help`: then `usage` is printed, and null returned. Throws what
 * `parseArgs` throws, and a `UsageError` for a number outside its limits.
 */
export function wholeNumbers<const Options extends Readonly<Record<string, WholeNumber>>>(
  args: readonly string[],
  usage: string,
  options: Options,
): { readonly [Name in keyof Options]: number } | null {
  const texts = Object.entries(options).map(
    ([name, [byDefault]]) => [name, { type: 'string', default: String(byDefault) }] as const,
  )
  const { values }: { values: Readonly<Record<string, string | boolean | undefined>> } = parseArgs({
    args: [...args],
    options: { ...Object.fromEntries(texts), help: { type: 'boolean', default: false } },
  })
  if (values['help'] === true) {
    process.stdout.write(usage)
    return null
  }
  const numbers = Object.entries(options).map(([name, [, min, max]]) => [
    name,
    wholeNumber(name, String(values[name]), min, max),
  ])
  return Object.fromEntries(numbers) as { readonly [Name in keyof Options]: number }
}
