import type { SiteStandby } from '@budao/model'
import { standbyStates } from '@budao/model'

/** What an agent told so long ago is not known any more, milliseconds. */
const staleMs = 3_000
/** Of several agents of a site the least able counts: all of their processes are needed. */
const order = [
  'failed',
  'cold',
  'unwell',
  'starting',
  'warm',
] as const satisfies (typeof standbyStates)[number][]

/** What agents say of processes that are started only when work goes to their site. */
export class Standbys {
  readonly #now: () => number
  /** By service and site, then by node. */
  readonly #told: Map<string, Map<string, { readonly standby: SiteStandby; readonly at: number }>> = new Map()

  constructor(now: () => number) {
    this.#now = now
  }

  /** A node speaks for its own site. */
  hear(node: string, site: string | null, standbys: readonly SiteStandby[]): void {
    const at = this.#now()
    for (const standby of standbys) {
      if (standby.site !== site) continue
      const key = `${standby.service} ${site}`
      let nodes = this.#told.get(key)
      if (nodes === undefined) this.#told.set(key, (nodes = new Map()))
      nodes.set(node, { standby, at })
    }
  }

  /** Of each site that has some, as far as it was told lately. */
  of(service: string): readonly SiteStandby[] {
    const now = this.#now()
    return [...this.#told.entries()].flatMap(([key, nodes]) => {
      if (!key.startsWith(`${service} `)) return []
      const fresh = [...nodes.values()].filter(({ at }) => now - at < staleMs).map(({ standby }) => standby)
      const [worst] = fresh.toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state))
      return worst === undefined ? [] : [{ ...worst, ordered: fresh.some(({ ordered }) => ordered) }]
    })
  }

  /** Nobody need be told that a site is down whose processes were never started. */
  isCold(service: string, site: string): boolean {
    return this.of(service).some((each) => each.site === site && each.state === 'cold')
  }
}
