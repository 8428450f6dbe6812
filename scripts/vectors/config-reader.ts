import { isObject, show } from './vector-file.ts'

/** Reads an object by any of several names for one thing, and remembers what nobody asked for. */
export class ConfigReader {
  readonly present: boolean
  readonly #values: Readonly<Record<string, unknown>>
  readonly #notes: string[]
  readonly #prefix: string
  readonly #read = new Set<string>()

  constructor(values: unknown, notes: string[], prefix = '') {
    this.present = isObject(values)
    this.#values = isObject(values) ? values : {}
    this.#notes = notes
    this.#prefix = prefix
  }

  inner(key: string): ConfigReader {
    return new ConfigReader(this.#value([key]), this.#notes, `${this.#prefix}${key}.`)
  }

  number(...keys: string[]): number | undefined {
    const value = this.#value(keys)
    return typeof value === 'number' ? value : undefined
  }

  text(...keys: string[]): string | undefined {
    const value = this.#value(keys)
    return typeof value === 'string' ? value.toLowerCase() : undefined
  }

  flag(...keys: string[]): boolean | undefined {
    const value = this.#value(keys)
    return typeof value === 'boolean' ? value : undefined
  }

  operator(key: string): '>=' | '>' | undefined {
    const value = this.#value([key])
    if (value === undefined || value === '>=' || value === '>') return value
    this.note(`${key}: expected >= or >, got ${show(value)}`)
    return undefined
  }

  note(text: string): void {
    this.#notes.push(text)
  }

  noteUnread(): void {
    for (const key of Object.keys(this.#values)) {
      if (!this.#read.has(key))
        this.note(`config key "${this.#prefix}${key}" is unknown here and has no effect`)
    }
  }

  #value(keys: readonly string[]): unknown {
    for (const key of keys) if (key in this.#values) this.#read.add(key)
    const key = keys.find((name) => name in this.#values)
    return key === undefined ? undefined : this.#values[key]
  }
}
