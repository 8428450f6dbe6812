import { isIpLiteral } from './config-address.ts'
import type { GslbRecordType } from './config-gslb.ts'

/** The parts of a record's value. */
export type DnsRecordData =
  | { readonly type: 'A' | 'AAAA' | 'CNAME'; readonly data: string }
  | { readonly type: 'TXT'; readonly data: readonly string[] }
  | { readonly type: 'MX'; readonly data: { readonly preference: number; readonly exchange: string } }
  | { readonly type: 'SRV'; readonly data: DnsServiceData }
  | {
      readonly type: 'CAA'
      readonly data: { readonly flags: number; readonly tag: string; readonly value: string }
    }

/** Where a service is, in a record of type SRV. */
export interface DnsServiceData {
  readonly priority: number
  readonly weight: number
  readonly port: number
  readonly target: string
}

/** A text may take up several strings of at most so many bytes each. */
const STRING_BYTES_MAX = 255
const TEXT_BYTES_MAX = 4_096

const domain = String.raw`((?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63})\.?`
const patterns = {
  CNAME: new RegExp(`^${domain}$`),
  MX: new RegExp(String.raw`^(\d{1,5}) +${domain}$`),
  SRV: new RegExp(String.raw`^(\d{1,5}) +(\d{1,5}) +(\d{1,5}) +${domain}$`),
  CAA: /^(0|128) +([a-zA-Z0-9]{1,15}) +"([\u0020-\u007e]*)"$/,
} as const

/** What each type's value looks like, for messages. */
export const dnsRecordShapes: Readonly<Record<GslbRecordType, string>> = {
  A: 'an IPv4 address such as 192.0.2.1',
  AAAA: 'an IPv6 address such as 2001:db8::1',
  CAA: 'flags, tag and value such as 0 issue "letsencrypt.org"',
  CNAME: 'a domain name such as www.shop.example',
  MX: 'preference and name such as 10 mail.shop.example',
  SRV: 'priority, weight, port and name such as 0 5 443 api.shop.example',
  TXT: 'a text of at most 4096 printable ASCII characters, or several in double quotes',
}

/** Reads a value as zone files write it; undefined where it is none of that type. Names are absolute, with a dot at their end or without. */
export function parseDnsRecord(type: GslbRecordType, value: string): DnsRecordData | undefined {
  switch (type) {
    case 'A':
      return isIpLiteral(value) && !value.includes(':') ? { type, data: value } : undefined
    case 'AAAA':
      return isIpLiteral(value) && value.includes(':') ? { type, data: value } : undefined
    case 'CNAME': {
      const [, name] = patterns.CNAME.exec(value) ?? []
      return isName(name) ? { type, data: name } : undefined
    }
    case 'MX': {
      const [, preference, exchange] = patterns.MX.exec(value) ?? []
      if (!isName(exchange) || !areShort(preference)) return undefined
      return { type, data: { preference: Number(preference), exchange } }
    }
    case 'SRV': {
      const [, priority, weight, port, target] = patterns.SRV.exec(value) ?? []
      if (!isName(target) || !areShort(priority, weight, port)) return undefined
      return {
        type,
        data: { priority: Number(priority), weight: Number(weight), port: Number(port), target },
      }
    }
    case 'CAA': {
      const [, flags, tag = '', issuer] = patterns.CAA.exec(value) ?? []
      if (issuer === undefined) return undefined
      return { type, data: { flags: Number(flags), tag: tag.toLowerCase(), value: issuer } }
    }
    case 'TXT': {
      const data = texts(value)
      return data === undefined ? undefined : { type, data }
    }
  }
}

function isName(name: string | undefined): name is string {
  return name !== undefined && name.length <= 253
}

/** Numbers of 16 bits. */
function areShort(...numbers: readonly (string | undefined)[]): boolean {
  return numbers.every((number) => Number(number) <= 65_535)
}

/** Quoted strings as they are; a text without quotes in pieces that fit. */
function texts(value: string): string[] | undefined {
  if (!/^[\u0020-\u007e]+$/.test(value) || value.length > TEXT_BYTES_MAX) return undefined
  if (!value.startsWith('"')) return value.match(/.{1,255}/g)!
  if (!/^"(?:[^"\\]|\\["\\])*"(?: +"(?:[^"\\]|\\["\\])*")*$/.test(value)) return undefined
  const strings = [...value.matchAll(/"((?:[^"\\]|\\["\\])*)"/g)].map(([, string = '']) =>
    string.replace(/\\(["\\])/g, '$1'),
  )
  return strings.some((string) => string.length > STRING_BYTES_MAX) ? undefined : strings
}
