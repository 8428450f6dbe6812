import type { GslbConfig } from '@budao/model'
import { COOKIE_BYTES, type Cookies } from './cookies.ts'
import type { QueryReader } from './query-reader.ts'
import { ednsOptions, recordTypes } from './wire.ts'

type EdnsConfig = Pick<GslbConfig, 'clientSubnet' | 'udpBytes'>

const OPT_BYTES = 11
const OPTION_HEAD_BYTES = 4

/** What an answer says by EDNS: the OPT record that goes with it, where the question had one. */
export class EdnsReply {
  /** Prefix length of clients for which the answer holds. */
  scope = 0
  /** A code of RFC 8914; -1 for none. */
  extendedError = -1
  readonly #cookies: Cookies
  readonly #wallNow: () => number

  constructor(cookies: Cookies, wallNow: () => number) {
    this.#cookies = cookies
    this.#wallNow = wallNow
  }

  forget(): void {
    this.scope = 0
    this.extendedError = -1
  }

  /** How long the record will be. */
  bytes(reader: QueryReader, config: EdnsConfig): number {
    if (!reader.edns) return 0
    return (
      OPT_BYTES +
      (echoesSubnet(reader, config) ? OPTION_HEAD_BYTES + subnetBytes(reader) : 0) +
      (reader.cookie === null ? 0 : OPTION_HEAD_BYTES + COOKIE_BYTES) +
      (this.extendedError < 0 ? 0 : OPTION_HEAD_BYTES + 2)
    )
  }

  /** Writes the record from `from` to the end. `upperRcode`: what of the code does not fit in the header. */
  write(
    into: Buffer,
    from: number,
    reader: QueryReader,
    config: EdnsConfig,
    upperRcode: number,
    client: Uint8Array,
  ): void {
    into[from] = 0
    into.writeUInt16BE(recordTypes.OPT, from + 1)
    into.writeUInt16BE(config.udpBytes, from + 3)
    into[from + 5] = upperRcode
    into[from + 6] = 0
    into.writeUInt16BE(reader.dnssecOk ? 0x8000 : 0, from + 7)
    into.writeUInt16BE(into.length - from - OPT_BYTES, from + 9)
    let at = from + OPT_BYTES
    if (echoesSubnet(reader, config)) at = this.#writeSubnet(into, at, reader)
    if (reader.cookie !== null) {
      into.writeUInt16BE(ednsOptions.cookie, at)
      into.writeUInt16BE(COOKIE_BYTES, at + 2)
      this.#cookies.write(into, at + OPTION_HEAD_BYTES, reader.cookie, client, this.#wallNow())
      at += OPTION_HEAD_BYTES + COOKIE_BYTES
    }
    if (this.extendedError < 0) return
    into.writeUInt16BE(ednsOptions.extendedError, at)
    into.writeUInt16BE(2, at + 2)
    into.writeUInt16BE(this.extendedError, at + 4)
  }

  /** As it came, with the prefix for which the answer holds. */
  #writeSubnet(into: Buffer, at: number, reader: QueryReader): number {
    const { subnetFamily, subnetLength, subnet } = reader
    const length = subnetBytes(reader)
    into.writeUInt16BE(ednsOptions.clientSubnet, at)
    into.writeUInt16BE(length, at + 2)
    into.writeUInt16BE(subnetFamily, at + 4)
    into[at + 6] = subnetLength
    into[at + 7] = this.scope
    for (let byte = 0; byte < length - 4; byte++) into[at + 8 + byte] = subnet[byte]!
    return at + OPTION_HEAD_BYTES + length
  }
}

function echoesSubnet({ hasSubnet }: QueryReader, { clientSubnet }: EdnsConfig): boolean {
  return hasSubnet && clientSubnet
}

function subnetBytes({ subnetLength }: QueryReader): number {
  return 4 + Math.ceil(subnetLength / 8)
}
