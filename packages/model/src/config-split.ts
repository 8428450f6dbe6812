import type { ValueMatch } from './config-route.ts'

/** The release that has whatever no other one has. */
export const stableRelease = 'stable'

/** Which release of its services a route's requests go to. */
export interface SplitConfig {
  /** Share of each release but `stable`, of 10 000; in their order. */
  readonly releases: Readonly<Record<string, number>>
  /** What says whose request it is; the first that the request has. Default openid. */
  readonly by: readonly string[]
  /** Users are spread anew with another one. Default the route's name. */
  readonly salt?: string
  /** A header that names the release, and is passed on. Absent: there are no lanes. */
  readonly lane?: string
  /** The first that holds decides, before shares. */
  readonly overrides: readonly SplitOverride[]
}

/** Requests that go to one release whatever its share is. All parts that are given must hold. */
export interface SplitOverride {
  readonly release: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, ValueMatch>>
  /** As `by` reads them. Absent: every user. */
  readonly users?: readonly string[]
  /** Of the gateway that has the request. Absent: every site. */
  readonly sites?: readonly string[]
  readonly appVersion?: AppVersionConfig
}

/** Versions of the mini program: from this one on, and below that one. */
export interface AppVersionConfig {
  readonly header: string
  readonly from?: string
  readonly below?: string
}

/** Services whose endpoints are told apart by release: those that a route with `split` sends to. */
export function splitServices(
  routes: readonly {
    readonly split?: SplitConfig
    readonly backends: readonly { readonly service: string }[]
  }[],
): ReadonlySet<string> {
  return new Set(
    routes.flatMap(({ split, backends }) =>
      split === undefined ? [] : backends.map(({ service }) => service),
    ),
  )
}
