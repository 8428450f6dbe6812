/** Where to listen or connect. */
export interface Address {
  /** A name, an IPv4 address, or an IPv6 address without brackets. */
  readonly host: string
  readonly port: number
}

const addressPattern = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})?)):(\d{1,5})$/

/** The parts of `127.0.0.1:8080`, `shop.example:80` or `[::1]:8080`; undefined for anything else. */
export function parseAddress(text: string): Address | undefined {
  const found = addressPattern.exec(text)
  if (found === null) return undefined
  const port = Number(found[3])
  return port > 65_535 ? undefined : { host: (found[1] ?? found[2])!, port }
}

const servicePattern = /^srv:([A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252})?)$/

/** The name behind `srv:`, as in `srv:_shop._tcp.internal`; undefined for anything else. */
export function srvName(text: string): string | undefined {
  return servicePattern.exec(text)?.[1]
}

/** True for an IPv4 or IPv6 address, false for a name that has to be resolved. Without brackets. */
export function isLiteral(host: string): boolean {
  return host.includes(':') || /^\d{1,3}(?:\.\d{1,3}){3}$/.test(host)
}

/** `host:port`, with the brackets that IPv6 needs. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** True for addresses only this machine can reach: 127.0.0.0/8, ::1 and `localhost`. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}

/** Whether a text is an IP address, or a network such as `10.0.0.0/8` or `2001:db8::/32`. */
export function isAddressRange(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  if (rest.length > 0) return false
  const v4 = isIpv4(address)
  if (!v4 && !isIpv6(address)) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (v4 ? 32 : 128))
}

/** Whether a text is an IPv4 or IPv6 address and nothing more. */
export function isIpLiteral(text: string): boolean {
  return isIpv4(text) || isIpv6(text)
}

function isIpv4(text: string): boolean {
  const parts = text.split('.')
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)
}

function isIpv6(text: string): boolean {
  const [before = '', after, ...rest] = text.split('::')
  const groups = [before, after ?? ''].flatMap((side) => (side === '' ? [] : side.split(':')))
  const known = groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))
  return rest.length === 0 && known && (after === undefined ? groups.length === 8 : groups.length < 8)
}
