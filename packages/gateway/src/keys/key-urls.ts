import type { Config, JwtConfig, JwtIssuerConfig, KeyFetchConfig } from '@budao/model'

/** Whether `jwks` names a URL, not a file. */
export function isUrl(jwks: string): boolean {
  return /^https?:\/\//.test(jwks)
}

/** Who may have signed tokens: what stands in the filter itself, then its list. */
export function issuersOf({ jwks, issuer, audience, algorithms, issuers }: JwtConfig): JwtIssuerConfig[] {
  if (jwks === undefined) return [...issuers]
  const own = {
    jwks,
    algorithms,
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
  }
  return [own, ...issuers]
}

/** The URLs that a configuration needs keys of. Where two filters name the same one, the shorter times hold. */
export function keyUrls({ routes }: Config): [url: string, fetch: KeyFetchConfig][] {
  const urls = new Map<string, KeyFetchConfig>()
  for (const { filters } of routes) {
    for (const filter of filters) {
      if (!('jwt' in filter)) continue
      for (const { jwks } of issuersOf(filter.jwt)) {
        if (isUrl(jwks)) urls.set(jwks, shorter(filter.jwt.fetch, urls.get(jwks)))
      }
    }
  }
  return [...urls]
}

function shorter(a: KeyFetchConfig, b: KeyFetchConfig = a): KeyFetchConfig {
  return {
    interval: Math.min(a.interval, b.interval),
    timeout: Math.min(a.timeout, b.timeout),
    cooldown: Math.min(a.cooldown, b.cooldown),
  }
}
