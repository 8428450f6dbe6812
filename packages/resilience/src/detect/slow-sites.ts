import { Slowness, type SlownessOptions } from './slowness.ts'

/** Where a latency is from: real requests, or questions of the observer’s own. */
export const paceKinds = ['traffic', 'probes'] as const

/** One of `paceKinds`. */
export type PaceKind = (typeof paceKinds)[number]

/** How fast a site answers, by where that is known from; milliseconds, without what the network to it takes. Null: not known. */
export type SitePace = Readonly<Record<PaceKind, number | null>>

/** What makes a site slow: a latency, and what it was held against. */
export interface SlowEvidence {
  readonly by: PaceKind
  readonly ms: number
  readonly usualMs: number
}

/** Looks are so far apart, milliseconds: five of them are needed in a row, and a single slow request makes only one bad. */
export function paceEveryMs(holdMs: number): number {
  return Math.max(200, holdMs / 5)
}

/**
 * Which sites of one service are slow, from one observer. Requests are compared with requests and probes with probes; a
 * site that is slow is no measure for the others.
 */
export class SlowSites {
  readonly #sites: ReadonlyMap<string, Readonly<Record<PaceKind, Slowness>>>

  constructor(sites: readonly string[], options: Partial<SlownessOptions> = {}) {
    this.#sites = new Map(
      sites.map((site) => [site, { traffic: new Slowness(options), probes: new Slowness(options) }]),
    )
  }

  /** Takes the paces since the last look; a site without one is not known. */
  observe(paces: ReadonlyMap<string, SitePace>, now: number): void {
    // Who was slow before this look is no measure in it, whoever is looked at first.
    const well = [...this.#sites.keys()].filter((site) => !this.isSlow(site))
    for (const [site, by] of this.#sites) {
      for (const kind of paceKinds) {
        const peers = well.flatMap((other) => (other === site ? [] : (paces.get(other)?.[kind] ?? [])))
        by[kind].observe(paces.get(site)?.[kind] ?? null, peers, now)
      }
    }
  }

  /** Whoever observes was away. */
  skip(now: number): void {
    for (const { traffic, probes } of this.#sites.values()) {
      traffic.skip(now)
      probes.skip(now)
    }
  }

  isSlow(site: string): boolean {
    const by = this.#sites.get(site)
    return by !== undefined && (by.traffic.slow || by.probes.slow)
  }

  /** The numbers behind it, of real requests where those say so; null for a site that is not slow. */
  evidence(site: string): SlowEvidence | null {
    const by = this.#sites.get(site)
    const kind = paceKinds.find((each) => by?.[each].slow)
    if (by === undefined || kind === undefined) return null
    return { by: kind, ms: by[kind].ms, usualMs: by[kind].usualMs ?? 0 }
  }
}
