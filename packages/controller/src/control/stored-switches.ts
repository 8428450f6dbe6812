import type { Automation, Versioned } from '@budao/model'
import { StoredDocument } from './stored-document.ts'
import type { TimedStore } from './timed-store.ts'

/** Where the switches stand. */
export const switchesKey = 'automation'

/** What people have set automation to, by unit: it stands over restarts and whoever leads. */
export class StoredSwitches {
  readonly #document: StoredDocument<Readonly<Record<string, Automation>>>

  constructor(store: TimedStore) {
    this.#document = new StoredDocument(store, switchesKey, {})
  }

  seen(record: Versioned): readonly (readonly [unit: string, automation: Automation])[] {
    this.#document.seen(record)
    return Object.entries(this.#document.value)
  }

  /** Null: done; otherwise why not. */
  set(units: readonly string[], automation: Automation): Promise<string | null> {
    const changed = Object.fromEntries(units.map((unit) => [unit, automation]))
    return this.#document.change((before) => ({ ...before, ...changed }))
  }
}
