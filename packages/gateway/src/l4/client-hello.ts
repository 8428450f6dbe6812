/**
 * partial  more bytes are needed
 * bad      this is no ClientHello; `alert` is what TLS says then
 * hello    it is complete; `serverName` is the name asked for, empty where none is
 */
export type ClientHelloResult =
  | { readonly kind: 'partial' }
  | { readonly kind: 'bad'; readonly problem: string }
  | { readonly kind: 'hello'; readonly serverName: string }

/** A ClientHello with two post-quantum key shares has 3 KB; more than this is taken for an attack on memory. */
export const CLIENT_HELLO_BYTES_MAX = 16_384

const HANDSHAKE = 22
const CLIENT_HELLO = 1
const SERVER_NAME = 0

const partial = { kind: 'partial' } as const

/**
 * Reads the name a TLS client asks for (RFC 6066 §3) from the first bytes of its connection, without answering. The
 * message may be cut into records (RFC 8446 §5.1) and arrive in any pieces. Extensions not known, as clients invent them
 * (GREASE, RFC 8701), are passed over.
 */
export function readClientHello(bytes: Buffer): ClientHelloResult {
  const fragments: Buffer[] = []
  let collected = 0
  let needed = 4
  for (let at = 0; ;) {
    if (at < bytes.length && bytes[at] !== HANDSHAKE) return bad('it does not begin with a handshake')
    if (at + 1 < bytes.length && bytes[at + 1] !== 3) return bad('its version is not that of TLS')
    if (bytes.length - at < 5) return partial
    const length = bytes.readUInt16BE(at + 3)
    // RFC 8446 §5.1: no empty fragments of handshake messages, none above 2^14.
    if (length === 0 || length > 16_384) return bad('a record has no allowed length')
    const end = Math.min(bytes.length, at + 5 + length)
    fragments.push(bytes.subarray(at + 5, end))
    collected += end - at - 5
    if (collected > 0 && fragments[0]![0] !== CLIENT_HELLO) return bad('the first message is no ClientHello')
    const message = fragments.length === 1 ? fragments[0]! : Buffer.concat(fragments)
    if (message.length >= 4) needed = 4 + message.readUIntBE(1, 3)
    if (needed > CLIENT_HELLO_BYTES_MAX)
      return bad(`the ClientHello has more than ${CLIENT_HELLO_BYTES_MAX} bytes`)
    if (collected >= needed) return readMessage(message.subarray(4, needed))
    at += 5 + length
    if (at > bytes.length) return partial
  }
}

/** The alert that a connection is ended with, RFC 8446 §6. */
export function fatalAlert(description: 'unrecognized_name' | 'decode_error' | 'internal_error'): Buffer {
  const code = { unrecognized_name: 112, decode_error: 50, internal_error: 80 }[description]
  return Buffer.of(21, 3, 3, 0, 2, 2, code)
}

function readMessage(message: Buffer): ClientHelloResult {
  const reader = new Reader(message)
  // legacy_version, random, legacy_session_id, cipher_suites, legacy_compression_methods
  reader.skip(2 + 32)
  reader.skip(reader.number(1))
  reader.skip(reader.number(2))
  reader.skip(reader.number(1))
  if (reader.failed) return bad('the ClientHello is cut short')
  if (reader.left === 0) return { kind: 'hello', serverName: '' }
  const extensions = reader.part(reader.number(2))
  if (reader.failed || reader.left > 0) return bad('the lengths in the ClientHello contradict each other')
  let serverName: string | null = null
  while (extensions.left > 0) {
    const type = extensions.number(2)
    const content = extensions.part(extensions.number(2))
    if (extensions.failed) return bad('an extension is cut short')
    if (type !== SERVER_NAME) continue
    const name = readServerName(content)
    // RFC 8446 §4.2: no extension twice. Two readers could take two names.
    if (name === null || serverName !== null) return bad('the server name is malformed')
    serverName = name
  }
  return { kind: 'hello', serverName: serverName ?? '' }
}

function readServerName(content: Reader): string | null {
  const list = content.part(content.number(2))
  if (content.failed || content.left > 0) return null
  let found: string | null = null
  while (list.left > 0) {
    const type = list.number(1)
    const text = list.part(list.number(2)).text()
    if (list.failed || found !== null) return null
    // 0 is the only type there is.
    if (type !== 0) continue
    if (!/^[0-9A-Za-z_-]+(\.[0-9A-Za-z_-]+)*\.?$/.test(text) || text.length > 255) return null
    found = text.toLowerCase()
  }
  return found
}

/** Takes numbers and parts off the front of bytes; `failed` once there were too few. */
class Reader {
  failed = false
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.failed ? 0 : this.#bytes.length - this.#at
  }

  number(size: 1 | 2): number {
    if (this.left < size) {
      this.failed = true
      return 0
    }
    const value = this.#bytes.readUIntBE(this.#at, size)
    this.#at += size
    return value
  }

  part(length: number): Reader {
    const start = this.#at
    this.skip(length)
    return new Reader(this.failed ? this.#bytes.subarray(0, 0) : this.#bytes.subarray(start, this.#at))
  }

  skip(length: number): void {
    if (this.left < length) this.failed = true
    else this.#at += length
  }

  text(): string {
    return this.#bytes.toString('latin1', this.#at)
  }
}

function bad(problem: string): ClientHelloResult {
  return { kind: 'bad', problem }
}
