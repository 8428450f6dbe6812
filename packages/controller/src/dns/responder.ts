import type { GslbConfig } from '@budao/model'
import type { Random, ResponseRate } from '@budao/resilience'
import type { ClientPlaces } from './client-places.ts'
import type { Cookies } from './cookies.ts'
import type { DnsCounts, DnsTransport } from './dns-counts.ts'
import { EdnsReply } from './edns-reply.ts'
import type { FollowedName } from './followed-name.ts'
import { ipBytes } from './ip.ts'
import { networkKey } from './network-key.ts'
import type { NetworkSet } from './network-set.ts'
import { QueryReader } from './query-reader.ts'
import { anySet, type RecordSet } from './record-set.ts'
import {
  classes,
  extendedErrors,
  firstMetaType,
  HEADER_BYTES,
  PLAIN_UDP_BYTES,
  rcodes,
  type RcodeName,
  recordTypes,
} from './wire.ts'
import type { Zone, ZoneBook } from './zone-book.ts'

/** What questions are answered from. */
export interface DnsState {
  readonly config: GslbConfig
  readonly book: ZoneBook
  readonly places: ClientPlaces
  readonly rate: ResponseRate | null
  /** Whom `rate` does not hold for. */
  readonly exempt: NetworkSet
}

export interface ResponderOptions {
  readonly counts: DnsCounts
  readonly cookies: Cookies
  readonly random: Random
  /** Monotonic milliseconds. */
  now(): number
  wallNow(): number
  /** A mistake of ours: whoever asked gets SERVFAIL. */
  onFailure(error: unknown): void
}

const QR_AA = 0x8400
const QR = 0x8000
const TRUNCATED = 0x0200
/** Operation and "recursion desired" go back as they came. */
const ECHOED_FLAGS = 0x7900
const MESSAGE_BYTES_MAX = 65_535
const noAddress = new Uint8Array(4)

/**
 * Answers one message after the other. Records are copied as they were encoded with the configuration; of the question come its id, its
 * name as the client wrote it (some mix the case to detect forged answers), and what EDNS asks for.
 */
export class Responder {
  readonly #options: ResponderOptions
  readonly #reader = new QueryReader()
  readonly #edns: EdnsReply
  #state: DnsState
  /** Until then nothing is answered, by `now`: a drill. */
  #mutedUntil = -Infinity
  // Of the answer that is being made.
  #answer: RecordSet | null = null
  /** -1: as the records have it. */
  #ttl = -1
  #zone: Zone | null = null
  #negativeTtl = 0
  #address: Uint8Array = noAddress

  constructor(state: DnsState, options: ResponderOptions) {
    this.#state = state
    this.#options = options
    this.#edns = new EdnsReply(options.cookies, options.wallNow)
  }

  use(state: DnsState): void {
    this.#state = state
  }

  /** For a drill: hears every question and answers none for so long; 0 answers again. */
  mute(forMs: number): void {
    this.#mutedUntil = this.#options.now() + forMs
  }

  get muted(): boolean {
    return this.#options.now() < this.#mutedUntil
  }

  /**
   * The answer to a message, behind `before` free bytes; null where there is none.
   *
   * @param client its address in text
   */
  respond(message: Buffer, client: string, over: DnsTransport, before = 0): Buffer | null {
    try {
      return this.#respond(message, client, over, before)
    } catch (error) {
      // Anybody may send anything: none of it may end the process that serves everybody else.
      this.#options.onFailure(error)
      this.#options.counts.answers.SERVFAIL++
      this.#forget()
      return this.#write(message, 'SERVFAIL', false, over, before)
    }
  }

