import type { FaultConfig } from '@budao/model'
import { SeededRandom, type Cells, type Random } from '@budao/resilience'
import { errorReply } from '../exchange/reply.ts'
import { holdsForHeaders } from '../routing/rule.ts'
import type { Filter, FilterEnv, FilterRequest, FilterResponse, Reply } from './filter.ts'

/** Basis points. */
const WHOLE = 10_000

/** Places in the filter's shared memory: how often it did what, for the metrics. */
export const faultKinds = ['delay', 'abort', 'spared'] as const

/** How many of the environment's cells the filter needs. */
export const faultCells: number = faultKinds.length

const HEADER = 'X-Budao-Fault'

/** Trouble on purpose, for drills: a share of the requests waits or fails. Everything it does to a request is marked as its doing. */
export class FaultFilter implements Filter {
  readonly name = 'fault'
  /** The longest it makes a request wait. */
  readonly waitMs: number
  readonly #config: FaultConfig
  readonly #random: Random
  readonly #cells: Cells
  readonly #wanted: (request: FilterRequest) => boolean
  readonly #waiting: Map<NodeJS.Timeout, () => void> = new Map()

  constructor(config: FaultConfig, env: FilterEnv) {
    this.#config = config
    this.waitMs = config.delay?.fixed ?? 0
    this.#random = new SeededRandom(config.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]!)
    this.#cells = env.cells
    this.#wanted = holdsForHeaders(env.route, config.headers)
  }

  onRequest(request: FilterRequest): Reply | undefined | Promise<Reply | undefined> {
    if (!this.#wanted(request)) return undefined
    const { delay, abort } = this.#config
    // Both are drawn for every request, so that one share does not change who meets the other.
    const delays = this.#draw(delay?.basisPoints)
    const aborts = this.#draw(abort?.basisPoints)
    const reply = aborts ? this.#abort(request, abort!.status) : undefined
    if (!delays) return reply
    if (this.#waiting.size >= delay!.concurrency) {
      this.#cells.add(faultKinds.indexOf('spared'), 1)
      return reply
    }
    this.#cells.add(faultKinds.indexOf('delay'), 1)
    request.mark('fault-delay')
    return this.#wait(delay!.fixed).then(() => reply)
  }

  onResponse(request: FilterRequest, response: FilterResponse): void {
    if (request.marks.includes('fault-delay')) response.setHeader(HEADER, 'delay')
  }

  /** Lets everybody go on who waits. */
  close(): void {
    for (const [timer, goOn] of this.#waiting) {
      clearTimeout(timer)
      goOn()
    }
    this.#waiting.clear()
  }

  #draw(basisPoints: number | undefined): boolean {
    return basisPoints !== undefined && this.#random.next() * WHOLE < basisPoints
  }

  #abort(request: FilterRequest, status: number): Reply {
    this.#cells.add(faultKinds.indexOf('abort'), 1)
    request.mark('fault-abort')
    return errorReply(
      status,
      'fault_injected',
      'A fault filter failed this request on purpose: this is a drill.',
      [[HEADER, 'abort']],
    )
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(timer)
        resolve()
      }, ms)
      this.#waiting.set(timer, resolve)
    })
  }
}
