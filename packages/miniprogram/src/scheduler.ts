/** Who goes first where slots are short. */
export type Priority = 'high' | 'normal' | 'low'

const order: readonly Priority[] = ['high', 'normal', 'low']

export interface SchedulerOptions {
  /** Requests that the platform carries out at once. Default 10, WeChat's. */
  readonly slots: number
  /** Slots that only `high` may take. Default 2: a payment never waits behind pictures. */
  readonly reserved: number
  /** Most that wait. Default 200. */
  readonly queueMax: number
}

export const schedulerDefaults: SchedulerOptions = { slots: 10, reserved: 2, queueMax: 200 }

interface Waiting {
  readonly start: () => void
}

/**
 * Hands out the platform's few slots: by priority, and by age among equals. The platform would queue by itself, but in
 * the order of arrival and for as long as it likes.
 */
export class Scheduler {
  readonly #options: SchedulerOptions
  readonly #queues: Readonly<Record<Priority, Waiting[]>> = { high: [], normal: [], low: [] }
  #busy = 0

  constructor(options: SchedulerOptions) {
    this.#options = options
  }

  get busy(): number {
    return this.#busy
  }

  get waiting(): number {
    return order.reduce((sum, priority) => sum + this.#queues[priority].length, 0)
  }

  /**
   * Calls `start` once there is a slot, perhaps at once; `release` must follow. The function it returns takes the wish
   * back while it waits. Null when too many wait already.
   */
  acquire(priority: Priority, start: () => void): (() => void) | null {
    if (this.#mayStart(priority)) {
      this.#busy++
      start()
      return nothing
    }
    if (this.waiting >= this.#options.queueMax) return null
    const queue = this.#queues[priority]
    const waiting = { start }
    queue.push(waiting)
    return () => {
      const index = queue.indexOf(waiting)
      if (index !== -1) queue.splice(index, 1)
    }
  }

  release(): void {
    this.#busy--
    for (const priority of order) {
      if (!this.#mayStart(priority)) return
      const next = this.#queues[priority].shift()
      if (next === undefined) continue
      this.#busy++
      next.start()
      return
    }
  }

  #mayStart(priority: Priority): boolean {
    const { slots, reserved } = this.#options
    return this.#busy < (priority === 'high' ? slots : slots - reserved)
  }
}

function nothing(): void {}
