import type { Cleanup } from '@budao/testkit'

/** What has to be ended when a bench is over, fails or is interrupted. */
export class Ends implements Cleanup, AsyncDisposable {
  readonly #works: (() => unknown)[] = []
  readonly #interrupted = (signal: NodeJS.Signals): void => {
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
    for (const work of this.#works.splice(0)) await work()
  }
}
