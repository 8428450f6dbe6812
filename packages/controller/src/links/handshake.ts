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
  /** `peer`: both are welcome. `refused`: by us, and the other side is told why. `turned-away`: by the other side. */
  readonly end?:
    | { readonly kind: 'peer'; readonly peer: Hello }
    | { readonly kind: 'refused'; readonly node: string | null; readonly why: string }
    | { readonly kind: 'turned-away'; readonly node: string | null; readonly why: string }
}

/**
 * How two nodes that both have the key find out that they may talk: each says who it is, and then that the other is welcome. A link begins when both
 * have, so that both know of a refusal.
 */
export class Handshake {
  readonly #own: string
  readonly #expects: (hello: Hello) => string | null
  #peer: Hello | null = null

  /** `expects` says why a node is not welcome, null where it is. */
  constructor(self: NodeIdentity, expects: (hello: Hello) => string | null) {
    this.#expects = expects
    const hello: Hello = { t: 'hello', proto: linkProtocol, ...self }
    this.#own = JSON.stringify(hello)
  }

  /** The first line. */
  get hello(): string {
    return this.#own
  }

  take(line: string): HandshakeStep {
    return this.#peer === null ? this.#hello(line) : this.#welcome(line, this.#peer)
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
    const unwelcome = this.#expects(peer)
    if (unwelcome !== null) return this.#refuse(unwelcome, peer.node)
    this.#peer = peer
    return { send: [JSON.stringify({ t: 'welcome' })] }
  }

  #welcome(line: string, peer: Hello): HandshakeStep {
    const away = refusal(line)
    if (away !== null) return { send: [], end: { kind: 'turned-away', node: peer.node, why: away } }
    const frame = parseFrame(line)
    if (typeof frame === 'string' || frame.t !== 'welcome')
      return this.#refuse('no welcome came after the hello', peer.node)
    return { send: [], end: { kind: 'peer', peer } }
  }

  #refuse(why: string, node: string | null = null): HandshakeStep {
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
