import type { Cleanup } from '@budao/testkit'

/** What has to be ended when a bench is over, fails or is interrupted: by the first Ctrl-C after the trial under way, by the second at once. */
export class Ends implements Cleanup, AsyncDisposable {
  readonly #works: (() => unknown)[] = []
  /** No further trial is to begin. */
  interrupted = false
  readonly #interrupted = (signal: NodeJS.Signals): void => {
    if (!this.interrupted) {
      this.interrupted = true
      return
    }
    void this.#end().then(() => process.exit(signal === 'SIGINT' ? 130 : 143))
  }

  constructor() {
    process.on('SIGINT', this.#interrupted)
    process.on('SIGTERM', this.#interrupted)
  }

  after(work: () => unknown): void {
    this.#works.push(work)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end()
    process.off('SIGINT', this.#interrupted)
    process.off('SIGTERM', this.#interrupted)
  }

  async #end(): Promise<void> {
    for (const work of this.#works.splice(0)) {
      try {
        await work()
      } catch (error) {
        // What comes after it has to end all the same.
        process.stderr.write(`${String(error)}\n`)
      }
    }
  }
}
