import { isIPv6 } from 'node:net'
import { HOST } from './bytes.ts'

const IPV6 = /^\[([0-9A-Fa-f:.]+)\](?::\d{1,5})?$/
const NAME = /^[0-9A-Za-z._~-]+(?::\d{1,5})?$/

/** Whether it can stand in a Host header: a name or an address, with a port or without. */
export function isAuthority(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (HOST[text.charCodeAt(i)] !== 1) return false
  return text.length <= 255 && (NAME.test(text) || isIPv6(IPV6.exec(text)?.[1] ?? ''))
}
