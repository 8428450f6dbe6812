import type { DrillReport } from './drill-report.ts'

/** What can end a drill before its time: a person, or too many failures. */
export class Endings {
  readonly #early = new AbortController()
  #ended: DrillReport['ended'] = 'completed'
  #reason: string | null = null

  constructor(stopping: AbortSignal) {
    const stop = (): void => this.#end('interrupted', 'a person ended it')
    if (stopping.aborted) stop()
    else stopping.addEventListener('abort', stop, { once: true })
  }

  get ended(): DrillReport['ended'] {
    return this.#ended
  }

  /** Why it ended early; null: it did not. */
  get reason(): string | null {
    return this.#reason
  }

  /** Resolves after that time, or as soon as the drill has to end. */
  wait(ms: number): Promise<void> {
    const { signal } = this.#early
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      if (signal.aborted) done()
      else signal.addEventListener('abort', done)
    })
  }

  /** The rest of the load: all of it, also after too many failures, to see whether users recover; not when a person waits. */
  async rest(ms: number): Promise<void> {
    if (this.#ended === 'aborted') return new Promise((resolve) => setTimeout(resolve, ms))
    await this.wait(ms)
  }

  /** Asks again and again why the drill has to end, until told to stop. */
  lookEvery(ms: number, reason: () => Promise<string | null>): () => void {
    const looking = new AbortController()
    const look = async (): Promise<void> => {
      while (!looking.signal.aborted && !this.#early.signal.aborted) {
        const found = await reason()
        if (found !== null && !looking.signal.aborted) this.#end('aborted', found)
        await this.wait(ms)
      }
    }
    void look()
    return () => looking.abort()
  }

  #end(how: 'aborted' | 'interrupted', reason: string): void {
    if (this.#ended !== 'completed') return
    this.#ended = how
    this.#reason = reason
    this.#early.abort()
  }
}
