import type { BreakerOutcome } from '@budao/resilience'
import type { CallTerms } from '../exchange/call-terms.ts'
import type { ErrorCode } from '../errors.ts'
import type { Entrant } from './admission.ts'
import type { Service } from './service.ts'

/** Who wants to be let in. One of these follows each `enter` that is not abandoned, perhaps before it returns. */
export interface AdmittanceUser {
  onEntered(now: number): void
  onTurnedAway(code: ErrorCode): void
}

/** One request’s place at a service, from the wish to be let in to its end. Used by one request after the other. */
export class Admittance implements Entrant {
  rank = 0
  waitingSince = 0
  /** Where it was let in, and has not left; null anywhere else. */
  service: Service | null = null
  readonly #user: AdmittanceUser
  #awaited: Service | null = null
  #permit = 0
  #enteredAt = 0

  constructor(user: AdmittanceUser) {
    this.#user = user
  }

  get waiting(): boolean {
    return this.#awaited !== null
  }

  enter(service: Service, terms: CallTerms, now: number): void {
    this.#awaited = service
    const permit = service.enter(this, terms, now)
    if (permit === 'waiting') return
    if (typeof permit === 'number') this.onAdmitted(permit, now)
    else this.onTurnedAway(permit)
  }

  onAdmitted(permit: number, now: number): void {
    const service = this.#awaited!
    this.#awaited = null
    this.service = service
    this.#permit = permit
    this.#enteredAt = now
    this.#user.onEntered(now)
  }

  onTurnedAway(code: ErrorCode): void {
    this.#awaited = null
    this.#user.onTurnedAway(code)
  }

  /** Waits no longer. Harmless when it does not. */
  abandon(): void {
    this.#awaited?.admission!.abandon(this)
    this.#awaited = null
  }

  /** Its time is over and it was not let in. */
  onWaitedInVain(): void {
    const service = this.#awaited!
    this.abandon()
    this.#user.onTurnedAway(service.shed.count(this.rank, 'queue_timeout'))
  }

  /** Gives the place back with what became of it. False when there is none. */
  leave(outcome: BreakerOutcome, now: number): boolean {
    const { service } = this
    if (service === null) return false
    this.service = null
    service.leave(this.#permit, outcome, now - this.#enteredAt, now)
    return true
  }
}
