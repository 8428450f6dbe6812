import { z } from 'zod'
import { parseAddress } from './config-address.ts'
import { durationMaxMs, durationPattern, parseDuration } from './duration.ts'

// Every `error` text completes the sentence "expected …".

/** Makes the schema of one duration key; at least 1 ms unless `min` is 0. */
export interface DurationSchema {
  readonly of: (options?: DurationOptions) => z.ZodType<number>
  /** With a default such as `5s`. */
  readonly or: (fallback: string, options?: DurationOptions) => z.ZodPrefault<z.ZodType<number>>
}

export interface DurationOptions {
  readonly min?: 0 | 1
}

/** Durations as people write them. */
export const writtenDuration: DurationSchema = {
  of: ({ min = 1 } = {}) => {
    const expected = `a duration ${min === 0 ? '' : 'above zero '}such as 500ms, 3s or 5m`
    return z
      .string({ error: expected })
      .regex(durationPattern, { error: expected, abort: true })
      .refine((written) => parseDuration(written) !== undefined, { error: 'at most 24 days', abort: true })
      .refine((written) => parseDuration(written)! >= min, { error: expected })
      .transform((written) => parseDuration(written)!)
  },
  or: (fallback, options) => writtenDuration.of(options).prefault(fallback),
}

/** Durations as milliseconds: how a snapshot carries them. */
export const plainDuration: DurationSchema = {
  of: ({ min = 1 } = {}) => integer(min, durationMaxMs),
  or: (fallback, options) => plainDuration.of(options).prefault(parseDuration(fallback)!),
}

export function integer(min: number, max: number): z.ZodType<number> {
  const error = `a whole number from ${min} to ${max}`
  return z.int({ error }).min(min, { error }).max(max, { error })
}

export function number(min: number, max: number): z.ZodType<number> {
  const error = `a number from ${min} to ${max}`
  return z.number({ error }).min(min, { error }).max(max, { error })
}

const sizeUnits = { B: 1, KiB: 1_024, MiB: 1_048_576, GiB: 1_073_741_824 } as const
const sizePattern = /^(\d{1,9})(B|KiB|MiB|GiB)$/

/** A number of bytes, with a unit or without. */
export function size(min: string, max: string): z.ZodType<number, number | string> {
  const error = `a size from ${min} to ${max}, such as 64MiB`
  const written = z
    .string({ error })
    .regex(sizePattern, { error })
    .transform((value) => sizeOf(value))
  return z
    .union([z.int({ error }), written], { error })
    .refine((bytes) => bytes >= sizeOf(min) && bytes <= sizeOf(max), { error })
}

function sizeOf(written: string): number {
  const [, count = '', unit = 'B'] = sizePattern.exec(written) ?? []
  return Number(count) * sizeUnits[unit as keyof typeof sizeUnits]
}

export const percent: z.ZodType<number> = integer(0, 100)

export const flag: z.ZodType<boolean> = z.boolean({ error: 'true or false' })

/** Any text of at least one character, on one line. */
export function text(expected = 'a text'): z.ZodType<string, string> {
  // oxlint-disable-next-line no-control-regex
  return z.string({ error: expected }).regex(/^[^\u0000-\u001f\u007f]+$/, { error: expected })
}

export function choice<const T extends readonly string[]>(values: T): z.ZodType<T[number]> {
  return z.enum(values, { error: oneOfText(values) }) as z.ZodType<T[number]>
}

/** One of these values, numbers included. */
export function choiceOf<const T extends readonly (string | number)[]>(values: T): z.ZodType<T[number]> {
  return z.literal(values, { error: oneOfText(values.map(String)) })
}

/** A host's name or address as it goes into `Host` and `Location`, without port. */
export const hostName: z.ZodType<string, string> = matching(
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])$/,
  'a host name without port',
)

/** The same with a port or without, as in a Host header. */
export const authority: z.ZodType<string, string> = matching(
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/,
  'a host name, with or without port',
)

/** Names of sites, services, routes and listeners: they appear in paths, metrics and commands. */
export const name: z.ZodType<string, string> = matching(
  /^[A-Za-z][A-Za-z0-9_-]{0,62}$/,
  'a name: a letter, then letters, digits, - or _, at most 63',
)

export const file: z.ZodType<string, string> = text('the path of a file')

/** `host:port`; port 0 only where a free one may be taken. */
export function address({ portMin }: { readonly portMin: 0 | 1 }): z.ZodType<string, string> {
  const error = `host:port, such as 127.0.0.1:8080 or [::1]:8080, port ${portMin} to 65535`
  return z.string({ error }).refine((value) => (parseAddress(value)?.port ?? -1) >= portMin, { error })
}

/** An HTTP token: header names and methods. */
export const token: z.ZodType<string, string> = matching(
  /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/,
  'an HTTP name without spaces',
)

export const method: z.ZodType<string, string> = matching(
  /^[A-Z][A-Z-]*$/,
  'a method in capitals, such as GET',
)

export const pathText: z.ZodType<string, string> = matching(/^\/[^\s?#]*$/, 'a path that starts with /')

export const regexText: z.ZodType<string, string> = text('a regular expression').refine(compiles, {
  error: 'a regular expression as JavaScript writes them',
})

/** Header values as they may go on the wire. */
export const headerValue: z.ZodType<string, string> = matching(
  // oxlint-disable-next-line no-control-regex
  /^[\t\u0020-\u007e\u0080-\u00ff]*$/,
  'a header value on one line',
)

/** What an admin token may be. */
export const secret: z.ZodType<string, string> = matching(
  /^[\u0021-\u007e]{8,256}$/,
  'a token of at least 8 characters without spaces',
)

export function matching(pattern: RegExp, expected: string): z.ZodType<string, string> {
  return z.string({ error: expected }).regex(pattern, { error: expected })
}

/** An object with exactly one of these keys: the discriminator of a union. The caller names the union. */
export function exactlyOne<T>(shape: Readonly<Record<string, z.ZodType>>): z.ZodType<T> {
  const keys = Object.keys(shape)
  const optional = Object.fromEntries(keys.map((key) => [key, z.exactOptional(shape[key]!)]))
  return (
    z
      .strictObject(optional)
      .refine((value) => Object.keys(value).length === 1, { error: `exactly one of ${keys.join(', ')}` })
      .meta({ minProperties: 1, maxProperties: 1 })
      // The check above is what makes it one of the union.
      .transform((value) => value as T)
  )
}

export function oneOfText(values: readonly string[]): string {
  return values.length === 1 ? values[0]! : `one of ${values.join(', ')}`
}

function compiles(source: string): boolean {
  try {
    return new RegExp(source, 'u') instanceof RegExp
  } catch {
    return false
  }
}
