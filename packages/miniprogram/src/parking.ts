/** What a parked call waits for. */
export type Parked = 'network' | 'foreground'

/**
 * Where calls wait that the phone itself broke off: for a network, or for the mini program to come back to the front.
 * Whoever watches the platform tells it.
 */
export class Parking {
  readonly #waiting: Readonly<Record<Parked, Set<() => void>>> = { network: new Set(), foreground: new Set() }
  #foreground = true

  get foreground(): boolean {
    return this.#foreground
  }

  get waiting(): number {
    return this.#waiting.network.size + this.#waiting.foreground.size
  }

  /** Calls `resume` once; the function it returns prevents that. */
  park(until: Parked, resume: () => void): () => void {
    const waiting = this.#waiting[until]
    waiting.add(resume)
    return () => void waiting.delete(resume)
  }

  onNetwork(): void {
    this.#release('network')
  }

  onForeground(): void {
    this.#foreground = true
    this.#release('foreground')
  }

  onBackground(): void {
    this.#foreground = false
  }

  #release(what: Parked): void {
    const resumes = [...this.#waiting[what]]
    this.#waiting[what].clear()
    for (const resume of resumes) resume()
  }
}
