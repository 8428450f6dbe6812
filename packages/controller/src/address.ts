import { isIPv4, isIPv6 } from 'node:net'
import { ControllerError } from './controller-error.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

/** Reads `host:port`, `[v6]:port` or `:port` (all interfaces). Throws ADMIN_ADDRESS_INVALID. */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535 || (match[1] !== undefined && !isIPv6(match[1]))) {
    throw new ControllerError(
      'ADMIN_ADDRESS_INVALID',
      `the admin address must be host:port, got ${JSON.stringify(text)}`,
      'Write for example admin: { address: 127.0.0.1:9900 }.',
    )
  }
  return { host: match[1] ?? (match[2] === '' ? '::' : match[2]!), port }
}

/** True for names and addresses that only this machine can reach. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase()
  if (name === 'localhost' || name.endsWith('.localhost') || name === '::1') return true
  return isIPv4(name) && name.startsWith('127.')
}

/** The host part of a Host header, without port and brackets; null when it is not one. */
export function hostName(header: string | undefined): string | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/@\s]+))(?::\d*)?$/.exec(header ?? '')
  return match?.[1] ?? match?.[2] ?? null
}

/** `host:port` as it goes into a URL. */
export function formatAddress({ host, port }: Address): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}
