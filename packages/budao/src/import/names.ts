/** Makes names as the configuration wants them (a letter, then letters, digits, `-` or `_`, at most 63), each once. */
export class Names {
  readonly #taken: Set<string> = new Set()

  /** `wanted` as it is where that is a name and free; otherwise something near. */
  claim(wanted: string): string {
    const plain = wanted
      .replace(/[^A-Za-z0-9_-]+/g, '-')
      .replace(/^[^A-Za-z]+/, '')
      .replace(/-+$/, '')
      .slice(0, 60)
    const base = plain === '' ? 'all' : plain
    let name = base
    for (let i = 2; this.#taken.has(name); i++) name = `${base.slice(0, 56)}-${i}`
    this.#taken.add(name)
    return name
  }
}
