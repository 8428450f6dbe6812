import { isIPv4, isIPv6 } from 'node:net'

/** Who connected to whom, as one hop tells the next. */
export interface ProxiedPair {
  readonly sourceAddress: string
  readonly sourcePort: number
  readonly targetAddress: string
  readonly targetPort: number
}

/**
 * partial  what has come can be the beginning of a header
 * bad      it cannot
 * read     the header takes the first `length` bytes; `pair` is null where it names nobody (LOCAL, UNKNOWN, no IP)
 */
export type ProxyHeaderResult =
  | { readonly kind: 'partial' }
  | { readonly kind: 'bad'; readonly problem: string }
  | { readonly kind: 'read'; readonly length: number; readonly pair: ProxiedPair | null }

/** The longest line of version 1, with its line end. */
const V1_BYTES_MAX = 107
/** Addresses and what may follow them (TLVs). The format allows 65 535; nobody sends more than a few hundred. */
export const V2_BYTES_MAX = 4_096

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const V1_START = Buffer.from('PROXY ', 'latin1')

const partial = { kind: 'partial' } as const

/**
 * Reads the header of the PROXY protocol, version 1 or 2, that a connection begins with. Strict, after "The PROXY
 * protocol" (Tarreau, 2020): two readers must not see two clients.
 */
export function readProxyHeader(bytes: Buffer): ProxyHeaderResult {
  if (startsLike(bytes, SIGNATURE)) return bytes.length < 16 ? partial : readV2(bytes)
  if (startsLike(bytes, V1_START)) return readV1(bytes)
  return bad('it begins with neither `PROXY ` nor the signature of version 2')
}

/** Version 1, a line of text. */
export function proxyHeaderV1(pair: ProxiedPair | null): Buffer {
  if (pair === null || !sameFamily(pair)) return Buffer.from('PROXY UNKNOWN\r\n', 'latin1')
  const family = isIPv4(pair.sourceAddress) ? 'TCP4' : 'TCP6'
  const { sourceAddress, targetAddress, sourcePort, targetPort } = pair
  return Buffer.from(
    `PROXY ${family} ${sourceAddress} ${targetAddress} ${sourcePort} ${targetPort}\r\n`,
    'latin1',
  )
}

/** Version 2, binary; null says that the gateway speaks for itself (LOCAL), as its health checks do. */
export function proxyHeaderV2(pair: ProxiedPair | null): Buffer {
  if (pair === null || !sameFamily(pair)) return Buffer.concat([SIGNATURE, Buffer.of(0x20, 0, 0, 0)])
  const v4 = isIPv4(pair.sourceAddress)
  const addresses = Buffer.concat([
    addressBytes(pair.sourceAddress),
    addressBytes(pair.targetAddress),
    Buffer.of(pair.sourcePort >> 8, pair.sourcePort & 0xff, pair.targetPort >> 8, pair.targetPort & 0xff),
  ])
  return Buffer.concat([SIGNATURE, Buffer.of(0x21, v4 ? 0x11 : 0x21, 0, addresses.length), addresses])
}

function readV1(bytes: Buffer): ProxyHeaderResult {
  const end = bytes.indexOf('\r\n')
  if (end === -1) return bytes.length >= V1_BYTES_MAX ? bad('the line is longer than 107 bytes') : partial
  if (end + 2 > V1_BYTES_MAX) return bad('the line is longer than 107 bytes')
  const length = end + 2
  const line = bytes.toString('latin1', 0, end)
  // §2.1: whatever follows UNKNOWN must be ignored.
  if (/^PROXY UNKNOWN( |$)/.test(line)) return { kind: 'read', length, pair: null }
  const found = /^PROXY (TCP4|TCP6) ([0-9A-Fa-f:.]+) ([0-9A-Fa-f:.]+) (\d{1,5}) (\d{1,5})$/.exec(line)
  if (found === null) return bad('the line is not `PROXY TCP4|TCP6 source target port port`')
  const [, family, sourceAddress, targetAddress, sourcePort, targetPort] = found
  const isAddress = family === 'TCP4' ? isIPv4 : isIPv6
  if (!isAddress(sourceAddress!) || !isAddress(targetAddress!)) return bad(`an address is not ${family}`)
  if (!isPort(sourcePort!) || !isPort(targetPort!)) return bad('a port is no number from 0 to 65535')
  return {
    kind: 'read',
    length,
    pair: {
      sourceAddress: sourceAddress!.toLowerCase(),
      targetAddress: targetAddress!.toLowerCase(),
      sourcePort: Number(sourcePort),
      targetPort: Number(targetPort),
    },
  }
}

