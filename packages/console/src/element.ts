/** An element to be: what the views make, so that they need no browser. */
export interface Element {
  readonly tag: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly Node[]
}

export type Node = Element | string

/** What a view may hand over as content: empty things are left out. */
export type Content = Node | number | null | false | readonly Content[]

/** The attribute by which a repeated element is known again when its neighbours change. */
export const keyAttribute = 'data-key'

/** Makes an element. An attribute that is `false` or `undefined` is left out, one that is `true` is empty. */
export function el(
  tag: string,
  attributes: Readonly<Record<string, string | number | boolean | undefined>> | null,
  ...content: readonly Content[]
): Element {
  const entries = Object.entries(attributes ?? {}).flatMap(([name, value]): [string, string][] =>
    value === undefined || value === false ? [] : [[name, value === true ? '' : String(value)]],
  )
  return { tag, attributes: Object.fromEntries(entries), children: flat(content) }
}

/** All the text in it, for tests and for titles. */
export function textOf(node: Node | readonly Node[]): string {
  if (typeof node === 'string') return node
  return 'tag' in node ? textOf(node.children) : node.map(textOf).join('')
}

function flat(content: Content): Node[] {
  if (content === null || content === false || content === '') return []
  if (typeof content === 'number') return [String(content)]
  if (typeof content === 'string') return [content]
  return 'tag' in content ? [content] : content.flatMap(flat)
}
