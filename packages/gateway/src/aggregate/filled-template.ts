import type { Template, TemplateValue } from '@budao/model'
import { claimText } from '../exchange/claim-text.ts'
import type { FilterRequest } from '../filters/filter.ts'
import { normalizeConfiguredPath, normalizeTarget } from '../routing/path.ts'
import { cookieValue, queryValue, wireBytes, wireText } from '../exchange/request-values.ts'

/** Where the values of templates come from: a request, and the named groups of its route's path expression. */
export interface TemplateInput {
  readonly request: FilterRequest
  readonly parameters: Readonly<Record<string, string | undefined>>
}

/** Why a template has no text for a request. */
export type TemplateProblem = 'value_missing' | 'value_bad'

/** What stands for a value while the literal parts of a path are brought into normal form: a character nobody writes. */
const PLACE = '\u{e000}'
const PLACE_ESCAPED = '%EE%80%80'

/** A path with values in it: each is one segment or a part of one, whatever it holds. */
export class PathTemplate {
  readonly #literals: readonly string[]
  readonly #values: readonly TemplateValue[]

  /** Throws a RangeError with `owner` in it when the text between the values is no path. */
  constructor(template: Template, owner: string) {
    this.#values = template.filter((part) => typeof part !== 'string')
    const path = normalizeConfiguredPath(
      template.map((part) => (typeof part === 'string' ? part : PLACE)).join(''),
    )
    if (path === null) throw new RangeError(`${owner}: expected a path that stays below the root`)
    this.#literals = path.split(PLACE_ESCAPED)
  }

  pathFor(input: TemplateInput): string | { readonly problem: TemplateProblem } {
    let path = this.#literals[0]!
    for (const [index, value] of this.#values.entries()) {
      const text = valueOf(value, input)
      if (text === undefined || text === '') return { problem: 'value_missing' }
      if (!isPlain(text) || dotSegment.test(text)) return { problem: 'value_bad' }
      path += encodeURIComponent(text) + this.#literals[index + 1]!
    }
    return normalizeTarget(path)?.path === path ? path : { problem: 'value_bad' }
  }
}

/** A text with values in it, as it stands in a query or header: undefined when one is absent, null when one is bad. */
export function fillText(template: Template, input: TemplateInput): string | undefined | null {
  let filled = ''
  for (const part of template) {
    const text = typeof part === 'string' ? part : valueOf(part, input)
    if (text === undefined) return undefined
    if (!isPlain(text)) return null
    filled += text
  }
  return filled
}

/** A header line of such a text, in latin1. */
export function headerLine(name: string, text: string): string {
  return `${name}: ${wireBytes(text)}\r\n`
}

/** A value that is a dot segment, or that some read as one, would reach another path than the one configured. */
const dotSegment = /(?:^|[/\\;])\.\.?(?:$|[/\\;])/

/** No control characters: not even escaped ones, which some endpoints unescape once too often. */
function isPlain(text: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return text.isWellFormed() && !/[\x00-\x1f\x7f]/.test(text)
}

function valueOf(
  { source, name }: TemplateValue,
  { request, parameters }: TemplateInput,
): string | undefined {
  switch (source) {
    case 'path':
      return unescaped(parameters[name])
    case 'query':
      return queryValue(request.query, name)
    case 'header':
      return wireText(request.header(name))
    case 'cookie':
      return wireText(cookieValue(request.header('cookie'), name))
    case 'claim':
      return claimText(request.claims, name)
  }
}

/** A part of a path in normal form; what is no UTF-8 stays escaped. */
function unescaped(text: string | undefined): string | undefined {
  if (text === undefined || !text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
