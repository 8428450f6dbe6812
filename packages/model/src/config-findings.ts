import type { Finding, Path } from './config-document.ts'
import { describe } from './config-issues.ts'
import { get, isObject, items } from './config-values.ts'
import { parseDuration } from './duration.ts'
import { nearest } from './nearest.ts'

/** Changing these would make two readers of one message disagree about where it ends. */
const framingHeaders: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** A header that a configuration may set or remove. */
export function* checkHeader(path: Path, header: unknown): Generator<Finding> {
  if (typeof header === 'string' && framingHeaders.has(header.toLowerCase())) {
    yield {
      path,
      message: 'not a header to change',
      expected: 'one that does not frame messages',
      found: describe(header),
    }
  }
}

/** A name that must be a key of `among`. */
export function* checkReference(path: Path, name: unknown, among: unknown, kind: string): Generator<Finding> {
  if (typeof name !== 'string' || !isObject(among) || Object.hasOwn(among, name)) return
  const known = Object.keys(among)
  const close = nearest(name, known)
  yield {
    path,
    message: `unknown ${kind}`,
    expected: known.length === 0 ? `a ${kind}` : `one of ${known.join(', ')}`,
    found: describe(name),
    ...(close === undefined ? {} : { hint: `did you mean \`${close}\`?` }),
  }
}

/** Values of `key` in a list that must differ, but for those `allowed`. */
export function* checkDoubles(
  parent: unknown,
  list: string,
  key: string,
  allowed: (text: string) => boolean = () => false,
  path: Path = [],
): Generator<Finding> {
  const first = new Map<string, number>()
  for (const [index, item] of items(get(parent, list)).entries()) {
    const text = get(item, key)
    if (typeof text !== 'string' || allowed(text)) continue
    const before = first.get(text)
    if (before === undefined) first.set(text, index)
    else {
      yield {
        path: [...path, list, index, key],
        message: `${key} given twice`,
        found: describe(text),
        hint: `${list}[${before}] has it too`,
      }
    }
  }
}

/** Of several weights one must be above 0. */
export function* checkWeights(path: Path, weighted: readonly unknown[]): Generator<Finding> {
  if (weighted.length > 0 && weighted.every((item) => get(item, 'weight') === 0)) {
    yield { path, message: 'all weights are 0', expected: 'at least one above 0' }
  }
}

/** A duration and where it stands. */
export interface Operand {
  readonly path: Path
  readonly ms: number | undefined
  readonly written: string
}

/** The duration at that place below `from`. */
export function operand(path: Path, from: unknown, keys: readonly string[]): Operand {
  const value = keys.reduce(get, from)
  const ms = typeof value === 'string' ? parseDuration(value) : typeof value === 'number' ? value : undefined
  return { path: [...path, ...keys], ms, written: keys.join('.') }
}

/** The first must not be longer than the second, where both are given. */
export function* checkAtMost(smaller: Operand, larger: Operand): Generator<Finding> {
  if (smaller.ms === undefined || larger.ms === undefined || smaller.ms <= larger.ms) return
  yield {
    path: smaller.path,
    message: `longer than ${larger.written}`,
    expected: `at most ${larger.ms}ms`,
    found: `${smaller.ms}ms`,
  }
}