  #respond(message: Buffer, client: string, over: DnsTransport, before: number): Buffer | null {
    const { counts } = this.#options
    const reader = this.#reader
    const reading = reader.read(message)
    if (reading === 'ignore') {
      counts.ignored++
      return null
    }
    counts.queries[over]++
    if (this.#mutedUntil > 0 && this.muted) {
      counts.muted++
      return null
    }
    this.#forget()
    this.#address = ipBytes(client) ?? noAddress
    let truncated = false
    if (over === 'udp' && this.#state.rate !== null) {
      const verdict = this.#admit(this.#state.rate)
      if (verdict === 'drop') {
        counts.limited++
        return null
      }
      truncated = verdict === 'slip'
      if (truncated) counts.slipped++
    }
    let code: RcodeName = 'NOERROR'
    if (reading === 'malformed') code = 'FORMERR'
    else if (reading === 'other-operation') code = 'NOTIMP'
    else if (reading === 'other-edns') code = 'BADVERS'
    else if (!truncated) code = this.#find()
    counts.answers[code]++
    return this.#write(message, code, truncated, over, before)
  }

  #forget(): void {
    this.#answer = null
    this.#ttl = -1
    this.#zone = null
    this.#edns.forget()
  }

  #admit(rate: ResponseRate): 'send' | 'slip' | 'drop' {
    if (this.#state.exempt.has(this.#address)) return 'send'
    const { cookie } = this.#reader
    if (cookie !== null && this.#options.cookies.isOurs(cookie, this.#address, this.#options.wallNow()))
      return 'send'
    return rate.take(networkKey(this.#address, this.#address.length * 8), this.#options.now())
  }

  #find(): RcodeName {
    const { type, key } = this.#reader
    if (this.#reader.class !== classes.IN) return 'REFUSED'
    const found = this.#state.book.find(key)
    if (found === null) {
      this.#edns.extendedError = extendedErrors.notAuthoritative
      return 'REFUSED'
    }
    if (type === recordTypes.AXFR || type === recordTypes.IXFR) return 'REFUSED'
    const isMeta = type === recordTypes.OPT || (type >= firstMetaType && type < recordTypes.ANY)
    if (isMeta) return 'NOTIMP'
    if (!('sets' in found)) {
      this.#nothing(found, found.negativeTtl)
      return 'NXDOMAIN'
    }
    const { sets, followed, zone } = found
    if (followed !== null && (type === recordTypes.A || type === recordTypes.AAAA))
      this.#follow(followed, zone)
    else if (type === recordTypes.ANY && (sets.size > 0 || followed !== null)) this.#answer = anySet
    else {
      this.#answer = sets.get(type) ?? sets.get(recordTypes.CNAME) ?? null
      // That a followed name has no such type holds as long as the configuration.
      if (this.#answer === null) this.#nothing(zone, zone.negativeTtl)
    }
    return 'NOERROR'
  }

  #follow(followed: FollowedName, zone: Zone): void {
    const site = this.#chooseSite(followed)
    followed.count(site)
    if (followed.by === 'last-good') {
      this.#options.counts.stale++
      this.#edns.extendedError = extendedErrors.staleAnswer
    }
    const ttl = followed.ttlSeconds(this.#options.now())
    const records = followed.records(this.#reader.type === recordTypes.A ? 'A' : 'AAAA', site)
    if (records.count === 0) return this.#nothing(zone, Math.min(zone.negativeTtl, ttl))
    this.#answer = records
    this.#ttl = ttl
  }

  #chooseSite(followed: FollowedName): number {
    const reader = this.#reader
    const told = this.#state.config.clientSubnet && reader.subnetFamily !== 0 && reader.subnetLength > 0
    const address = told ? reader.subnet : this.#address
    const bits = told ? reader.subnetLength : address.length * 8
    const choice = this.#state.places.choose(followed, address, bits, this.#options)
    if (told) this.#edns.scope = choice.scope
    return choice.site
  }

  #nothing(zone: Zone, ttl: number): void {
    this.#zone = zone
    this.#negativeTtl = ttl
  }

  #write(message: Buffer, code: RcodeName, short: boolean, over: DnsTransport, before: number): Buffer {
    const reader = this.#reader
    const head = reader.questionEnd === 0 ? HEADER_BYTES : reader.questionEnd
    const optBytes = this.#edns.bytes(reader, this.#state.config)
    const limit = over === 'udp' ? this.#udpLimit() : MESSAGE_BYTES_MAX
    const bodyBytes = (this.#answer?.bytes.length ?? 0) + (this.#zone?.soa.bytes.length ?? 0)
    let truncated = short
    if (head + bodyBytes + optBytes > limit) truncated = true
    if (truncated) {
      this.#answer = null
      this.#zone = null
      if (!short) this.#options.counts.truncated++
    }
    const bytes = Buffer.allocUnsafe(before + head + (truncated ? 0 : bodyBytes) + optBytes)
    message.copy(bytes, before, 0, head)
    const rcode = rcodes[code]
    const authoritative = code === 'NOERROR' || code === 'NXDOMAIN'
    const flags = (authoritative ? QR_AA : QR) | (reader.flags & ECHOED_FLAGS) | (truncated ? TRUNCATED : 0)
    bytes.writeUInt16BE(flags | (rcode & 15), before + 2)
    bytes.writeUInt16BE(reader.questionEnd === 0 ? 0 : 1, before + 4)
    bytes.writeUInt16BE(this.#answer?.count ?? 0, before + 6)
    bytes.writeUInt16BE(this.#zone === null ? 0 : 1, before + 8)
    bytes.writeUInt16BE(reader.edns ? 1 : 0, before + 10)
    let at = before + head
    if (this.#answer !== null) at = this.#writeAnswer(bytes, at, this.#answer)
    if (this.#zone !== null) at = this.#writeSoa(bytes, at, this.#zone)
    if (reader.edns) this.#edns.write(bytes, at, reader, this.#state.config, rcode >> 4, this.#address)
    return bytes
  }

  #udpLimit(): number {
    if (!this.#reader.edns) return PLAIN_UDP_BYTES
    return Math.max(PLAIN_UDP_BYTES, Math.min(this.#reader.udpBytes, this.#state.config.udpBytes))
  }

  #writeAnswer(bytes: Buffer, at: number, { bytes: records, ttlAt }: RecordSet): number {
    records.copy(bytes, at)
    if (this.#ttl >= 0) for (const offset of ttlAt) bytes.writeUInt32BE(this.#ttl, at + offset)
    return at + records.length
  }

  #writeSoa(bytes: Buffer, at: number, { soa, key }: Zone): number {
    soa.bytes.copy(bytes, at)
    // The zone's name is the end of the question's.
    bytes.writeUInt16BE(0xc000 | (HEADER_BYTES + this.#reader.key.length - key.length), at)
    bytes.writeUInt32BE(this.#negativeTtl, at + soa.ttlAt[0]!)
    return at + soa.bytes.length
  }
}
