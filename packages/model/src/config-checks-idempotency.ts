import type { Finding, Path } from './config-document.ts'
import { get, isObject, items } from './config-values.ts'

/** What no single value of a route's `idempotency` shows. */
export function* checkIdempotency(path: Path, route: unknown): Generator<Finding> {
  const filters = items(get(route, 'filters'))
  const found = filters.flatMap((filter, index) =>
    isObject(get(filter, 'idempotency')) ? [[...path, 'filters', index, 'idempotency'] as Path] : [],
  )
  if (found[0] === undefined) return
  for (const second of found.slice(1))
    yield { path: second, message: 'given twice', hint: 'a route keeps first results once' }
  const otherwise = ['respond', 'redirect', 'aggregate', 'serve'].find((key) => get(route, key) !== undefined)
  if (otherwise !== undefined)
    yield {
      path: found[0],
      message: `not with ${otherwise}`,
      hint: 'there is no service whose answer it could keep',
    }
  const { by } = (get(filters[Number(found[0].at(-2))], 'idempotency') ?? {}) as { by?: unknown }
  const wantsClaim = [by].flat().some((part) => typeof part === 'string' && part.startsWith('claim:'))
  if (wantsClaim && !filters.some((filter) => get(filter, 'jwt') !== undefined))
    yield {
      path: [...found[0], 'by'],
      message: 'no token to take a claim from',
      expected: 'a `jwt` filter on this route',
    }
}
