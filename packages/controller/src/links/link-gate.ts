/**
 * What gets lost between this node and others.
 * all    everything, in both directions
 * heard  what others say: this node hears nobody, and is heard
 * said   what this node says: it hears others, and nobody hears it
 */
export const linkLosses = ['all', 'heard', 'said'] as const

/** One of `linkLosses`. */
export type LinkLoss = (typeof linkLosses)[number]

/** A cut of a node’s links, as a drill asks for it. */
export interface LinkCut {
  readonly lost: LinkLoss
  /** Between this node and these; absent: all others. */
  readonly nodes?: readonly string[]
  /** The coordination store is out of reach too. */
  readonly store: boolean
  /** Then it ends by itself, milliseconds. */
  readonly forMs: number
}

/**
 * A gate in the links of this node, which a drill closes for a while: what is lost is not told, as with packets. Nothing comes
 * about anew meanwhile, not even in the direction that is left: a connection needs both. It opens by itself when its time is over, by the clock
 * and not by a timer alone.
 */
export class LinkGate {
  readonly #now: () => number
  readonly #opened: (() => void)[] = []
  #cut: LinkCut | null = null
  #until = 0
  #timer: NodeJS.Timeout | undefined

  constructor(now: () => number) {
    this.#now = now
  }

  /** Told when it has opened again. */
  onOpen(opened: () => void): void {
    this.#opened.push(opened)
  }

  /** Until the time is over; what was cut before is not any more, unless this says so too. */
  close(cut: LinkCut): void {
    this.open()
    this.#cut = cut
    this.#until = this.#now() + cut.forMs
    this.#timer = setTimeout(() => this.open(), cut.forMs)
    this.#timer.unref()
  }

  /** Now. */
  open(): void {
    clearTimeout(this.#timer)
    if (this.#cut === null) return
    this.#cut = null
    for (const opened of this.#opened) opened()
  }

  /** Milliseconds until it opens; 0: nothing is cut. */
  get leftMs(): number {
    return this.#cut === null ? 0 : Math.max(0, this.#until - this.#now())
  }

  /** Whether the store can be asked. */
  get storeReached(): boolean {
    return this.#closed()?.store !== true
  }

  /** Whether anything is cut between here and that node. */
  cuts(node: string): boolean {
    const cut = this.#closed()
    return cut !== null && (cut.nodes?.includes(node) ?? true)
  }

  /** Whether what that node says arrives. */
  hears(node: string): boolean {
    return this.#cut === null || !this.cuts(node) || this.#cut?.lost === 'said'
  }

  /** Whether that node hears what is said here. */
  says(node: string): boolean {
    return this.#cut === null || !this.cuts(node) || this.#cut?.lost === 'heard'
  }

  #closed(): LinkCut | null {
    if (this.#cut !== null && this.#now() >= this.#until) this.open()
    return this.#cut
  }
}
