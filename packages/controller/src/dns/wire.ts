/** Types of records and questions by number (IANA, "Domain Name System (DNS) Parameters"). */
export const recordTypes = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
  CAA: 257,
} as const

/** From here to ANY types stand for questions, not for records (RFC 6895). */
export const firstMetaType = 128

export const classes = { IN: 1, CHAOS: 3 } as const

/** Codes of answers. BADVERS is 16: its upper bits stand in the OPT record. */
export const rcodes = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const

export type RcodeName = keyof typeof rcodes

/** Options of EDNS that are understood. */
export const ednsOptions = { clientSubnet: 8, cookie: 10, extendedError: 15 } as const

/** RFC 8914: what an answer that is not quite right says of itself. */
export const extendedErrors = { staleAnswer: 3, notAuthoritative: 20 } as const

export const HEADER_BYTES = 12
export const NAME_BYTES_MAX = 255
export const LABEL_BYTES_MAX = 63
/** What every client takes over UDP (RFC 1035). */
export const PLAIN_UDP_BYTES = 512
/** A pointer to the name of the question, which stands first. */
export const QUESTION_POINTER: number = 0xc000 | HEADER_BYTES

/** A name in the form of messages, lower case, as a key: each label behind its length, without the root. */
export function nameKey(name: string): string {
  if (name === '' || name === '.') return ''
  return name
    .toLowerCase()
    .split('.')
    .map((label) => String.fromCharCode(label.length) + label)
    .join('')
}

/** The name that a key stands for, without a dot at its end. */
export function keyName(key: string): string {
  const labels: string[] = []
  for (let at = 0; at < key.length; at += 1 + key.charCodeAt(at))
    labels.push(key.slice(at + 1, at + 1 + key.charCodeAt(at)))
  return labels.join('.')
}

/** Without its first label. */
export function parentKey(key: string): string {
  return key.slice(1 + key.charCodeAt(0))
}
