import { ednsOptions, HEADER_BYTES, LABEL_BYTES_MAX, NAME_BYTES_MAX, recordTypes } from './wire.ts'

/**
 * What a message is.
 * - `query`: one question that may be answered
 * - `ignore`: too short to be answered, or an answer itself: two servers must not talk to each other for ever
 * - `malformed`: FORMERR
 * - `other-operation`: NOTIMP
 * - `other-edns`: BADVERS
 */
export type Reading = 'query' | 'ignore' | 'malformed' | 'other-operation' | 'other-edns'

const QR = 0x8000
const OPCODE_SHIFT = 11
/** More records than any honest query has beside its question: EDNS, a signature, and room. */
const ADDITIONAL_MAX = 8
const COOKIE_CLIENT_BYTES = 8

/**
 * Reads one query after the other, into itself: what it holds is of the last one. Nothing is read beyond the message, names are at most
 * 255 bytes and follow no pointers, so the work for any message is bounded by its length.
 */
export class QueryReader {
  id = 0
  flags = 0
  /** Just behind the question; 0 while none has been read whole. */
  questionEnd = 0
  /** The name in lower case as `nameKey` writes it. */
  key = ''
  type = 0
  class = 0
  edns = false
  dnssecOk = false
  /** What the client takes over UDP. */
  udpBytes = 0
  /** With a client subnet: 1 or 2 for IPv4 and IPv6, 0 for none given. */
  subnetFamily = 0
  subnetLength = 0
  /** Whether the option was there, be it only to say that nothing is given. */
  hasSubnet = false
  /** Of the family's length, the bits beyond `subnetLength` are 0. */
  subnet: Uint8Array = new Uint8Array(0)
  readonly #subnet4 = new Uint8Array(4)
  readonly #subnet16 = new Uint8Array(16)
  /** The client's part, and a server's where it has one. */
  cookie: Buffer | null = null
  readonly #name = Buffer.alloc(NAME_BYTES_MAX)

  read(message: Buffer): Reading {
    this.#forget()
    if (message.length < HEADER_BYTES) return 'ignore'
    this.id = message.readUInt16BE(0)
    this.flags = message.readUInt16BE(2)
    if ((this.flags & QR) !== 0) return 'ignore'
    if (((this.flags >> OPCODE_SHIFT) & 15) !== 0) return 'other-operation'
    const additional = message.readUInt16BE(10)
    if (message.readUInt16BE(4) !== 1 || message.readUInt32BE(6) !== 0 || additional > ADDITIONAL_MAX)
      return 'malformed'
    if (!this.#readQuestion(message)) return 'malformed'
    let at = this.questionEnd
    let version = 0
    for (let record = 0; record < additional; record++) {
      const owner = at
      at = skipName(message, at)
      if (at < 0 || at + 10 > message.length) return 'malformed'
      const end = at + 10 + message.readUInt16BE(at + 8)
      if (end > message.length) return 'malformed'
      if (message.readUInt16BE(at) === recordTypes.OPT) {
        // RFC 6891: one at most, and of the root.
        if (this.edns || message[owner] !== 0) return 'malformed'
        this.edns = true
        this.udpBytes = message.readUInt16BE(at + 2)
        version = message[at + 5]!
        this.dnssecOk = (message[at + 6]! & 0x80) !== 0
        // What options of another version look like is not known.
        if (version === 0 && !this.#readOptions(message, at + 10, end)) return 'malformed'
      }
      at = end
    }
    if (at !== message.length) return 'malformed'
    return version === 0 ? 'query' : 'other-edns'
  }

  #forget(): void {
    this.questionEnd = 0
    this.edns = false
    this.dnssecOk = false
    this.udpBytes = 0
    this.hasSubnet = false
    this.subnetFamily = 0
    this.subnetLength = 0
    this.cookie = null
  }

  #readQuestion(message: Buffer): boolean {
    const name = this.#name
    let at = HEADER_BYTES
    for (;;) {
      const length = message[at]
      if (length === undefined || length > LABEL_BYTES_MAX) return false
      if (length === 0) break
      const next = at + 1 + length
      if (next >= message.length || next - HEADER_BYTES >= NAME_BYTES_MAX) return false
      name[at - HEADER_BYTES] = length
      for (at++; at < next; at++) {
        const byte = message[at]!
        name[at - HEADER_BYTES] = byte >= 65 && byte <= 90 ? byte | 32 : byte
      }
    }
    if (at + 5 > message.length) return false
    this.key = name.toString('latin1', 0, at - HEADER_BYTES)
    this.type = message.readUInt16BE(at + 1)
    this.class = message.readUInt16BE(at + 3)
    this.questionEnd = at + 5
    return true
  }

  #readOptions(message: Buffer, from: number, end: number): boolean {
    let at = from
    while (at < end) {
      if (at + 4 > end) return false
      const code = message.readUInt16BE(at)
      const length = message.readUInt16BE(at + 2)
      at += 4
      if (at + length > end) return false
      if (code === ednsOptions.clientSubnet && !this.#readSubnet(message, at, length)) return false
      if (code === ednsOptions.cookie) {
        // RFC 7873: a client's part, and perhaps a server's of 8 to 32 bytes.
        if (length !== COOKIE_CLIENT_BYTES && (length < 16 || length > 40)) return false
        this.cookie = message.subarray(at, at + length)
      }
      at += length
    }
    return true
  }

  /** RFC 7871: as many bytes as the prefix needs, no bit beyond it, and no scope in a query. */
  #readSubnet(message: Buffer, at: number, length: number): boolean {
    if (length < 4 || this.hasSubnet) return false
    const family = message.readUInt16BE(at)
    const source = message[at + 2]!
    if (message[at + 3] !== 0 || length - 4 !== Math.ceil(source / 8)) return false
    this.hasSubnet = true
    if (family !== 1 && family !== 2) {
      // No family at all is how some say that nothing is given.
      return family === 0 && source === 0
    }
    const subnet = family === 1 ? this.#subnet4 : this.#subnet16
    if (source > subnet.length * 8) return false
    subnet.fill(0)
    message.copy(subnet, 0, at + 4, at + length)
    if (source % 8 !== 0 && (subnet[source >> 3]! & (0xff >> (source % 8))) !== 0) return false
    this.subnet = subnet
    this.subnetFamily = family
    this.subnetLength = source
    return true
  }
}

/** Where a name ends that is not looked at; -1 where it is none. A pointer ends it. */
function skipName(message: Buffer, from: number): number {
  let at = from
  for (;;) {
    const length = message[at]
    if (length === undefined) return -1
    if (length === 0) return at + 1
    if (length >= 0xc0) return at + 2
    if (length > LABEL_BYTES_MAX || at - from >= NAME_BYTES_MAX) return -1
    at += 1 + length
  }
}
