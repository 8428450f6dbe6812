import type { Socket } from 'node:net'
import { connect } from 'node:tls'
import type { NodeReport } from '@budao/model'
import type { HardCause, ProbeOutcome } from '@budao/resilience'
import { Handshake, type NodeIdentity } from './handshake.ts'
import { helloBytesMax, type Answer, type Frame, type Hello, type Question } from './frames.ts'
import type { LinkGate } from './link-gate.ts'
import { tlsRefusal, type LinkTls } from './link-tls.ts'
import { LineSocket } from './line-socket.ts'
import { Link, type Asked } from './link.ts'

/** Between two attempts to connect: twice as long each time, up to the cap, less up to a half by chance. */
const redialMs = 100
const redialMaxMs = 2_000
/** Until a connection is there, with its key, and both have said who they are. */
const connectMs = 2_000
/** A link whose beats nobody echoes is broken off and made anew: what was sent into a black hole stays there. */
const silentMs = 5_000

/** A node as the configuration names it. */
export interface PeerAddress {
  readonly node: string
  readonly host: string
  readonly port: number
  readonly domain: string
  readonly site: string | null
}

/** What the links of a node have to do with. */
export interface LinkWorld {
  readonly self: NodeIdentity
  readonly secret: string
  /** What a drill closes; absent: nobody does. */
  readonly gate?: LinkGate
  now(): number
  readonly random: { next(): number }
  /** Whether the loop that serves has moved lately. */
  serves(): boolean
  question(from: Hello, question: Question): Promise<Answer | undefined>
  opinions(from: Hello, frame: Extract<Frame, { t: 'opinions' }>): void
  opened(peer: Hello): void
  /** `gone`: the kernel’s word that the process is, or its own. */
  ended(peer: Hello, cause: HardCause | null, why: string, leaves: boolean): void
  echoed(node: string, rttMs: number): void
  /** Another node, or this one, said no. */
  refused(node: string, why: string): void
}

/** The link with one node, over whatever connection it has: dials while there is none, keeps one of two. */
export class PeerLink {
  readonly address: PeerAddress
  readonly #world: LinkWorld
  readonly #gate: LinkGate
  readonly #tls: LinkTls
  /** Given up while cut off, and open until the cut is over: the other side must not learn from us that it was. */
  readonly #parked: Set<Link> = new Set()
  #link: Link | null = null
  #dialing: Promise<ProbeOutcome> | null = null
  #attempts = 0
  #timer: NodeJS.Timeout | undefined
  #closed = false
  #since: number
  #echoedAt: number | null = null
  #openedAt = 0
  #rttMs: number | null = null
  #why = 'not connected yet'
  #refused = false

