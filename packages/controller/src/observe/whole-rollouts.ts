import type { CoordinationStore } from '@budao/model'
import type { RolloutState } from '../rollout/rollout-state.ts'

const prefix = 'rollout/'
/** Of 10 000. */
const WHOLE = 10_000

/** Rollouts whose release has all users at this moment, by name, as they stand in the store. */
export class WholeRollouts {
  readonly names: Set<string> = new Set()
  readonly #versions: Map<string, number> = new Map()
  readonly #watch: { close(): void }

  /** `changed` is called with every change of `names`. */
  constructor(store: Pick<CoordinationStore, 'watch'>, changed: () => void) {
    this.#watch = store.watch(prefix, (key, { version, value }) => {
      const [, name, gateway] = key.split('/')
      // What is late says nothing.
      if (name === undefined || gateway !== undefined || version <= (this.#versions.get(name) ?? 0)) return
      this.#versions.set(name, version)
      const isWhole = (value as RolloutState).basisPoints === WHOLE
      if (isWhole === this.names.has(name)) return
      if (isWhole) this.names.add(name)
      else this.names.delete(name)
      changed()
    })
  }

  close(): void {
    this.#watch.close()
  }
}
