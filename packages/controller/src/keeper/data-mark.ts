import type { WriteLease } from '@budao/model'
import type { DataPosition, DataQuestion, SiteData } from './site-data.ts'

const nothing: DataPosition = {
  position: 0,
  epoch: 0,
  lagMs: null,
  divergence: 0,
  capacityPercent: 100,
  inSync: [],
}

/** How far the data of one unit is here, as it was last told, and what follows from that for a lease. */
export class DataMark {
  readonly #data: SiteData
  readonly #now: () => number
  #last: DataPosition = nothing
  /** Everything that was acknowledged in `#last.epoch` before this moment is here. */
  #markAt: number | null = null
  #asking: Promise<boolean> | null = null

  constructor(data: SiteData, now: () => number) {
    this.#data = data
    this.#now = now
  }

  get data(): SiteData {
    return this.#data
  }

  get last(): DataPosition {
    return this.#last
  }

  /** Since everything from before then is here, milliseconds; null: unknown. */
  get lagMs(): number | null {
    if (this.#data.shared) return 0
    return this.#markAt === null ? null : Math.max(0, this.#now() - this.#markAt)
  }

  /** Asks once more, unless that is being done. False when nothing was told. Never rejects. */
  ask(question: DataQuestion): Promise<boolean> {
    this.#asking ??= this.#ask(question).finally(() => {
      this.#asking = null
    })
    return this.#asking
  }

  /** The same, but what is told was asked after this call: whatever was written before it counts. */
  async askAnew(question: DataQuestion): Promise<boolean> {
    await this.#asking
    return this.ask(question)
  }

  /** How old what this site lacks of the epochs before may be; null: nobody knows. `owned`: the last epoch held here. */
  lossMs({ heldBefore, inSync }: WriteLease, site: string, owned: number): number | null {
    if (heldBefore === 0 || owned === heldBefore || inSync.includes(site) || this.#data.shared) return 0
    return this.#last.epoch === heldBefore ? this.lagMs : null
  }

  async #ask(question: DataQuestion): Promise<boolean> {
    // An answer proves nothing about what came after the question.
    const askedAt = this.#now()
    const told = await this.#data.position(question)
    if (told === null) return false
    this.#last = told
    this.#markAt = told.lagMs === null ? null : askedAt - told.lagMs
    return true
  }
}
