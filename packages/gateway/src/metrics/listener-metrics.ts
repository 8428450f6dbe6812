/** Listeners that may ever be named in the life of one process: their counters keep their place. */
export const LISTENER_ROWS_MAX = 256

/** What is counted of a listener. */
export const listenerFields = [
  'accepted',
  'refused',
  'open',
  'handshakesFull',
  'handshakesResumed',
  'handshakesFailed',
  'proxyRefused',
  'unmatched',
  'failed',
  'bytesIn',
  'bytesOut',
] as const

export type ListenerField = (typeof listenerFields)[number]

const places = Object.fromEntries(listenerFields.map((field, place) => [field, place])) as Record<
  ListenerField,
  number
>

/** What a thread counts of its listeners: plain numbers in shared memory, written by that thread alone. */
export class ListenerMetrics {
  /** Row of each listener. */
  rows: Readonly<Record<string, number>> = {}
  readonly #values: Float64Array

  static bytesFor(): number {
    return LISTENER_ROWS_MAX * listenerFields.length * Float64Array.BYTES_PER_ELEMENT
  }

  constructor(buffer: ArrayBufferLike) {
    this.#values = new Float64Array(buffer)
  }

  add(listener: string, field: ListenerField, count = 1): void {
    const row = this.rows[listener]
    if (row !== undefined) this.#values[row * listenerFields.length + places[field]]! += count
  }

  set(listener: string, field: ListenerField, value: number): void {
    const row = this.rows[listener]
    if (row !== undefined) this.#values[row * listenerFields.length + places[field]] = value
  }
}

/** The sum over the threads of one process. */
export class ListenerMetricsReader {
  readonly #threads: readonly Float64Array[]

  constructor(buffers: readonly ArrayBufferLike[]) {
    this.#threads = buffers.map((buffer) => new Float64Array(buffer))
  }

  /** A thread that died leaves its gauges behind. */
  forgetGauges(thread: number): void {
    for (let row = 0; row < LISTENER_ROWS_MAX; row++)
      this.#threads[thread]![row * listenerFields.length + places.open] = 0
  }

  get(row: number, field: ListenerField): number {
    let sum = 0
    for (const values of this.#threads) sum += values[row * listenerFields.length + places[field]]!
    return sum
  }
}
