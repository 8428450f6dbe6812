/** The platform's storage, asynchronous: its synchronous calls stop the page. Values are text. */
export interface Storage {
  /** Undefined where there is nothing, or nothing that can be read. */
  get(key: string): Promise<string | undefined>
  /** Rejects where the quota is used up. */
  set(key: string, value: string): Promise<void>
  remove(key: string): Promise<void>
  /** All keys, those of others too. Rejects where they cannot be read. */
  keys(): Promise<readonly string[]>
}

/** Storage that ends with the process: for tests, and where the platform has none. */
export class MemoryStorage implements Storage {
  readonly #values: Map<string, string> = new Map()

  get(key: string): Promise<string | undefined> {
    return Promise.resolve(this.#values.get(key))
  }

  set(key: string, value: string): Promise<void> {
    this.#values.set(key, value)
    return Promise.resolve()
  }

  remove(key: string): Promise<void> {
    this.#values.delete(key)
    return Promise.resolve()
  }

  keys(): Promise<readonly string[]> {
    return Promise.resolve([...this.#values.keys()])
  }
}
