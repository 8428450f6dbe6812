/** What a lookup found, and how many bits of the address it looked at: within that prefix everybody finds the same. */
export interface PrefixMatch {
  /** What was given with the longest prefix that holds; -1 where none does. */
  value: number
  /** Length of that prefix. */
  length: number
  bits: number
}

const CHILDREN = 2
const NODE_CELLS = 3

/**
 * Networks with a number each, by longest prefix: one binary tree in one array, for addresses of one length. Looking up
 * allocates nothing.
 */
export class PrefixTable {
  /** Two children and a value for each node; 0 for no child, -1 for no value. */
  #nodes = new Int32Array(NODE_CELLS * 64)
  #count = 0
  readonly #match: PrefixMatch = { value: -1, length: 0, bits: 0 }

  constructor() {
    this.#node()
  }

  /** Of two values for the same prefix the first stays: false for the second. */
  add(address: Uint8Array, length: number, value: number): boolean {
    let node = 0
    for (let bit = 0; bit < length; bit++) {
      const at = node * NODE_CELLS + bitAt(address, bit)
      if (this.#nodes[at] === 0) {
        const made = this.#node()
        this.#nodes[at] = made
      }
      node = this.#nodes[at]!
    }
    const at = node * NODE_CELLS + CHILDREN
    if (this.#nodes[at] !== -1) return false
    this.#nodes[at] = value
    return true
  }

  /** Valid until the next lookup. */
  find(address: Uint8Array): PrefixMatch {
    const match = this.#match
    match.value = -1
    match.length = 0
    const bitsMax = address.length * 8
    let node = 0
    for (let bit = 0; ; bit++) {
      const at = node * NODE_CELLS
      if (this.#nodes[at + CHILDREN] !== -1) {
        match.value = this.#nodes[at + CHILDREN]!
        match.length = bit
      }
      match.bits = bit
      if (bit === bitsMax) return match
      const next = this.#nodes[at + bitAt(address, bit)]!
      if (next === 0) {
        // This bit has decided only where the other way goes on.
        if (this.#nodes[at] !== 0 || this.#nodes[at + 1] !== 0) match.bits = bit + 1
        return match
      }
      node = next
    }
  }

  #node(): number {
    const at = this.#count * NODE_CELLS
    if (at + NODE_CELLS > this.#nodes.length) {
      const grown = new Int32Array(this.#nodes.length * 2)
      grown.set(this.#nodes)
      this.#nodes = grown
    }
    this.#nodes[at + CHILDREN] = -1
    return this.#count++
  }
}

function bitAt(address: Uint8Array, bit: number): number {
  return (address[bit >> 3]! >> (7 - (bit & 7))) & 1
}
