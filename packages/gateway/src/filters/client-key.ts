import { cookieValue } from '../exchange/request-values.ts'
import { clientNetwork } from './client-network.ts'
import type { FilterRequest } from './filter.ts'

/** Set by the cloud of a mini-program platform, in front of the gateway; anybody else can write it too. */
const openidHeader = 'x-wx-openid'

/** Reads a text from a request. */
export type Part = (request: FilterRequest) => string | undefined

/**
 * Reads who shares a limit from a request: `ip`, `route`, `header:Name`, `cookie:name`, `claim:name` of a verified token,
 * `openid`, or several of them together. Who lacks one is counted by address instead: leaving it out must not be a way
 * around the limit. The letter in front keeps such an address apart from a header that says the same.
 */
export function clientKeyReader(parts: readonly string[]): (request: FilterRequest) => string {
  const readers = parts.map(partReader)
  if (readers.length === 1) return keyPart(readers[0]!)
  const keys = readers.map(keyPart)
  // No header, cookie or address holds a line end, and claims are escaped.
  return (request) => keys.map((key) => key(request)).join('\n')
}

function keyPart(read: Part): (request: FilterRequest) => string {
  if (read === byAddress) return (request) => `a${byAddress(request)}`
  return (request) => {
    const value = read(request)
    return value === undefined ? `a${byAddress(request)}` : `v${value}`
  }
}

/** Reads one of these parts; undefined where the request lacks it. */
export function partReader(part: string): Part {
  const colon = part.indexOf(':')
  const kind = colon < 0 ? part : part.slice(0, colon)
  const name = part.slice(colon + 1)
  switch (kind) {
    case 'route':
      return () => ''
    case 'openid':
      return openid
    case 'claim':
      return (request) => claim(request, name)
    case 'cookie':
      return (request) => cookieValue(request.header('cookie'), name)
    case 'header': {
      const lower = name.toLowerCase()
      return (request) => request.header(lower)
    }
    default:
      return byAddress
  }
}

/** A verified claim is believed from anybody, a header only from a peer that the listener trusts. */
function openid(request: FilterRequest): string | undefined {
  return claim(request, 'openid') ?? (request.peerTrusted ? request.header(openidHeader) : undefined)
}

function claim({ claims }: FilterRequest, name: string): string | undefined {
  if (claims === null || !Object.hasOwn(claims, name)) return undefined
  const value = claims[name]
  return value === undefined || value === null ? undefined : JSON.stringify(value)
}

function byAddress(request: FilterRequest): string {
  return clientNetwork(request.clientIp)
}
