import type { RequestView } from '../filters/filter.ts'
import type { Rule } from './rule.ts'

/** Up to here comparing with each rule costs less than hashing parts of the path. */
const scannedMax = 8

/**
 * The rules of one host pattern, in file order. Many rules are indexed: by whole path where it is exact, and by the
 * folder a prefix or regular expression begins with, so that a request looks at the rules of its own path's folders
 * and at those that could match anywhere (no path, or a regular expression with no literal folder in front).
 */
export class RouteTable {
  /** All rules while they are few, else those that no index can hold. */
  readonly #scanned: readonly Rule[]
  readonly #byPath: Map<string, Rule[]> = new Map()
  readonly #byFolder: Map<string, Rule[]> = new Map()
  #depthMax = 0

  /** `rules` ascend by route. */
  constructor(rules: readonly Rule[]) {
    if (rules.length <= scannedMax) {
      this.#scanned = rules
      return
    }
    const scanned: Rule[] = []
    for (const rule of rules) {
      if (rule.exact !== undefined) append(this.#byPath, rule.exact, rule)
      else if (rule.folder === '') scanned.push(rule)
      else {
        append(this.#byFolder, rule.folder, rule)
        this.#depthMax = Math.max(this.#depthMax, rule.folder.split('/').length - 1)
      }
    }
    this.#scanned = scanned
  }

  /** The lowest route below `bound` with a rule that holds; `bound` when there is none. */
  match(request: RequestView, bound: number): number {
    let found = bound
    if (this.#byPath.size > 0) found = firstThatHolds(this.#byPath.get(request.path), request, found)
    if (this.#depthMax > 0) found = this.#matchFolders(request, found)
    return firstThatHolds(this.#scanned, request, found)
  }

  #matchFolders(request: RequestView, bound: number): number {
    const path = request.path
    let found = bound
    let end = 0
    for (let depth = 1; depth <= this.#depthMax && end < path.length; depth++) {
      end = path.indexOf('/', end + 1)
      if (end < 0) end = path.length
      found = firstThatHolds(this.#byFolder.get(path.slice(0, end)), request, found)
    }
    return found
  }
}

function firstThatHolds(rules: readonly Rule[] | undefined, request: RequestView, bound: number): number {
  if (rules === undefined) return bound
  for (let index = 0; index < rules.length; index++) {
    const rule = rules[index]!
    if (rule.route >= bound) return bound
    if (rule.holds(request)) return rule.route
  }
  return bound
}

function append(index: Map<string, Rule[]>, key: string, rule: Rule): void {
  const rules = index.get(key)
  if (rules === undefined) index.set(key, [rule])
  else rules.push(rule)
}
