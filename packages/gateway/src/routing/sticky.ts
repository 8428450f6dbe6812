import type { BackendConfig, StickyConfig } from '@budao/model'
import { hash32, stickyChoice } from '@budao/resilience'
import { claimText } from '../exchange/claim-text.ts'
import type { FilterRequest } from '../filters/filter.ts'
import { IssuedCookie } from '../exchange/issued-cookie.ts'
import { cookieValue, queryValue } from '../exchange/request-values.ts'

/** Which backend of a route a user belongs to, by what the request says of the user. */
export class Sticky {
  /** Given to users who have none; null where none is. */
  readonly cookie: IssuedCookie | null
  readonly #config: StickyConfig
  readonly #salt: number
  readonly #weights: readonly number[]
  readonly #seeds: readonly number[]

  constructor(config: StickyConfig, route: string, backends: readonly BackendConfig[]) {
    this.#config = config
    this.#salt = hash32(config.salt ?? route)
    this.#weights = backends.map(({ weight }) => weight)
    this.#seeds = backends.map(({ service }) => hash32(service))
    this.cookie =
      config.cookie === undefined || config.ttl === undefined
        ? null
        : new IssuedCookie(config.cookie, config.ttl)
  }

  /** The index of the user's backend, -1 when none has a weight; null when the request does not say whose it is. */
  choose(request: FilterRequest): number | null {
    const { header, cookie, query, claim } = this.#config
    const user =
      header !== undefined
        ? request.header(header.toLowerCase())
        : cookie !== undefined
          ? cookieValue(request.header('cookie'), cookie)
          : query !== undefined
            ? queryValue(request.query, query)
            : claim !== undefined
              ? claimText(request.claims, claim)
              : request.clientIp
    if (user === undefined || user === '') return null
    return stickyChoice(this.#weights, this.#seeds, hash32(user, this.#salt))
  }
}
