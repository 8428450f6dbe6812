import type { EventDraft } from '@budao/model'
import type { Cells } from '@budao/resilience'

/** One answer that the server is busy is no incident. */
const FAILURES = 3

/** Cells that all threads share. */
export const identityWatchCells = 1

/** Tells once when logins of a provider fail one after the other, over all threads, and once when they work again. */
export class IdentityWatch {
  readonly #provider: string
  readonly #cells: Cells
  readonly #report: (event: EventDraft) => void

  constructor(provider: string, cells: Cells, report: (event: EventDraft) => void) {
    this.#provider = provider
    this.#cells = cells
    this.#report = report
  }

  /** The provider has answered, whatever it said of the code. */
  answered(): void {
    const failures = this.#cells.load(0)
    if (failures === 0 || !this.#cells.compareExchange(0, failures, 0) || failures < FAILURES) return
    this.#report({
      kind: 'identity.available',
      severity: 'info',
      subject: this.#provider,
      message: `Logins by ${this.#provider} work again.`,
      evidence: { failures },
    })
  }

  /** Where an operator has to do something, the first failure says so. */
  failed(reason: string, misconfigured: boolean): void {
    const before = this.#cells.load(0)
    if (before >= FAILURES) return
    const failures = misconfigured ? FAILURES : before + 1
    // Who loses the race is the failure after.
    if (!this.#cells.compareExchange(0, before, failures) || failures < FAILURES) return
    this.#report({
      kind: 'identity.unavailable',
      severity: 'critical',
      subject: this.#provider,
      message: `Nobody can log in by ${this.#provider}: ${reason}.`,
      evidence: { reason, failures: before + 1, misconfigured },
    })
  }
}
