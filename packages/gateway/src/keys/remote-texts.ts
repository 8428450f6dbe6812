/** Texts by URL; undefined for one that was never fetched. */
export type KeyTexts = Readonly<Record<string, string | undefined>>

/** The main thread gives up fetching long before. */
const answerMs = 60_000

/** What the main thread has fetched for this thread, and its way to ask for something newer. */
export class RemoteTexts {
  #texts: KeyTexts = {}
  #waiting: (() => void)[] = []
  readonly #send: (url: string) => void

  /** `send` asks the main thread, which answers with `set`. */
  constructor(send: (url: string) => void) {
    this.#send = send
  }

  get(url: string): string | undefined {
    return this.#texts[url]
  }

  set(texts: KeyTexts): void {
    this.#texts = texts
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }

  /** Resolves once the main thread has looked, or said that it will not so soon; never rejects. */
  ask(url: string): Promise<void> {
    return new Promise((done) => {
      const timer = setTimeout(done, answerMs).unref()
      this.#waiting.push(() => {
        clearTimeout(timer)
        done()
      })
      this.#send(url)
    })
  }
}
