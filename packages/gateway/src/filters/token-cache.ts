/** Values by token, each until a time of its own; at most `entriesMax`, the least recently used goes first. */
export class TokenCache<Value> {
  readonly #entriesMax: number
  readonly #entries: Map<string, Entry<Value>> = new Map()

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax
  }

  get size(): number {
    return this.#entries.size
  }

  get(token: string, now: number): Value | undefined {
    const entry = this.#entries.get(token)
    if (entry === undefined) return undefined
    this.#entries.delete(token)
    if (now >= entry.until) return undefined
    // A Map keeps the order of insertion: what was used last stands last.
    this.#entries.set(entry.token, entry)
    return entry.value
  }

  set(token: string, value: Value, until: number): void {
    // A copy: the token is a part of its request's head, and would keep all of it in memory.
    const copy = Buffer.from(token, 'latin1').toString('latin1')
    this.#entries.delete(copy)
    this.#entries.set(copy, { token: copy, value, until })
    if (this.#entries.size > this.#entriesMax) this.#entries.delete(this.#entries.keys().next().value!)
  }

  clear(): void {
    this.#entries.clear()
  }
}

interface Entry<Value> {
  readonly token: string
  readonly value: Value
  readonly until: number
}
