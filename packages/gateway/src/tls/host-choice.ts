/** Finds what belongs to a name a client asks for: an exact name before `*.example.com`, which stands for one label. */
export class HostChoice<T> {
  readonly #exact: Map<string, T> = new Map()
  /** By what follows the star, with its dot. */
  readonly #wildcards: Map<string, T> = new Map()

  /** The first one to claim a name keeps it. */
  constructor(entries: Iterable<readonly [host: string, value: T]>) {
    for (const [host, value] of entries) {
      const wildcard = host.startsWith('*.')
      const map = wildcard ? this.#wildcards : this.#exact
      const key = (wildcard ? host.slice(1) : host).toLowerCase()
      if (!map.has(key)) map.set(key, value)
    }
  }

  /** `name` as the client sent it: in any case, perhaps with the dot of the root. */
  find(name: string): T | undefined {
    const host = (name.endsWith('.') ? name.slice(0, -1) : name).toLowerCase()
    const exact = this.#exact.get(host)
    if (exact !== undefined) return exact
    const dot = host.indexOf('.')
    return dot < 1 ? undefined : this.#wildcards.get(host.slice(dot))
  }
}
