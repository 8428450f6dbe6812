import type { Socket } from 'node:net'
import { createServer, type Server } from 'node:tls'
import type { NodeReport } from '@budao/model'
import type { ProbeOutcome } from '@budao/resilience'
import type { Frame, Question } from './frames.ts'
import type { Asked } from './link.ts'
import { LinkGate } from './link-gate.ts'
import { LinkTls } from './link-tls.ts'
import { PeerLink, shakeHands, type LinkWorld, type PeerAddress } from './peer-link.ts'

/** Connections that have not yet proved who they are: more are not taken, and none has longer. */
const strangersMax = 64
const strangerMs = 2_000

/** The links of one node with all others: one each, made by whichever side can. */
export class Links {
  /** What a drill closes. */
  readonly gate: LinkGate
  readonly #world: LinkWorld
  readonly #peers: Map<string, PeerLink>
  readonly #server: Server
  /** By where they come from, which is the same below TLS and above it. */
  readonly #strangers: Map<string, Socket> = new Map()
  readonly #timer: NodeJS.Timeout

  /** Listens, and begins to dial. Rejects where it cannot listen. */
  static async open(
    listen: { readonly host: string; readonly port: number },
    peers: readonly PeerAddress[],
    beatMs: number,
    world: LinkWorld,
  ): Promise<Links> {
    const tls = new LinkTls(world.secret)
    const server = createServer(tls.server)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(listen, () => {
        server.off('error', reject)
        resolve()
      })
    })
    return new Links(server, tls, peers, beatMs, world)
  }

  private constructor(
    server: Server,
    tls: LinkTls,
    peers: readonly PeerAddress[],
    beatMs: number,
    world: LinkWorld,
  ) {
    const gate = world.gate ?? new LinkGate(() => world.now())
    this.gate = gate
    this.#world = world
    this.#server = server
    this.#peers = new Map(peers.map((address) => [address.node, new PeerLink(address, world, gate, tls)]))
    server.on('connection', (socket) => this.#bound(socket))
    server.on('secureConnection', (socket) => this.#welcome(socket))
    server.on('error', () => undefined)
    this.#timer = setInterval(() => this.#beat(), beatMs)
    this.#timer.unref()
  }

  /** Nodes that there is a link with. */
  *connected(): Generator<PeerLink> {
    for (const peer of this.#peers.values()) if (peer.peer !== null) yield peer
  }

  get(node: string): PeerLink | undefined {
    return this.#peers.get(node)
  }

  /** To every node there is a link with. */
  tellAll(frame: Frame): void {
    for (const peer of this.connected()) peer.send(frame)
  }

  /** Never rejects. */
  ask(node: string, question: Question, timeoutMs: number): Promise<Asked> {
    return this.#peers.get(node)?.ask(question, timeoutMs) ?? Promise.resolve({ kind: 'gone' })
  }

  probe(node: string, timeoutMs: number): Promise<ProbeOutcome> {
    return this.#peers.get(node)?.probe(timeoutMs) ?? Promise.resolve('failed')
  }

  report(node: string): ReturnType<PeerLink['report']> | null {
    return this.#peers.get(node)?.report(this.#world.now()) ?? null
  }

  /** How many of the links are in which state. */
  counts(): Record<NodeReport['link'], number> {
    const counts = { self: 0, up: 0, silent: 0, down: 0, refused: 0 }
    for (const peer of this.#peers.values()) counts[peer.report(this.#world.now()).link]++
    return counts
  }

  /** Says good-bye to everybody. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.gate.open()
    for (const peer of this.#peers.values()) peer.close()
    for (const socket of this.#strangers.values()) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #beat(): void {
    const now = this.#world.now()
    for (const peer of this.#peers.values()) peer.beat(now)
  }

  /** Whoever has connected has a while to show the key, and to say who it is. */
  #bound(socket: Socket): void {
    if (this.#strangers.size >= strangersMax) return void socket.destroy()
    const from = originOf(socket)
    this.#strangers.set(from, socket)
    const timer = setTimeout(() => {
      if (this.#strangers.get(from) === socket) socket.destroy()
    }, strangerMs)
    timer.unref()
    socket.once('close', () => {
      clearTimeout(timer)
      if (this.#strangers.get(from) === socket) this.#strangers.delete(from)
    })
  }

  /** It has the key. */
  #welcome(socket: Socket): void {
    // Without a listener for them errors of a connection would end the process.
    socket.on('error', () => undefined)
    const from = originOf(socket)
    // Nobody who comes is known yet, and none comes through: a stranger is left to wait.
    if (this.gate.leftMs > 0) return
    shakeHands(socket, this.#world, {
      expects: ({ node, domain }) => {
        const peer = this.#peers.get(node)
        if (peer === undefined)
          return `${node} is no node that ${this.#world.self.node} knows: see \`control.peers\``
        if (peer.address.domain !== domain)
          return `${node} says it stands at ${domain}, \`control.peers\` of ${this.#world.self.node} says ${peer.address.domain}`
        return null
      },
      done: (result) => {
        this.#strangers.delete(from)
        if (result.kind === 'peer') this.#peers.get(result.peer.node)!.open(result.peer, false, result.socket)
        else if (result.node !== null) this.#peers.get(result.node)?.refuse(result.why)
      },
    })
  }
}

function originOf({ remoteAddress, remotePort }: Socket): string {
  return `${String(remoteAddress)} ${String(remotePort)}`
}
