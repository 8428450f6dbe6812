import type { CoordinationStore } from '@budao/model'
import { LinkGate, type LinkCut } from '../links/link-gate.ts'
import { CutStore } from './cut-store.ts'
import type { ControlJournal } from './control-journal.ts'

/** What a drill can take away from a node for a while: its links with others, and the coordination store. */
export class NodeCuts {
  readonly gate: LinkGate
  /** As this node reaches it. */
  readonly store: CoordinationStore
  readonly #journal: ControlJournal

  constructor(store: CoordinationStore, journal: ControlJournal, now: () => number) {
    this.gate = new LinkGate(now)
    this.store = new CutStore(store, this.gate)
    this.#journal = journal
    this.gate.onOpen(() => journal.mended())
  }

  cut(cut: LinkCut): void {
    this.gate.close(cut)
    this.#journal.cut(cut)
  }

  /** Before the time is over; nothing where nothing is cut. */
  mend(): void {
    this.gate.open()
  }
}
