import type { z } from 'zod'
import type { ConfigDocument, Path } from './config-document.ts'
import { knownKeys } from './config-shape.ts'
import { nearest } from './nearest.ts'
import type { Problem } from './problem.ts'

type Issue = z.core.$ZodIssue

/** Completes "expected …" where a schema gives no text of its own. */
export function expectation(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'invalid_type')
    return kinds[String(issue['expected'])] ?? `a ${String(issue['expected'])}`
  if (issue.code === 'invalid_union') return 'a value of another kind'
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
  return issues.flatMap((issue) => problemsOf(issue, issue.path as Path, document))
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
    // One alternative that has the right kind of value: what is wrong inside it says more than "none fits".
    const inner = issue.errors.filter((errors) => !errors.some(isKindMismatch))
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

function isKindMismatch(issue: Issue): boolean {
  return issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value')
}

function unknownKey(path: Path, document: ConfigDocument): Problem {
  const known = knownKeys(path.slice(0, -1))
  const close = nearest(String(path.at(-1)), known)
  const help =
    close === undefined ? { expected: `one of ${known.join(', ')}` } : { hint: `did you mean \`${close}\`?` }
  return document.place({ path, message: 'unknown key', ...help }, 'key')
}

function hintFor(issue: Issue, value: unknown): { hint?: string } {
  if (typeof value === 'number' && issue.message.startsWith('a duration'))
    return { hint: `give a unit, such as ${value}s` }
  if (issue.code === 'invalid_type' && issue.expected === 'string' && typeof value !== 'object') {
    return { hint: `write it in quotes: "${String(value)}"` }
  }
  if (value === null && issue.code === 'invalid_type' && issue.expected === 'object') {
    return { hint: 'write {} for the defaults' }
  }
  if (issue.code === 'invalid_value' && typeof value === 'string') {
    if (value === 'tcp' && issue.values.includes('https')) return { hint: 'tcp is served by a later release' }
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
  return String(value)
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 59)}…` : text)
}
