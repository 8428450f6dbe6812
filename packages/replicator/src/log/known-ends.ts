import type { EventLog } from '@budao/model'

/** So long a log may take to say where it ends, milliseconds. */
const askMsMax = 500

/**
 * Where the partitions of a log end, as far as is known: a log that is away says nothing, and that is when people look at
 * everything else.
 */
export class KnownEnds {
  readonly #log: Pick<EventLog, 'bounds' | 'partitions'>
  readonly #ends: number[]

  constructor(log: Pick<EventLog, 'bounds' | 'partitions'>) {
    this.#log = log
    this.#ends = Array.from({ length: log.partitions }, () => 0)
  }

  /** By partition; what was heard last of those that do not answer. */
  async ask(): Promise<readonly number[]> {
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, askMsMax)
    const asked = this.#ends.map(async (_, partition) => {
      // What comes late is known the next time.
      this.#ends[partition] = (await this.#log.bounds(partition)).end
    })
    await Promise.race([Promise.allSettled(asked), late])
    clearTimeout(timer)
    return [...this.#ends]
  }
}
