import type { CoordinationStore, Versioned } from '@budao/model'

/** Who tells people, as the store has it; null: nobody, the last one has left. */
export interface DutyRecord {
  readonly node: string | null
  /** Rises with each sign of life. */
  readonly beat: number
}

/** What a controller knows of it. Monotonic milliseconds. */
export interface DutyView {
  readonly record: Versioned<DutyRecord> | null
  /** When the record was first seen as it is. */
  readonly changedAt: number
}

const key = 'alerts/notifier'
/** Between signs of life. */
export const beatMs = 2_000
/** Who has given no sign for so long tells nobody, and another one does. */
export const silentMs = 8_000
/** Where the store does not answer for so long every controller tells: twice is better than not at all. */
export const storelessMs = 30_000

/**
 * What a controller does about the duty: keep it by another sign of life, take it from one that is silent or gone, or leave it. Only
 * its own clock is asked.
 */
export function dutyStep(
  self: string,
  { record, changedAt }: DutyView,
  now: number,
): 'keep' | 'take' | 'leave' {
  if (record === null || record.value.node === null) return 'take'
  if (record.value.node === self) return 'keep'
  return now - changedAt >= silentMs ? 'take' : 'leave'
}

export interface NotifierDutyOptions {
  readonly store: CoordinationStore
  readonly node: string
  readonly now: () => number
}

/** The one of several controllers that tells people: a lease of its own, so that who decides about sites need have no `alerts`. */
export class NotifierDuty {
  readonly #options: NotifierDutyOptions
  readonly #timer: NodeJS.Timeout
  #view: DutyView = { record: null, changedAt: 0 }
  /** Null until the store has answered for the first time. */
  #mine: boolean | null = null
  #answeredAt: number
  #lookedAt: number
  #asking = false
  #closed = false

  constructor(options: NotifierDutyOptions) {
    this.#options = options
    this.#answeredAt = this.#lookedAt = options.now()
    this.#timer = setInterval(() => void this.#look(), beatMs / 2).unref()
    void this.#look()
  }

  /** Whether this process tells people now; null: it is not known yet. */
  holds(): boolean | null {
    const now = this.#options.now()
    if (now - this.#answeredAt >= storelessMs) return true
    // Who was stopped for a while may have lost it without knowing.
    return now - this.#lookedAt >= silentMs ? null : this.#mine
  }

  /** Who has it, as it was seen last. */
  get holder(): string | null {
    return this.#view.record?.value.node ?? null
  }

  /** The next one need not wait. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#closed = true
    const { record } = this.#view
    if (record?.value.node !== this.#options.node) return
    const left: DutyRecord = { node: null, beat: record.value.beat + 1 }
    // Without it the next one waits for a while, and that is all.
    await this.#options.store.compareAndSet(key, record.version, left).catch(() => {})
  }

  async #look(): Promise<void> {
    if (this.#asking || this.#closed) return
    this.#asking = true
    const { store, now, node } = this.#options
    try {
      let record = (await store.get(key)) as Versioned<DutyRecord> | null
      this.#saw(record)
      const step = dutyStep(node, this.#view, now())
      if (step === 'leave') this.#mine = false
      else {
        const next: DutyRecord = { node, beat: (record?.value.beat ?? 0) + 1 }
        const { current } = await store.compareAndSet(key, record?.version ?? 0, next)
        record = current as Versioned<DutyRecord> | null
        this.#saw(record)
        this.#mine = record?.value.node === node
      }
      this.#answeredAt = now()
    } catch {
      // Nothing is known that was not known before: who has the duty goes on.
    } finally {
      this.#lookedAt = now()
      this.#asking = false
    }
  }

  #saw(record: Versioned<DutyRecord> | null): void {
    if (record?.version === this.#view.record?.version) return
    this.#view = { record, changedAt: this.#options.now() }
  }
}
