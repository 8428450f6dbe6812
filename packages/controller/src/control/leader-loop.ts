import type { CompareAndSetResult, Versioned } from '@budao/model'
import type { Random } from '@budao/resilience'
import {
  leaderKey,
  leaderTerms,
  newLeadership,
  stepLeadership,
  type LeaderRecord,
  type LeadershipEvent,
  type LeadershipState,
} from '../failover/leadership.ts'
import type { TimedStore } from './timed-store.ts'

/** What the loop around the leadership tells. */
export interface LeaderUser {
  led(term: number, until: number): void
  unled(): void
  /** Somebody leads, perhaps another one than before. */
  record(record: LeaderRecord): void
}

/** Carries out what the rules of leadership want, for one controller. */
export class LeaderLoop {
  readonly #store: TimedStore
  readonly #now: () => number
  readonly #random: Random
  readonly #user: LeaderUser
  #state: LeadershipState
  #timer: NodeJS.Timeout | undefined
  #timerAt = Infinity

  /** `self`: the node with this start of its process. */
  constructor(self: string, store: TimedStore, now: () => number, random: Random, user: LeaderUser) {
    this.#store = store
    this.#now = now
    this.#random = random
    this.#user = user
    this.#state = newLeadership(self, now())
  }

  /** The leader as far as it is known here. */
  get record(): LeaderRecord | null {
    return this.#state.record?.value ?? null
  }

  step(event: LeadershipEvent): void {
    const now = this.#now()
    const { state, effects } = stepLeadership(this.#state, event, now, this.#random)
    const before = this.#state.record?.version
    this.#state = state
    if (state.record && state.record.version !== before) this.#user.record(state.record.value)
    for (const effect of effects) {
      switch (effect.kind) {
        case 'read':
          void this.#store
            .get(leaderKey, leaderTerms.timeoutMs)
            .then((record) =>
              this.step({ kind: 'read', record: record as Versioned<LeaderRecord> | null | undefined }),
            )
          break
        case 'store':
          void this.#store
            .compareAndSet(leaderKey, effect.version, effect.record, leaderTerms.timeoutMs)
            .then((result: CompareAndSetResult | null) => this.step({ kind: 'stored', result }))
          break
        case 'led':
          this.#user.led(effect.term, effect.until)
          break
        case 'unled':
          this.#user.unled()
          break
        case 'wake':
          this.#wake(effect.at)
          break
      }
    }
  }

  /** Stops to lead, where it does; the record then ends by itself, or by its node’s good-bye. */
  close(): void {
    this.step({ kind: 'resign' })
    clearTimeout(this.#timer)
    this.#timerAt = -Infinity
  }

  #wake(at: number): void {
    if (at === Infinity || at >= this.#timerAt) return
    clearTimeout(this.#timer)
    this.#timerAt = at
    this.#timer = setTimeout(
      () => {
        this.#timerAt = Infinity
        this.step({ kind: 'tick' })
      },
      Math.max(1, at - this.#now()),
    )
    this.#timer.unref()
  }
}
