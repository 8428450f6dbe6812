import type { SplitConfig, SplitOverride } from '@budao/model'
import { compareVersions, hash32, releaseAt, splitPoint, WHOLE_BP, type Random } from '@budao/resilience'
import { partReader, type Part } from '../filters/client-key.ts'
import type { FilterRequest, RequestView } from '../filters/filter.ts'
import type { LiveShare } from './live-share.ts'
import { holdsForHeaders } from './rule.ts'

/** A release that is rolled out on this route. */
export interface RollingRelease {
  /** The rollout's. */
  readonly name: string
  readonly release: string
  readonly share: LiveShare
}

/** What could be the name of a release: anything else in the header of a lane is none. */
const releaseName = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62})$/

/** Which release of its services a route's requests belong to, by what they say of the user. */
export class Split {
  readonly #readers: readonly Part[]
  readonly #salt: number
  readonly #shares: readonly { readonly release: string; readonly basisPoints: number }[]
  readonly #lane: string | null
  readonly #overrides: readonly Override[]
  /** Refilled, so that nothing is made for a request. */
  readonly #rolling: { readonly release: string; basisPoints: number } | null
  readonly #live: LiveShare | null

  /** `site`: of this gateway. */
  constructor(config: SplitConfig, route: string, site: string, rolling: RollingRelease | null) {
    const { releases, by, salt, lane, overrides } = config
    this.#readers = by.map(partReader)
    this.#salt = hash32(salt ?? rolling?.name ?? route)
    this.#shares = Object.entries(releases)
      .filter(([release]) => release !== rolling?.release)
      .map(([release, basisPoints]) => ({ release, basisPoints }))
    this.#lane = lane?.toLowerCase() ?? null
    this.#overrides = overrides
      .filter(({ sites }) => sites === undefined || sites.includes(site))
      .map((override) => new Override(override, route))
    this.#rolling = rolling === null ? null : { release: rolling.release, basisPoints: 0 }
    this.#live = rolling?.share ?? null
  }

  /** The release; empty for stable. With a lane the services behind learn it too. */
  choose(request: FilterRequest, random: Random): string {
    const named = this.#lane === null ? undefined : request.header(this.#lane)
    if (named !== undefined && releaseName.test(named)) return named
    const release = this.#chosen(request, random)
    if (this.#lane !== null && release !== '') request.setHeader(this.#lane, release)
    return release
  }

  #chosen(request: FilterRequest, random: Random): string {
    const user = this.#userOf(request)
    for (let index = 0; index < this.#overrides.length; index++) {
      const override = this.#overrides[index]!
      if (override.holds(request, user)) return override.release
    }
    if (this.#rolling !== null) this.#rolling.basisPoints = this.#live!.at(request.now)
    const point = user === undefined ? random.next() * WHOLE_BP : splitPoint(user, this.#salt)
    return releaseAt(point, this.#shares, this.#rolling) ?? ''
  }

  #userOf(request: FilterRequest): string | undefined {
    for (let index = 0; index < this.#readers.length; index++) {
      const user = this.#readers[index]!(request)
      if (user !== undefined && user !== '') return user
    }
    return undefined
  }
}

class Override {
  readonly release: string
  readonly #headers: (request: RequestView) => boolean
  readonly #users: ReadonlySet<string> | null
  readonly #version: SplitOverride['appVersion'] | null

  constructor({ release, headers, users, appVersion }: SplitOverride, route: string) {
    this.release = release
    this.#headers = holdsForHeaders(route, headers)
    this.#users = users === undefined ? null : new Set(users)
    this.#version =
      appVersion === undefined ? null : { ...appVersion, header: appVersion.header.toLowerCase() }
  }

  holds(request: RequestView, user: string | undefined): boolean {
    if (this.#users !== null && (user === undefined || !this.#users.has(plain(user)))) return false
    return this.#holdsVersion(request) && this.#headers(request)
  }

  #holdsVersion(request: RequestView): boolean {
    if (this.#version === null || this.#version === undefined) return true
    const { header, from, below } = this.#version
    const version = request.header(header)
    if (version === undefined) return false
    if (from !== undefined && compareVersions(version, from) < 0) return false
    return below === undefined || compareVersions(version, below) < 0
  }
}

/** A claim that is a text is read with its quotes, so that it is no number's equal; people write it without. */
function plain(user: string): string {
  return user.startsWith('"') ? user.slice(1, -1) : user
}
