/** What a parked call waits for. */
export type Parked = 'network' | 'foreground'

/** What the phone does. */
export type PhoneEvent = Parked | 'background'

/**
 * Where calls wait that the phone itself broke off: for a network, or for the mini program to come back to the front.
 * Whoever watches the platform tells it.
 */
export class Parking {
  foreground = true
  /** In the platform's words: `wifi`, `4g`; empty where it does not say. */
  network = ''
  /** Times that the mini program went to the background. */
  visits = 0
  #waiting: { readonly until: Parked; readonly resume: () => void }[] = []
  readonly #listeners: ((event: PhoneEvent) => void)[] = []

  get waiting(): number {
    return this.#waiting.length
  }

  /** Calls `resume` once; the function it returns prevents that. */
  park(until: Parked, resume: () => void): () => void {
    const wait = { until, resume }
    this.#waiting.push(wait)
    return () => {
      this.#waiting = this.#waiting.filter((each) => each !== wait)
    }
  }

  /** Tells of everything that happens to the phone, behind the calls that go on because of it. */
  listen(listener: (event: PhoneEvent) => void): void {
    this.#listeners.push(listener)
  }

  onNetwork(): void {
    this.#tell('network')
  }

  onForeground(): void {
    this.foreground = true
    this.#tell('foreground')
  }

  onBackground(): void {
    this.foreground = false
    this.visits++
    this.#tell('background')
  }

  #tell(event: PhoneEvent): void {
    const over = this.#waiting.filter(({ until }) => until === event)
    this.#waiting = this.#waiting.filter(({ until }) => until !== event)
    for (const { resume } of over) resume()
    for (const listener of this.#listeners) listener(event)
  }
}