function readV2(bytes: Buffer): ProxyHeaderResult {
  const command = bytes[12]!
  if (command !== 0x20 && command !== 0x21) return bad('the command is neither LOCAL nor PROXY of version 2')
  const size = bytes.readUInt16BE(14)
  const length = 16 + size
  if (length > V2_BYTES_MAX) return bad(`the header has more than ${V2_BYTES_MAX} bytes`)
  const family = bytes[13]!
  const wanted = addressSizes.get(family)
  if (wanted === undefined) return bad('the family is unknown')
  if (command === 0x21 && size < wanted) return bad('it is too short for its addresses')
  if (bytes.length < length) return partial
  // §2.2: what a health checker sends about itself must be ignored, and so must sockets without addresses of IP.
  if (command === 0x20 || (family >> 4 !== 1 && family >> 4 !== 2))
    return { kind: 'read', length, pair: null }
  const each = family >> 4 === 1 ? 4 : 16
  return {
    kind: 'read',
    length,
    pair: {
      sourceAddress: addressText(bytes.subarray(16, 16 + each)),
      targetAddress: addressText(bytes.subarray(16 + each, 16 + 2 * each)),
      sourcePort: bytes.readUInt16BE(16 + 2 * each),
      targetPort: bytes.readUInt16BE(18 + 2 * each),
    },
  }
}

/** Bytes of the addresses by family and transport: unspecified, IPv4, IPv6, Unix sockets; each stream or datagram. */
const addressSizes: ReadonlyMap<number, number> = new Map([
  [0x00, 0],
  [0x11, 12],
  [0x12, 12],
  [0x21, 36],
  [0x22, 36],
  [0x31, 216],
  [0x32, 216],
])

/** Whether `bytes` is `start`, its beginning, or goes on behind it. */
function startsLike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length)
  return bytes.compare(start, 0, length, 0, length) === 0
}

function sameFamily({ sourceAddress, targetAddress }: ProxiedPair): boolean {
  if (isIPv4(sourceAddress)) return isIPv4(targetAddress)
  return isIPv6(sourceAddress) && isIPv6(targetAddress)
}

function isPort(text: string): boolean {
  return (text === '0' || !text.startsWith('0')) && Number(text) <= 65_535
}

function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16))
  const text = groups.join(':')
  if (text.startsWith('0:0:0:0:0:ffff:')) return bytes.subarray(12).join('.')
  // RFC 5952 §4.2.3: the first of the longest runs of zeros, of two groups at least.
  const runs = text.match(/(^|:)0(:0)+(?=:|$)/g) ?? []
  const longest = runs.reduce((best, run) => (zeros(run) > zeros(best) ? run : best), '')
  if (longest === '') return text
  const at = text.indexOf(longest)
  return `${text.slice(0, at)}::${text.slice(at + longest.length).replace(/^:/, '')}`
}

function zeros(run: string): number {
  return run.split('0').length - 1
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number))
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  const plain =
    dotted === null
      ? address
      : `${dotted[1]}${((Number(dotted[2]) << 8) | Number(dotted[3])).toString(16)}:${((Number(dotted[4]) << 8) | Number(dotted[5])).toString(16)}`
  const [head = '', tail] = plain.split('%', 1)[0]!.split('::', 2)
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const middle = Array.from({ length: 8 - before.length - after.length }, () => '0')
  const bytes = Buffer.alloc(16)
  for (const [i, group] of [...before, ...middle, ...after].entries())
    bytes.writeUInt16BE(Number.parseInt(group, 16), 2 * i)
  return bytes
}

function bad(problem: string): ProxyHeaderResult {
  return { kind: 'bad', problem }
}
