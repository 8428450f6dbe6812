import type { CompareAndSetResult, CoordinationStore, Versioned } from '@budao/model'

/** Coordination within one process, which can be taken away. */
export class MemoryCoordination implements CoordinationStore {
  readonly #records = new Map<string, Versioned>()
  readonly #watches = new Set<(key: string, record: Versioned) => void>()
  #version = 0
  away = false

  async get(key: string): Promise<Versioned | null> {
    this.#there()
    return this.#records.get(key) ?? null
  }

  async compareAndSet(key: string, version: number, value: unknown): Promise<CompareAndSetResult> {
    this.#there()
    const found = this.#records.get(key) ?? null
    if ((found?.version ?? 0) !== version) return { ok: false, current: found }
    const record = { version: ++this.#version, value: structuredClone(value) }
    this.#records.set(key, record)
    for (const told of this.#watches) queueMicrotask(() => this.#watches.has(told) && told(key, record))
    return { ok: true, current: record }
  }

  watch(prefix: string, onChange: (key: string, record: Versioned) => void): { close(): void } {
    const told = (key: string, record: Versioned): void => {
      if (key.startsWith(prefix)) onChange(key, record)
    }
    this.#watches.add(told)
    for (const [key, record] of this.#records)
      queueMicrotask(() => this.#watches.has(told) && told(key, record))
    return { close: () => void this.#watches.delete(told) }
  }

  #there(): void {
    if (this.away) throw new Error('the store is away')
  }
}
