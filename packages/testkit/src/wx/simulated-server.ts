import type { TimeSource } from './virtual-time.ts'

/**
 * up            takes requests, as many as it can
 * unresolved    its name is not found
 * refused       nobody listens
 * silent        its packets are lost: a dead site, a dropped route
 * reset         takes requests and breaks the connection
 * certificate   shows a certificate that nobody trusts
 * failing       answers 503 to everything
 */
export type ServerCondition = 'up' | 'unresolved' | 'refused' | 'silent' | 'reset' | 'certificate' | 'failing'

/** One request as the server sees it. */
export interface ServedRequest {
  readonly method: string
  /** Path and query. */
  readonly path: string
  /** Names in lower case. */
  readonly header: Readonly<Record<string, string>>
  readonly body: string
  readonly at: number
}

export interface Served {
  readonly status: number
  readonly body?: string
  readonly header?: Readonly<Record<string, string>>
}

export interface SimulatedServerOptions {
  readonly origin: string
  /** The application: may remember what it did. */
  readonly serve: (request: ServedRequest) => Served
  /** Time for one request. Default 20 ms. */
  readonly workMs?: number
  /** Requests worked on at once. Default without limit. */
  readonly slots?: number
  /** Requests that wait; more are answered 503. Default 1000. */
  readonly queueMax?: number
}

/** A server as a function with a capacity, on simulated time. */
export class SimulatedServer {
  readonly origin: string
  condition: ServerCondition = 'up'
  /** When requests arrived, those included that it could not answer. */
  readonly arrivals: number[] = []
  readonly #time: TimeSource
  readonly #options: SimulatedServerOptions
  readonly #queue: (() => void)[] = []
  #busy = 0

  constructor(time: TimeSource, options: SimulatedServerOptions) {
    this.#time = time
    this.#options = options
    this.origin = options.origin
  }

  /** Takes a request whose last byte has arrived. `answer` is called at most once. */
  take(request: Omit<ServedRequest, 'at'>, answer: (served: Served) => void): void {
    const { slots = Infinity, queueMax = 1_000, workMs = 20, serve } = this.#options
    this.arrivals.push(this.#time.now())
    if (this.condition === 'failing') return answer(unavailable)
    const work = (): void => {
      this.#busy++
      this.#time.after(workMs, () => {
        this.#busy--
        // What a site works on when it is lost is lost with it.
        if (this.condition === 'up') answer(serve({ ...request, at: this.#time.now() }))
        this.#queue.shift()?.()
      })
    }
    if (this.#busy < slots) work()
    else if (this.#queue.length < queueMax) this.#queue.push(work)
    else answer(unavailable)
  }
}

const unavailable: Served = {
  status: 503,
  body: '{"error":"unavailable"}',
  header: { 'Content-Type': 'application/json' },
}
