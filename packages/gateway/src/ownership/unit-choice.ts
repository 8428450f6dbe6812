import type { OwnershipConfig } from '@budao/model'
import { hash32 } from '@budao/resilience'
import type { Claims, RequestView } from '../filters/filter.ts'
import { cookieValue, queryValue } from '../exchange/request-values.ts'

/** What chooses a unit. */
export type KeyedRequest = Pick<RequestView, 'header' | 'query'> & { readonly claims?: Claims | null }

/** Which of a service’s units a request belongs to: a function of one value of it, the same at every gateway. */
export class UnitChoice {
  readonly #sites: readonly string[]
  readonly #config: Omit<OwnershipConfig, 'wait'>
  /** By site, so that one that comes or goes moves only what is its own. */
  readonly #seeds: readonly number[]
  readonly #home: number

  /** `sites`: the home of each unit, in their order. */
  constructor(sites: readonly string[], config: Omit<OwnershipConfig, 'wait'> = { units: 'hash' }) {
    this.#sites = sites
    this.#config = config
    this.#seeds = sites.map((site) => hash32(site))
    this.#home = Math.max(0, sites.indexOf(config.home ?? ''))
  }

  /** The unit’s index. */
  of(request: KeyedRequest): number {
    const { key, units } = this.#config
    if (key === undefined || this.#sites.length < 2) return this.#home
    const value =
      'header' in key
        ? request.header(key.header.toLowerCase())
        : 'cookie' in key
          ? cookieValue(request.header('cookie'), key.cookie)
          : 'query' in key
            ? queryValue(request.query, key.query)
            : claimText(request.claims?.[key.claim])
    if (value === undefined || value === '') return this.#home
    switch (units) {
      case 'site': {
        const index = this.#sites.indexOf(value)
        return index === -1 ? this.#home : index
      }
      case 'modulo':
        return wholeNumber.test(value)
          ? Number(BigInt(value) % BigInt(this.#sites.length))
          : this.#hashed(value)
      case 'hash':
        return this.#hashed(value)
    }
  }

  /** Rendezvous hashing: the site that this value has the highest number with. */
  #hashed(value: string): number {
    let best = 0
    let highest = -1
    for (let i = 0; i < this.#seeds.length; i++) {
      const weight = hash32(value, this.#seeds[i])
      if (weight <= highest) continue
      highest = weight
      best = i
    }
    return best
  }
}

const wholeNumber = /^\d{1,30}$/

function claimText(claim: unknown): string | undefined {
  return typeof claim === 'string' || typeof claim === 'number' ? String(claim) : undefined
}
