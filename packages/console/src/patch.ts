import { keyAttribute } from './element.ts'
import type { Element as Wanted, Node as WantedNode } from './element.ts'

const svg = 'http://www.w3.org/2000/svg'
/** What an element was last made to be: the same again needs no look at it. */
const drawn = new WeakMap<Element, Wanted>()

/**
 * Makes the children of `parent` what is wanted, changing as little as possible: what stays keeps its focus,
 * its selection and its place, and screen readers hear only what is new.
 */
export function patch(parent: Element, wanted: readonly WantedNode[]): void {
  const keyed = new Map<string, Element>()
  for (const child of parent.children) {
    const key = child.getAttribute(keyAttribute)
    if (key !== null) keyed.set(key, child)
  }
  let place = parent.firstChild
  for (const node of wanted) {
    const found = find(node, place, keyed)
    if (found === null) {
      parent.insertBefore(create(node, parent), place)
      continue
    }
    if (found === place) place = place.nextSibling
    else parent.insertBefore(found, place)
    update(found, node)
  }
  while (place !== null) {
    const next = place.nextSibling
    place.remove()
    place = next
  }
}

/** The node that already is, or nearly is, the wanted one. */
function find(node: WantedNode, place: ChildNode | null, keyed: Map<string, Element>): ChildNode | null {
  if (typeof node === 'string') return place?.nodeType === Node.TEXT_NODE ? place : null
  const key = node.attributes[keyAttribute]
  const candidate = key === undefined ? place : keyed.get(key)
  if (!(candidate instanceof Element) || candidate.localName !== node.tag) return null
  return candidate.getAttribute(keyAttribute) === (key ?? null) ? candidate : null
}

function create(node: WantedNode, parent: Element): ChildNode {
  if (typeof node === 'string') return document.createTextNode(node)
  const drawing = node.tag === 'svg' || parent.namespaceURI === svg
  const element = drawing ? document.createElementNS(svg, node.tag) : document.createElement(node.tag)
  update(element, node)
  return element
}

function update(existing: ChildNode, node: WantedNode): void {
  if (typeof node === 'string') {
    if (existing.nodeValue !== node) existing.nodeValue = node
    return
  }
  const element = existing as Element
  if (drawn.get(element) === node) return
  drawn.set(element, node)
  setAttributes(element, node)
  patch(element, node.children)
}

function setAttributes(element: Element, { attributes }: Wanted): void {
  for (const { name } of [...element.attributes]) {
    // Whether details are open is for the reader alone.
    const own = name === 'open' && element.localName === 'details'
    if (!own && !(name in attributes)) element.removeAttribute(name)
  }
  for (const [name, value] of Object.entries(attributes)) {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value)
  }
}
