import type { CompareAndSetResult, CoordinationStore, Versioned } from '@budao/model'
import type { LinkGate } from '../links/link-gate.ts'

/** A store that a drill can take away from this node: nothing is answered, and what changes is told when it is back. */
export class CutStore implements CoordinationStore {
  readonly #store: CoordinationStore
  readonly #gate: LinkGate
  /** The last change of each key that nobody was told of, for each who watches. */
  readonly #held: Map<(key: string, record: Versioned) => void, Map<string, Versioned>> = new Map()

  constructor(store: CoordinationStore, gate: LinkGate) {
    this.#store = store
    this.#gate = gate
    gate.onOpen(() => this.#tell())
  }

  get(key: string): Promise<Versioned | null> {
    return this.#gate.storeReached ? this.#store.get(key) : Promise.reject(cutOff())
  }

  compareAndSet(key: string, version: number, value: unknown): Promise<CompareAndSetResult> {
    return this.#gate.storeReached ? this.#store.compareAndSet(key, version, value) : Promise.reject(cutOff())
  }

  watch(prefix: string, onChange: (key: string, record: Versioned) => void): { close(): void } {
    const watch = this.#store.watch(prefix, (key, record) => {
      if (this.#gate.storeReached) return onChange(key, record)
      let held = this.#held.get(onChange)
      if (held === undefined) this.#held.set(onChange, (held = new Map()))
      held.set(key, record)
    })
    return {
      close: () => {
        this.#held.delete(onChange)
        watch.close()
      },
    }
  }

  #tell(): void {
    for (const [onChange, held] of [...this.#held]) for (const [key, record] of held) onChange(key, record)
    this.#held.clear()
  }
}

function cutOff(): Error {
  return new Error('cut off from the store by a drill')
}
