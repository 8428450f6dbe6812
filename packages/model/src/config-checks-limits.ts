import type { Finding, Path } from './config-document.ts'
import { describe } from './config-issues.ts'
import { get } from './config-values.ts'
import { priorityNames } from './config.ts'

/** A lower class with the larger share would be served where a better one is turned away. */
export function* checkShares(path: Path, shares: unknown): Generator<Finding> {
  for (const [index, name] of priorityNames.entries()) {
    const better = priorityNames[index - 1]
    const [own, above] = [get(shares, name), better === undefined ? undefined : get(shares, better)]
    if (typeof own !== 'number' || typeof above !== 'number' || own <= above) continue
    yield {
      path: [...path, name],
      message: `larger than ${better}`,
      expected: `at most ${above}`,
      found: describe(own),
    }
  }
}
