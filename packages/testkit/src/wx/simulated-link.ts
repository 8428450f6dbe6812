import type { SeededDraws } from '../random.ts'
import type { Served, SimulatedServer } from './simulated-server.ts'
import type { TimeSource } from './virtual-time.ts'
import type { WxFailureKind } from './wx-failures.ts'
import type { WxCarrier, WxCarrierUser, WxNotes, WxSent } from './wx-network.ts'

/** What the air between one phone and the servers does. All of it may change at any moment. */
export interface LinkQuality {
  /** A round trip takes between the two. Milliseconds. */
  rttMs: readonly [least: number, most: number]
  /** Share of requests that get through whole; the others are lost on the way there or back, in silence or by a reset. */
  success: number
  /** Share of packets lost in each direction: TCP sends them again, later and later. */
  packetLoss: number
  /** Somebody's login page instead of every answer. */
  portal: string | undefined
  /** Share of answers that end in the middle although they look complete. */
  truncated: number
  /** Share of lost answers for which the phone's native stack sends the request again by itself. */
  nativeRetry: number
}

const good: Readonly<LinkQuality> = {
  rttMs: [40, 80],
  success: 1,
  packetLoss: 0,
  portal: undefined,
  truncated: 0,
  nativeRetry: 0,
}

/** Kept connections close when they were idle for that long. */
const KEPT_MS = 60_000
/** The first retransmission, then doubled: RFC 6298. */
const RTO_MS = 1_000

/** The network of one phone, drawn from a seed. A sent request is at the server also when its sender has gone. */
export class SimulatedLink implements WxCarrier {
  /** May be changed at any moment. */
  readonly quality: LinkQuality
  /** Requests that left the phone. */
  carried = 0
  readonly #time: TimeSource
  readonly #draws: SeededDraws
  readonly #servers: ReadonlyMap<string, SimulatedServer>
  /** When a connection to an origin was last used. */
  readonly #kept: Map<string, number> = new Map()

  constructor(
    time: TimeSource,
    draws: SeededDraws,
    servers: readonly SimulatedServer[],
    quality: Partial<LinkQuality> = {},
  ) {
    this.#time = time
    this.#draws = draws
    this.#servers = new Map(servers.map((server) => [server.origin, server]))
    this.quality = { ...good, ...quality }
  }

  carry(request: WxSent, user: WxCarrierUser): () => void {
    this.carried++
    const [, origin = '', path = '/'] = /^(https:\/\/[^/?#]+)(.*)$/.exec(request.url) ?? []
    const server = this.#servers.get(origin)
    const sentAt = this.#time.now()
    const kept = this.#kept.get(origin) ?? -Infinity
    const reused = sentAt - kept < KEPT_MS && server?.condition !== 'unresolved'
    let gone = false
    const later = (ms: number, run: () => void): void =>
      void this.#time.after(ms, () => {
        if (!gone) run()
      })
    const fail = (kind: WxFailureKind, notes?: WxNotes): void => {
      if (gone) return
      gone = true
      this.#kept.delete(origin)
      user.onFailure(kind, notes)
    }
    if (server === undefined || server.condition === 'unresolved') {
      later(this.#rtt(), () => fail('dns'))
      return () => (gone = true)
    }
    // Name, connection, TLS: three round trips.
    const connectMs = reused ? 0 : this.#rtt() + this.#rtt() + this.#rtt()
    const connectedAt = sentAt + connectMs
    const notes: WxNotes = {
      domainLookUpStart: sentAt,
      domainLookUpEnd: sentAt + connectMs / 3,
      connectStart: sentAt + connectMs / 3,
      connectEnd: connectedAt,
      SSLconnectionStart: sentAt + (2 * connectMs) / 3,
      SSLconnectionEnd: connectedAt,
      requestStart: connectedAt,
      socketReused: reused,
      protocol: 'h2',
    }
    later(connectMs, () => this.#send(server, origin, path, request, user, notes, fail, () => gone))
    return () => {
      gone = true
    }
  }

  #send(
    server: SimulatedServer,
    origin: string,
    path: string,
    request: WxSent,
    user: WxCarrierUser,
    notes: WxNotes,
    fail: (kind: WxFailureKind, notes?: WxNotes) => void,
    isGone: () => boolean,
  ): void {
    const { portal } = this.quality
    const back = this.#rtt() / 2
    if (portal !== undefined) {
      this.#time.after(back, () => {
        if (!isGone())
          user.onAnswer({ status: 200, header: { 'Content-Type': 'text/html' }, body: portal }, notes)
      })
      return
    }
    switch (server.condition) {
      case 'silent':
        return
      case 'refused':
      case 'certificate':
        return fail(server.condition)
      case 'reset':
        return void this.#time.after(back, () => fail('reset', notes))
      case 'unresolved':
        return fail('dns')
      case 'up':
      case 'failing':
        this.#kept.set(origin, this.#time.now())
    }
    const fate = this.#fate()
    const lost = (retryCount: number): void => {
      if (fate.how === 'reset') this.#time.after(back, () => fail('reset', { ...notes, retryCount }))
    }
    if (fate.where === 'there') return lost(0)
    const taken = {
      method: request.method,
      path,
      header: lowerCase(request.header),
      body: typeof request.data === 'string' ? request.data : '',
    }
    const arrive = (retryCount: number): void =>
      server.take(taken, (served) => {
        if (fate.where === 'back' && retryCount === 0) {
          if (!this.#draws.chance(this.quality.nativeRetry)) return lost(0)
          return void this.#time.after(this.#rtt(), () => arrive(1))
        }
        this.#time.after(this.#rtt() / 2, () => {
          if (!isGone()) this.#answer(served, user, { ...notes, retryCount })
        })
      })
    this.#time.after(this.#rtt() / 2, () => arrive(0))
  }

  #answer(served: Served, user: WxCarrierUser, notes: WxNotes): void {
    const { status, body = '' } = served
    const header = { 'Content-Type': 'application/json', ...served.header }
    const cut = body.length > 1 && this.#draws.chance(this.quality.truncated)
    user.onHeaders(header, status)
    const received = { status, header, body: cut ? body.slice(0, body.length >> 1) : body }
    user.onAnswer(received, { ...notes, responseStart: this.#time.now() })
  }

  #fate(): { where: 'nowhere' | 'there' | 'back'; how: 'silence' | 'reset' } {
    if (this.quality.success >= 1 || this.#draws.chance(this.quality.success))
      return { where: 'nowhere', how: 'silence' }
    return {
      where: this.#draws.chance(0.5) ? 'there' : 'back',
      how: this.#draws.chance(0.7) ? 'silence' : 'reset',
    }
  }

  /** One round trip, with what has to be sent again. */
  #rtt(): number {
    const { rttMs, packetLoss } = this.quality
    let ms = rttMs[0] + this.#draws.next() * (rttMs[1] - rttMs[0])
    if (packetLoss === 0) return ms
    const through = (1 - packetLoss) ** 2
    for (let rto = RTO_MS; !this.#draws.chance(through) && rto < 64_000; rto *= 2) ms += rto
    return ms
  }
}

function lowerCase(header: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(header).map(([name, value]) => [name.toLowerCase(), value]))
}
