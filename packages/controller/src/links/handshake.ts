import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { NodeRole } from '@budao/model'
import { linkProtocol, parseFrame, parseHello, type Hello } from './frames.ts'

/** Who this node is. */
export interface NodeIdentity {
  readonly node: string
  /** Null: a witness. */
  readonly site: string | null
  readonly domain: string
  /** Unique for each start of the process. */
  readonly start: string
  readonly roles: readonly NodeRole[]
  /** Where its admin API answers, as others reach it; null: it says so to nobody. */
  readonly admin: string | null
}

/** What a line of a handshake makes: lines to send, and how it went. */
export interface HandshakeStep {
  readonly send: readonly string[]
  /** `peer`: it is proved. `refused`: by us, and the other side is told why. `turned-away`: by the other side. */
  readonly end?:
    | { readonly kind: 'peer'; readonly peer: Hello }
    | { readonly kind: 'refused'; readonly node: string | null; readonly why: string }
    | { readonly kind: 'turned-away'; readonly node: string | null; readonly why: string }
}

/**
 * How two nodes find out that they may talk: each says who it is with a challenge, and proves by a keyed hash over both
 * hellos that it knows the token, which itself is never sent. The hash names the side, so that none can be sent back.
 */
export class Handshake {
  readonly #secret: string
  readonly #dialed: boolean
  readonly #own: string
  readonly #expects: (hello: Hello) => string | null
  #theirs: string | null = null
  #peer: Hello | null = null

  /** `dialed`: this side has. `expects` says why a node is not welcome, null where it is. */
  constructor(self: NodeIdentity, secret: string, dialed: boolean, expects: (hello: Hello) => string | null) {
    this.#secret = secret
    this.#dialed = dialed
    this.#expects = expects
    const challenge = randomBytes(24).toString('base64url')
    const hello: Hello = { t: 'hello', proto: linkProtocol, ...self, challenge }
    this.#own = JSON.stringify(hello)
  }

  /** The first line. */
  get hello(): string {
    return this.#own
  }

  take(line: string): HandshakeStep {
    return this.#theirs === null ? this.#hello(line) : this.#proof(line)
  }

  #hello(line: string): HandshakeStep {
    const away = refusal(line)
    if (away !== null) return { send: [], end: { kind: 'turned-away', node: null, why: away } }
    // A later version may say more than this one knows: its number is looked at first.
    const proto = protocolOf(line)
    if (proto !== linkProtocol)
      return this.#refuse(
        `the other node speaks version ${String(proto)} of the protocol of links, this one version ${linkProtocol}: run the same version of Budao on both`,
      )
    const peer = parseHello(line)
    if (typeof peer === 'string') return this.#refuse(`not a hello: ${peer}`)
    this.#peer = peer
    const unwelcome = this.#expects(peer)
    if (unwelcome !== null) return this.#refuse(unwelcome)
    this.#theirs = line
    return { send: [JSON.stringify({ t: 'proof', proof: this.#proofOf(this.#dialed) })] }
  }

  #proof(line: string): HandshakeStep {
    const peer = this.#peer!
    const away = refusal(line)
    if (away !== null) return { send: [], end: { kind: 'turned-away', node: peer.node, why: away } }
    const frame = parseFrame(line)
    if (typeof frame === 'string' || frame.t !== 'proof') return this.#refuse('no proof of the token came')
    const [given, wanted] = [Buffer.from(frame.proof), Buffer.from(this.#proofOf(!this.#dialed))]
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted))
      return this.#refuse('another token: `control.token` has to be the same on all nodes')
    return { send: [], end: { kind: 'peer', peer } }
  }

  #proofOf(dialed: boolean): string {
    const ours = dialed === this.#dialed
    const [first, second] = ours ? [this.#own, this.#theirs] : [this.#theirs, this.#own]
    return createHmac('sha256', this.#secret)
      .update(`budao link ${dialed ? 'dialed' : 'accepted'}\n${first}\n${second}`)
      .digest('base64url')
  }

  #refuse(why: string): HandshakeStep {
    const node = this.#peer?.node ?? null
    return { send: [JSON.stringify({ t: 'refuse', why })], end: { kind: 'refused', node, why } }
  }
}

function refusal(line: string): string | null {
  const frame = parseFrame(line)
  return typeof frame !== 'string' && frame.t === 'refuse' ? frame.why : null
}

function protocolOf(line: string): unknown {
  try {
    return (JSON.parse(line) as { proto?: unknown }).proto
  } catch {
    return undefined
  }
}
