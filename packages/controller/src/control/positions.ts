import type { SitePosition } from '@budao/model'
import type { UnitPosition } from '../links/frames.ts'

/** Where nobody has told for so long how far the data is, nobody knows it, milliseconds. */
const staleMs = 3_000

/** How far the data of every unit is at every site, as the nodes there told it last. */
export class Positions {
  readonly #now: () => number
  readonly #units: Map<string, Map<string, { readonly position: SitePosition; readonly at: number }>> =
    new Map()

  constructor(now: () => number) {
    this.#now = now
  }

  /** Of several nodes of a site the furthest counts: they see the same data. */
  hear(positions: readonly UnitPosition[]): void {
    const at = this.#now()
    for (const { unit, position } of positions) {
      let sites = this.#units.get(unit)
      if (sites === undefined) this.#units.set(unit, (sites = new Map()))
      const before = sites.get(position.site)
      const behind =
        before !== undefined &&
        at - before.at < staleMs &&
        before.position.epoch === position.epoch &&
        before.position.position > position.position
      if (!behind) sites.set(position.site, { position, at })
    }
  }

  of(unit: string): readonly SitePosition[] {
    const now = this.#now()
    return [...(this.#units.get(unit)?.values() ?? [])]
      .filter(({ at }) => now - at < staleMs)
      .map(({ position, at }) => ({
        ...position,
        lagMs: position.lagMs === null ? null : position.lagMs + now - at,
      }))
  }
}
