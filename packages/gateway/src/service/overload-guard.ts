import { getHeapStatistics } from 'node:v8'
import { priorityNames, type EventDraft, type OverloadConfig } from '@budao/model'
import { OverloadLevel } from '@budao/resilience'
import type { Metrics } from '../metrics/metrics.ts'

/** Weight of the last tick in the average: about the last ten count. */
const WEIGHT = 0.2
/** The engine is asked for its heap so often only: that costs more than a look at the clock. */
const HEAP_MS = 500

/**
 * Watches one thread: how late it comes to its work, and how full its heap is. While it is overloaded it sheds
 * requests of the lowest classes, whatever their service; the best class is never shed.
 */
export class OverloadGuard {
  readonly #config: OverloadConfig
  readonly #worker: number
  readonly #metrics: Metrics
  readonly #report: (event: EventDraft) => void
  readonly #level = new OverloadLevel({ levelMax: priorityNames.length - 1 })
  #delayMs = 0
  #heapPercent = 0
  #heapAt = -Infinity
  #shed = 0

  constructor(config: OverloadConfig, worker: number, metrics: Metrics, report: (event: EventDraft) => void) {
    this.#config = config
    this.#metrics = metrics
    this.#worker = worker
    this.#report = report
  }

  /** Classes that are shed, counted from the lowest. */
  get level(): number {
    return this.#level.level
  }

  /** Whether a request of this class is to be turned away now. It is then counted. */
  sheds(rank: number): boolean {
    if (rank < priorityNames.length - this.#level.level) return false
    this.#shed++
    this.#metrics.shed(rank)
    return true
  }

  /** Takes how late this tick came. */
  tick(lateMs: number, now: number): void {
    this.#delayMs += (lateMs - this.#delayMs) * WEIGHT
    if (now - this.#heapAt >= HEAP_MS) {
      const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
      this.#heapPercent = (used / limit) * 100
      this.#heapAt = now
    }
    const { loopDelay, heapPercent } = this.#config
    const before = this.level
    const pressure = Math.max(this.#delayMs / loopDelay, this.#heapPercent / heapPercent)
    if (this.#level.observe(pressure, now)) this.#onMoved(before)
  }

  #onMoved(before: number): void {
    const { level } = this
    const shed = priorityNames.slice(priorityNames.length - level)
    // The first and the last step are news, those between them only numbers.
    if (before !== 0 && level !== 0) return
    this.#report({
      kind: level === 0 ? 'gateway.overload-ended' : 'gateway.overloaded',
      severity: level === 0 ? 'info' : 'critical',
      subject: `worker-${this.#worker}`,
      message:
        level === 0
          ? `Worker ${this.#worker} keeps up again: no class is shed.`
          : `Worker ${this.#worker} does not keep up: requests of class ${shed.join(', ')} are shed.`,
      evidence: {
        loopDelayMs: Math.round(this.#delayMs),
        loopDelayMaxMs: this.#config.loopDelay,
        heapPercent: Math.round(this.#heapPercent),
        heapPercentMax: this.#config.heapPercent,
        shed: this.#shed,
      },
    })
    if (level === 0) this.#shed = 0
  }
}
