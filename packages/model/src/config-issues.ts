import type { z } from 'zod'
import type { ConfigDocument, Path } from './config-document.ts'
import { knownKeys } from './config-shape.ts'
import { nearest } from './nearest.ts'
import { formatPath, type Problem } from './problem.ts'

type Issue = z.core.$ZodIssue

/** Completes "expected …" where a schema gives no text of its own. */
export function expectation(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'invalid_type')
    return kinds[String(issue['expected'])] ?? `a ${String(issue['expected'])}`
  // All other unions have a text: this one is free JSON.
  if (issue.code === 'invalid_union') return 'a value JSON can carry'
  return undefined
}

const kinds: Readonly<Record<string, string>> = {
  object: 'keys with their values',
  record: 'names with their values',
  array: 'a list',
  string: 'a text',
  boolean: 'true or false',
}

/** What the schema refused, in the words and with the places of the file. */
export function toProblems(issues: readonly Issue[], document: ConfigDocument): Problem[] {
  const misspelt = new Set(issues.filter(isMisspelling).map((issue) => formatPath(issue.path)))
  return (
    issues
      // `{ ratelimit: … }` has none of the keys a filter must have one of: the misspelling says it all.
      .filter((issue) => issue.code !== 'custom' || !misspelt.has(formatPath(issue.path)))
      .flatMap((issue) => problemsOf(issue, issue.path as Path, document))
  )
}

function problemsOf(issue: Issue, path: Path, document: ConfigDocument): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey([...path, key], document))
  }
  if (issue.code === 'invalid_key') {
    const found = quote(String(path.at(-1)))
    return [
      document.place(
        { path, message: 'bad name', expected: issue.issues[0]?.message ?? issue.message, found },
        'key',
      ),
    ]
  }
  if (issue.code === 'invalid_union') {
    // One alternative takes this kind of value: what is wrong inside it says more than "none fits".
    const inner = issue.errors.filter((errors) => errors.some(isInside))
    if (inner.length === 1) {
      return inner[0]!.flatMap((nested) => problemsOf(nested, [...path, ...(nested.path as Path)], document))
    }
  }
  const value = valueAt(document.value, path)
  if (value === undefined)
    return [document.place({ path, message: 'missing', expected: issue.message }, 'key')]
  return [
    document.place({
      path,
      message: 'bad value',
      expected: issue.message,
      found: describe(value),
      ...hintFor(issue, value),
    }),
  ]
}

function isMisspelling(issue: Issue): boolean {
  return issue.code === 'unrecognized_keys'
}

function isInside(issue: Issue): boolean {
  return issue.path.length > 0 || issue.code === 'unrecognized_keys'
}

function unknownKey(path: Path, document: ConfigDocument): Problem {
  const known = knownKeys(path.slice(0, -1)).filter((key) => key !== '$schema')
  const close = nearest(String(path.at(-1)), known)
  const help =
    close === undefined ? { expected: `one of ${known.join(', ')}` } : { hint: `did you mean \`${close}\`?` }
  return document.place({ path, message: 'unknown key', ...help }, 'key')
}

function hintFor(issue: Issue, value: unknown): { hint?: string } {
  if (typeof value === 'number' && issue.message.startsWith('a duration'))
    return { hint: `give a unit, such as ${value}s` }
  const textWanted =
    (issue.code === 'invalid_type' && issue.expected === 'string') || issue.message.startsWith('a text')
  if (textWanted && (typeof value === 'number' || typeof value === 'boolean')) {
    return { hint: `write it in quotes: "${value}"` }
  }
  if (value === null && issue.code === 'invalid_type' && issue.expected === 'object') {
    return { hint: 'write {} for the defaults' }
  }
  if (issue.code === 'invalid_value' && typeof value === 'string') {
    const close = nearest(value, issue.values.map(String))
    if (close !== undefined) return { hint: `did you mean \`${close}\`?` }
  }
  return {}
}

function valueAt(from: unknown, path: Path): unknown {
  let value = from
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as Record<string | number, unknown>)[step]
  }
  return value
}

/** A value as a message shows it: short, on one line. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return quote(value)
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object') return Object.keys(value).length === 0 ? '{}' : 'keys with values'
  return typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? typeof value)
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 59)}…` : text)
}