  constructor(address: PeerAddress, world: LinkWorld, gate: LinkGate, tls: LinkTls) {
    this.address = address
    this.#world = world
    this.#gate = gate
    this.#tls = tls
    gate.onOpen(() => this.#mended())
    this.#since = world.now()
    void this.#dial()
  }

  /** Of the node at the other end; null while there is no link. */
  get peer(): Hello | null {
    return this.#link?.peer ?? null
  }

  report(now: number): Pick<NodeReport, 'link' | 'sinceMs' | 'answeredMs' | 'roundTripMs' | 'why'> {
    const link = this.#state(now)
    return {
      link,
      sinceMs: now - this.#since,
      answeredMs: this.#echoedAt === null ? null : now - this.#echoedAt,
      roundTripMs: this.#rttMs,
      why: link === 'up' ? '' : link === 'silent' ? 'connected, and beats are not answered' : this.#why,
    }
  }

  send(frame: Frame): boolean {
    return this.#link?.send(frame) ?? false
  }

  /** Never rejects. */
  ask(question: Question, timeoutMs: number): Promise<Asked> {
    return this.#link?.ask(question, timeoutMs) ?? Promise.resolve({ kind: 'gone' })
  }

  /** One beat now, and what is broken is broken off. */
  beat(now: number): void {
    if (this.#link === null) return
    const heardAt = Math.max(this.#echoedAt ?? 0, this.#openedAt)
    if (now - heardAt <= silentMs) this.#link.beat()
    else if (this.#gate.cuts(this.address.node)) this.#park(this.#link)
    else this.#link.destroy(`no beat was answered for ${silentMs} ms`)
  }

  /** Whether somebody is there: a beat over the link, or another attempt to connect. Never rejects. */
  async probe(timeoutMs: number): Promise<ProbeOutcome> {
    const link = this.#link
    if (link !== null) {
      const asked = await link.probe(timeoutMs)
      if (asked !== 'gone') return asked
    }
    this.#attempts = Math.min(this.#attempts, 1)
    const { promise: late, resolve } = Promise.withResolvers<ProbeOutcome>()
    const timer = setTimeout(() => resolve('failed'), timeoutMs)
    timer.unref()
    const outcome = await Promise.race([this.#dial(), late])
    clearTimeout(timer)
    return outcome
  }

  /**
   * A proved connection with the node of this address. Where there are two, because both dialed at once, both keep the one
   * that the node whose name sorts first has dialed; a new process, or a new connection by the same side, replaces the old.
   */
  adopt(link: Link): boolean {
    if (this.#closed) return false
    const old = this.#link
    if (old !== null && old.peer.start === link.peer.start && old.dialed !== link.dialed) {
      const ours = this.#world.self.node < this.address.node
      if (link.dialed !== ours) return false
    }
    this.#link = link
    if (old === null || old.peer.start !== link.peer.start) {
      this.#since = this.#openedAt = this.#world.now()
      this.#echoedAt = null
    }
    this.#attempts = 0
    this.#refused = false
    old?.bye(false, 'another connection took its place')
    return true
  }

  /** A connection ended; true where it was the one in use. */
  dropped(link: Link, why: string, leaves: boolean): boolean {
    if (this.#link !== link) return false
    this.#link = null
    this.#since = this.#world.now()
    this.#why = leaves ? 'it said that it leaves' : why
    this.#attempts = leaves ? 3 : 0
    this.#again()
    return true
  }

  /** No connection came about, because one side said no. */
  refuse(why: string): void {
    if (this.#link !== null) return
    if (!this.#refused) this.#since = this.#world.now()
    if (!this.#refused || this.#why !== why) this.#world.refused(this.address.node, why)
    this.#refused = true
    this.#why = why
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#link?.bye(true, 'this node stops')
  }

  #state(now: number): NodeReport['link'] {
    if (this.#link === null) return this.#refused ? 'refused' : 'down'
    return now - Math.max(this.#echoedAt ?? 0, this.#openedAt) > 1_500 ? 'silent' : 'up'
  }

  /** From the link in use. */
  echoed(link: Link, rttMs: number): void {
    if (this.#link !== link) return
    this.#echoedAt = this.#world.now()
    this.#rttMs = rttMs
    this.#world.echoed(this.address.node, rttMs)
  }

  #again(): void {
    if (this.#closed) return
    clearTimeout(this.#timer)
    const waitMs = Math.min(redialMaxMs, redialMs * 2 ** this.#attempts) * (1 - this.#world.random.next() / 2)
    this.#attempts = Math.min(this.#attempts + 1, 10)
    this.#timer = setTimeout(() => void this.#dial(), waitMs)
    this.#timer.unref()
  }

  #dial(): Promise<ProbeOutcome> {
    if (this.#link !== null || this.#closed) return Promise.resolve('answered')
    clearTimeout(this.#timer)
    this.#dialing ??= this.#connect().finally(() => {
      this.#dialing = null
      if (this.#link === null) this.#again()
    })
    return this.#dialing
  }

  /** Lets go of a link whose end would not arrive. */
  #park(link: Link): void {
    this.#parked.add(link)
    const why = `no beat was answered for ${silentMs} ms`
    if (this.dropped(link, why, false)) this.#world.ended(link.peer, null, why, false)
  }

  /** A cut is over. */
  #mended(): void {
    for (const link of this.#parked) link.bye(false, 'a drill had cut it off')
    this.#parked.clear()
    this.#attempts = 0
    if (this.#link === null) this.#again()
  }

  async #connect(): Promise<ProbeOutcome> {
    const { promise, resolve } = Promise.withResolvers<ProbeOutcome>()
    const { host, port, node } = this.address
    if (this.#gate.cuts(node)) {
      this.#why = `cut off by a drill, for ${(this.#gate.leftMs / 1000).toFixed(1)} s more`
      setTimeout(() => resolve('failed'), Math.min(connectMs, this.#gate.leftMs)).unref()
      return promise
    }
    const socket = connect({ ...this.#tls.client, host, port })
    const timer = setTimeout(() => fail(`no connection within ${connectMs} ms`), connectMs)
    timer.unref()
    const fail = (why: string, outcome: ProbeOutcome = 'failed'): void => {
      clearTimeout(timer)
      socket.destroy()
      if (this.#link === null && !this.#refused) this.#why = why
      resolve(outcome)
    }
    socket.once('error', (error: NodeJS.ErrnoException) => {
      const why = tlsRefusal(error)
      if (why === null) this.#refused = false
      else this.refuse(why)
      fail(why ?? error.message, error.code === 'ECONNREFUSED' ? 'refused' : 'failed')
    })
    socket.once('secureConnect', () =>
      shakeHands(socket, this.#world, {
        expects: (hello) =>
          hello.node === node
            ? null
            : `${hello.node} answers at the address of ${node}: \`control.peers\` is wrong`,
        done: (result) => {
          if (result.kind === 'peer') {
            clearTimeout(timer)
            resolve('answered')
            this.open(result.peer, true, result.socket)
          } else {
            if (result.kind !== 'broken') this.refuse(result.why)
            fail(result.why)
          }
        },
      }),
    )
    return promise
  }

  /** Makes the link of a proved connection, and takes it or lets it go. */
  open(peer: Hello, dialed: boolean, socket: LineSocket): void {
    const world = this.#world
    const link: Link = new Link(
      peer,
      dialed,
      socket,
      {
        echoed: (rttMs) => this.echoed(link, rttMs),
        opinions: (frame) => world.opinions(peer, frame),
        question: (question) => world.question(peer, question),
        serves: () => world.serves(),
        ended: (cause, why, leaves) => {
          this.#parked.delete(link)
          if (this.dropped(link, why, leaves)) world.ended(peer, cause, why, leaves)
        },
      },
      this.#gate,
      () => world.now(),
    )
    const before = this.#link?.peer
    if (!this.adopt(link)) return link.bye(false, 'there is another connection already')
    if (before !== undefined && before.start !== peer.start)
      world.ended(before, 'closed', 'its process was started anew', false)
    if (before?.start !== peer.start) world.opened(peer)
    link.beat()
  }
}

/** How a handshake ended. */
type Shaken =
  | { readonly kind: 'peer'; readonly peer: Hello; readonly socket: LineSocket }
  | {
      readonly kind: 'refused' | 'turned-away' | 'broken'
      readonly node: string | null
      readonly why: string
    }

/** Lets both sides of a fresh connection say who they are. Who calls it bounds the time. */
export function shakeHands(
  socket: Socket,
  { self }: Pick<LinkWorld, 'self'>,
  { expects, done }: { expects(hello: Hello): string | null; done(result: Shaken): void },
): void {
  const lines = new LineSocket(socket, helloBytesMax)
  const handshake = new Handshake(self, expects)
  let over = false
  const finish = (result: Shaken): void => {
    if (over) return
    over = true
    done(result)
  }
  lines.read({
    line: (text) => {
      if (over) return
      const { send, end } = handshake.take(text)
      for (const line of send) lines.send(line)
      if (end === undefined) return
      if (end.kind === 'peer') return finish({ kind: 'peer', peer: end.peer, socket: lines })
      finish(end)
      lines.end(end.why)
    },
    ended: (_cause, why) => finish({ kind: 'broken', node: null, why }),
  })
  lines.send(handshake.hello)
}
