import type { Life } from './life.ts'
import type { SimSite } from './sim-site.ts'

/** A write that waits for the other site. */
interface Pending {
  readonly site: SimSite
  readonly id: string
  readonly process: number
  readonly value: readonly [key: string, value: number]
}

/** Registers as in mode sync: a write of the owner is acknowledged once the other site has it. */
export class Registers {
  readonly #life: Life
  #pending: Pending[] = []

  constructor(life: Life) {
    this.#life = life
  }

  /** `put` writes at the owner; null: it was refused. */
  write(put: (key: string, op: 'create' | 'update', n: number) => string | null): void {
    const { owner, ids } = this.#life
    const key = this.#life.pick(['r', 's'])
    const value: [string, number] = [key, ids]
    const process = 100 + ids
    const op = owner.has('registers', key) ? 'update' : 'create'
    this.#life.note('registers', process, 'invoke', 'write', value)
    const id = put(key, op, value[1])
    if (id === null) this.#life.note('registers', process, 'fail', 'write', value)
    else this.#pending.push({ site: owner, id, process, value })
  }

  /** What is not acknowledged yet may be seen, and be gone after a move: a read that counts waits for it. */
  read(): void {
    const key = this.#life.pick(['r', 's'])
    if (this.#pending.some(({ value }) => value[0] === key)) return
    const value = this.#life.owner.row('registers', key)?.['n'] ?? null
    this.#life.note('registers', 50, 'invoke', 'read', [key, null])
    this.#life.note('registers', 50, 'ok', 'read', [key, value])
  }

  /** The writer hears how far the other site is. */
  async acknowledge(from: SimSite, to: SimSite): Promise<void> {
    const { offset } = await to.next(from)
    if (this.#pending.length === 0) return
    const there = from.log.entries.slice(0, Math.max(0, offset - from.log.first))
    const arrived = new Set(there.flatMap((each) => each.map(({ id }) => id)))
    // A letter is durable and not applied: the write is not acknowledged by it.
    for (const { event } of to.applier.letters.list(0, 10_000))
      arrived.delete((JSON.parse(event) as { id: string }).id)
    this.#pending = this.#pending.filter(({ site, id, process, value }) => {
      if (site !== from || !arrived.has(id)) return true
      this.#life.note('registers', process, 'ok', 'write', value)
      return false
    })
  }

  /** Nobody will say what became of the writes of a site that was fenced. */
  giveUp(of: SimSite): void {
    for (const { site, process, value } of this.#pending)
      if (site === of) this.#life.note('registers', process, 'info', 'write', value)
    this.#pending = this.#pending.filter(({ site }) => site !== of)
  }
}
