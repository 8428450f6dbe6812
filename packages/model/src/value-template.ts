/** Where a value in a template comes from: a named group of the route's path expression, a part of the request, or a claim of its token. */
export type TemplateSource = 'path' | 'query' | 'header' | 'cookie' | 'claim'

/** A value of the request in a template. */
export interface TemplateValue {
  readonly source: TemplateSource
  /** Headers in lower case. */
  readonly name: string
}

/** A text with values of a request in it: literal texts and values, in their order. */
export type Template = readonly (string | TemplateValue)[]

/** What `parseTemplate` understands, for messages. */
export const templateExpectation = '{path.name}, {query.name}, {header.name}, {cookie.name} or {claim.name}'

/** Reads `/users/{path.id}`; null where braces hold anything else. There is no way to write a brace itself. */
export function parseTemplate(text: string): Template | null {
  const parts: (string | TemplateValue)[] = []
  let at = 0
  for (const { 0: whole, 1: source, 2: name, index } of text.matchAll(value)) {
    if (index > at) parts.push(text.slice(at, index))
    parts.push({
      source: source as TemplateSource,
      name: source === 'header' ? name!.toLowerCase() : name!,
    })
    at = index + whole.length
  }
  if (at < text.length) parts.push(text.slice(at))
  return parts.some((part) => typeof part === 'string' && /[{}]/.test(part)) ? null : parts
}

const value = /\{(path|query|header|cookie|claim)\.([!#$%&'*+.^_`|~0-9A-Za-z-]+)\}/g
