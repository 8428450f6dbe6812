import type { ListenerConfig } from '@budao/model'

/** The header line that answers of a listener get (RFC 6797 §6.1); empty where there is none. */
export function hstsLine({ protocol, tls }: ListenerConfig): string {
  const hsts = tls?.hsts ?? false
  // Over plain HTTP whoever is in between could have written it: browsers must not believe it, nor we send it (§7.2).
  if (protocol !== 'https' || hsts === false) return ''
  const subDomains = hsts.includeSubDomains ? '; includeSubDomains' : ''
  return `Strict-Transport-Security: max-age=${hsts.maxAge}${subDomains}${hsts.preload ? '; preload' : ''}\r\n`
}

/** Whether lines of a head say it already: browsers heed the first one only (§8.1), and it is the backend's. */
export function hasHsts(lines: string): boolean {
  return /^strict-transport-security:/im.test(lines)
}
