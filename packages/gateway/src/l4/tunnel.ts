import type { Socket } from 'node:net'
import { failure, ignored, mayRetry, success, type BreakerOutcome } from '@budao/resilience'
import type { ListenerConfig } from '@budao/model'
import type { Entrant } from '../service/admission.ts'
import { plainAddress, type Arrival } from '../client/arrival.ts'
import type { ClientConnection } from '../client/client-connection.ts'
import { plainTerms } from '../exchange/call-terms.ts'
import type { DataPlane } from '../threads/data-plane.ts'
import { chooseEndpoint, type HashedBy } from '../upstream/endpoint-choice.ts'
import { readRaw, resumeRaw } from '../client/raw-reader.ts'
import { RawWriter } from '../client/raw-writer.ts'
import { PASSED_OVER_MAX } from '../upstream/retry-time.ts'
import type { Runtime } from '../threads/runtime.ts'
import type { Endpoint, Service } from '../service/service.ts'
import type { Timed } from '../threads/timer-wheel.ts'
import { tlsProblem } from '../tls/upstream-tls.ts'
import type { UpstreamPool } from '../upstream/upstream-pool.ts'
import { CLIENT_HELLO_BYTES_MAX, fatalAlert, readClientHello } from './client-hello.ts'
import { proxyHeaderV1, proxyHeaderV2, type ProxiedPair } from './proxy-header.ts'
import { SniRoutes } from './sni-routes.ts'

/**
 * greeting    the client's TLS greeting is awaited, which says whom it wants
 * waiting     the service has no place yet
 * connecting  an endpoint has been asked; nothing of the client has been passed on
 * open        bytes go both ways
 * closed      for good
 */
type State = 'greeting' | 'waiting' | 'connecting' | 'open' | 'closed'

/**
 * One connection of a client that is carried to an endpoint as bytes. Another endpoint is tried as long as none has
 * accepted; from then on the two share their fate.
 */
export class Tunnel implements ClientConnection, HashedBy, Entrant, Timed {
  deadlineAt: number = Infinity
  wheelTick: number = -1
  rank: number = plainTerms.priority
  waitingSince = 0
  readonly listener: ListenerConfig
  readonly clientIp: string
  /** A tunnel has no request to hash: endpoints are chosen by the client's address. */
  readonly query = ''
  readonly release = ''
  readonly shadow = null
  readonly #plane: DataPlane
  readonly #arrival: Arrival
  readonly #client: Socket
  readonly #toClient: RawWriter
  #state: State = 'connecting'
  /** What came before an endpoint had accepted. */
  #early: Buffer | null = null
  #clientEnded = false
  #upstreamEnded = false
  #service: Service | null = null
  #servicePermit = 0
  /** Counted among those in flight at the service. */
  #counted = false
  /** Counted among those under way at the endpoint. */
  #loads = false
  readonly #tried: number[] = []
  #endpoint: Endpoint | null = null
  #index = -1
  #permit = 0
  #beganAt: number
  #attemptAt = 0
  #pool: UpstreamPool | null = null
  #upstream: Socket | null = null
  #toUpstream: RawWriter | null = null
  /** Connected, and the TLS handshake with the endpoint under way. */
  #shaking = false
  #runtime: Runtime
  #endsAt: number

  constructor(plane: DataPlane, arrival: Arrival) {
    const { socket, listener } = arrival
    this.#plane = plane
    this.#arrival = arrival
    this.#client = socket
    this.listener = listener
    this.clientIp = arrival.address
    this.#beganAt = plane.clock.now()
    this.#endsAt = this.#beganAt + (listener.tcp.maxDuration ?? Infinity)
    this.#runtime = plane.runtime
    this.#toClient = new RawWriter(socket, () => this.#upstream?.resume())
    readRaw(socket, plane.buffer, (bytes, length) => this.#onClientBytes(bytes, length))
    socket.on('end', () => this.#onClientEnd())
    socket.on('error', () => this.#onClosed('client'))
    socket.on('close', () => this.#onClosed('client'))
  }

  start(early: Buffer | null): void {
    this.#early = early
    if (this.listener.protocol === 'tcp') return this.#begin(this.listener.service!)
    this.#state = 'greeting'
    this.#setDeadline(this.#beganAt + this.listener.limits.headTimeout)
    if (early !== null) this.#greet()
    // What was read with a PROXY header may not have been all.
    resumeRaw(this.#client)
  }

  header(): undefined {
    return undefined
  }

  /** Only the end of the process ends it: nobody knows where a protocol may be interrupted. */
  drain(): void {}

  /** Ends it at once. */
  destroy(): void {
    this.#finish()
  }

  /** Another snapshot is in force: it counts there from now on, for the memory of the old one is given away. */
  onSnapshot(runtime: Runtime): void {
    if (this.#state !== 'open' || runtime === this.#runtime) return
    this.#runtime = runtime
    const [service, address] = [this.#service!, this.#endpoint!.address]
    this.#uncount()
    const next = runtime.services.get(service.name)
    const endpoint = next?.endpoints.find((each) => each.address === address)
    if (next === undefined || endpoint === undefined) return
    this.#service = next
    this.#endpoint = endpoint
    endpoint.load.carryOver()
    this.#loads = true
    this.#counted = next.carryOver()
  }

  onDeadline(now: number): void {
    switch (this.#state) {
      case 'greeting':
        return this.#refuse('decode_error')
      case 'waiting':
        return this.#fail()
      case 'connecting':
        if (this.#shaking) this.#pool!.onTlsFailed('the handshake was not done in time')
        return this.#onConnectFailed(now)
      case 'open':
        return this.#finish()
      case 'closed':
    }
  }

  onAdmitted(permit: number, now: number): void {
    this.#state = 'connecting'
    this.#servicePermit = permit
    this.#counted = true
    this.#try(now)
  }

  onTurnedAway(): void {
    this.#state = 'connecting'
    this.#fail()
  }

  #begin(name: string): void {
    const service = this.#plane.runtime.services.get(name)
    if (service === undefined) return this.#fail()
    this.#state = 'connecting'
    this.#runtime = this.#plane.runtime
    this.#service = service
    this.#beganAt = this.#plane.clock.now()
    this.#setDeadline(this.#beganAt + service.config.timeouts.request)
    const permit = service.enter(this, plainTerms, this.#beganAt)
    if (typeof permit === 'number') this.onAdmitted(permit, this.#beganAt)
    else if (permit === 'waiting') this.#state = 'waiting'
    else this.#fail()
  }

  #try(now: number): void {
    const service = this.#service!
    const index = chooseEndpoint(service, service.setOfTunnels(now), this, now, this.#tried)
    if (index === -1) return this.#giveUp(failure, now)
    const endpoint = service.endpoints[index]!
    this.#endpoint = endpoint
    this.#index = index
    this.#permit = service.admitted
    this.#attemptAt = now
    this.#shaking = false
    endpoint.load.enter()
    this.#loads = true
    const pool = endpoint.pool!
    const dialed = pool.dial((length) => this.#onUpstreamBytes(length))
    if (dialed === null) {
      this.#endAttempt(null, ignored, now)
      return this.#giveUp(ignored, now)
    }
    this.#pool = pool
    this.#listen(dialed)
    this.#setDeadline(now + pool.connectMs)
  }

  #listen(upstream: Socket): void {
    this.#upstream = upstream
    const mine = (): boolean => this.#upstream === upstream
    const { tls } = this.#pool!
    upstream.on(tls === null ? 'connect' : 'secureConnect', () => mine() && this.#onConnected(upstream))
    if (tls !== null) {
      upstream.on('connect', () => {
        if (!mine()) return
        this.#shaking = true
        this.#setDeadline(this.#plane.clock.now() + tls.handshakeMs)
      })
    }
    upstream.on('end', () => mine() && this.#onUpstreamEnd())
    upstream.on('error', (error) => mine() && this.#onClosed('upstream', error))
    upstream.on('close', () => mine() && this.#onClosed('upstream'))
  }

  #onConnected(upstream: Socket): void {
    const now = this.#plane.clock.now()
    const service = this.#service!
    // Nothing more can be known of an endpoint whose protocol nobody here reads.
    service.record(this.#index, this.#permit, true, success, now - this.#attemptAt, now)
    this.#endpoint!.load.observe(now - this.#attemptAt, now)
    service.settle(this.#servicePermit, success, now - this.#beganAt, now)
    this.#state = 'open'
    this.onSnapshot(this.#plane.runtime)
    this.#setDeadline(now + this.listener.tcp.idle)
    const writer = new RawWriter(upstream, () => resumeRaw(this.#client))
    this.#toUpstream = writer
    const { proxyProtocol } = service.config
    if (proxyProtocol !== undefined) {
      const header = proxyProtocol === 'v1' ? proxyHeaderV1 : proxyHeaderV2
      writer.bytes(header(this.#arrival.pair ?? pairOf(this.#client)))
    }
    const early = this.#early
    this.#early = null
    if (early !== null) writer.bytes(early)
    if (early !== null) this.#count('bytesIn', early.length)
    if (this.#clientEnded) upstream.end()
    else if (!writer.needsDrain) resumeRaw(this.#client)
  }

  #onConnectFailed(now: number): void {
    const service = this.#service!
    this.#dropUpstream()
    this.#endAttempt(false, failure, now)
    this.#tried.push(this.#index)
    const { retry, timeouts } = service.config
    const verdict = mayRetry({
      method: '',
      kind: 'connect-failure',
      on: retry.on,
      retries: this.#tried.length - 1,
      // A second round would only ask the same endpoints again.
      retriesMax: retry.attempts === 0 ? 0 : Math.min(service.endpoints.length - 1, PASSED_OVER_MAX),
      deadlineAt: this.#beganAt + timeouts.request,
      now,
    })
    if (verdict === 'retry' && service.budget.withdraw(now)) this.#try(now)
    else this.#giveUp(failure, now)
  }

  #onClientBytes(bytes: Buffer, length: number): boolean {
    if (this.#state === 'closed') return false
    if (this.#state !== 'open') {
      const fresh = Buffer.from(bytes.subarray(0, length))
      this.#early = this.#early === null ? fresh : Buffer.concat([this.#early, fresh])
      if (this.#state === 'greeting') this.#greet()
      // Once it is known whom the client wants, nothing is read until there is somebody to give it to.
      return (this.#state as State) === 'greeting'
    }
    this.#moved()
    this.#count('bytesIn', length)
    return this.#toUpstream!.copy('', bytes, 0, length)
  }

  #onUpstreamBytes(length: number): boolean {
    if (this.#state !== 'open') return true
    this.#moved()
    this.#count('bytesOut', length)
    if (!this.#toClient.copy('', this.#plane.buffer, 0, length)) this.#upstream!.pause()
    return true
  }

  #greet(): void {
    const early = this.#early!
    const result = readClientHello(early)
    if (result.kind === 'partial' && early.length < 2 * CLIENT_HELLO_BYTES_MAX) return
    if (result.kind !== 'hello') return this.#refuse('decode_error')
    const service = new SniRoutes(this.listener.sni!).find(result.serverName)
    if (service === null) return this.#refuse('unrecognized_name')
    this.#begin(service)
  }

  #onClientEnd(): void {
    this.#clientEnded = true
    if (this.#state === 'greeting') return this.#finish()
    if (this.#state === 'open') this.#upstream!.end()
  }

  #onUpstreamEnd(): void {
    if (this.#state !== 'open') return this.#onClosed('upstream')
    this.#upstreamEnded = true
    this.#client.end()
  }

  #onClosed(side: 'client' | 'upstream', error?: Error): void {
    if (this.#state === 'closed') return
    if (this.#state === 'connecting' && side === 'upstream') {
      if (this.#shaking) this.#pool!.onTlsFailed(tlsProblem(error))
      return this.#onConnectFailed(this.#plane.clock.now())
    }
    // Both sides have said all they had to: each closes by itself when it has been read.
    const done = this.#clientEnded && this.#upstreamEnded && error === undefined
    if (done && !(this.#client.destroyed && this.#upstream!.destroyed)) return
    this.#finish()
  }

  /** The first endpoint would have to understand what it cannot: the client is told so in its own protocol. */
  #refuse(alert: 'unrecognized_name' | 'decode_error'): void {
    this.#count('unmatched', 1)
    this.#client.end(fatalAlert(alert))
    this.#leave()
    this.#client.destroySoon()
  }

  #giveUp(outcome: BreakerOutcome, now: number): void {
    const service = this.#service!
    service.settle(this.#servicePermit, outcome, now - this.#beganAt, now)
    this.#uncount()
    this.#fail()
  }

  /** Nobody takes the connection: a reset says so better than an end, which could be taken for an empty answer. */
  #fail(): void {
    this.#count('failed', 1)
    this.#finish()
  }

  #finish(): void {
    if (this.#state === 'closed') return
    const now = this.#plane.clock.now()
    if (this.#state === 'waiting') this.#service!.admission!.abandon(this)
    if (this.#state === 'connecting' && this.#upstream !== null) {
      this.#endAttempt(null, ignored, now)
      this.#service!.settle(this.#servicePermit, ignored, now - this.#beganAt, now)
    }
    this.#uncount()
    this.#leave()
    this.#dropUpstream()
    // A reset behind an end that is still leaving would leave Node's handle open for ever (libuv refuses it, and Node
    // takes the handle for closing).
    if (this.#upstreamEnded || 'encrypted' in this.#client) this.#client.destroy()
    else this.#client.resetAndDestroy()
  }

  #leave(): void {
    this.#state = 'closed'
    this.#early = null
    this.#plane.wheel.cancel(this)
    this.#plane.onClientClosed(this)
  }

  #dropUpstream(): void {
    const upstream = this.#upstream
    if (upstream === null) return
    this.#upstream = null
    upstream.destroy()
    this.#pool!.giveBack()
  }

  /** Of an attempt that did not lead to a connection. */
  #endAttempt(ok: boolean | null, outcome: BreakerOutcome, now: number): void {
    this.#endpoint!.load.leave()
    this.#loads = false
    this.#service!.record(this.#index, this.#permit, ok, outcome, now - this.#attemptAt, now)
  }

  #uncount(): void {
    if (this.#loads) this.#endpoint!.load.leave()
    if (this.#counted) this.#service!.exit(this.#plane.clock.now())
    this.#loads = false
    this.#counted = false
  }

  #moved(): void {
    this.#setDeadline(this.#plane.clock.now() + this.listener.tcp.idle)
  }

  #setDeadline(at: number): void {
    this.deadlineAt = Math.min(at, this.#endsAt)
    this.#plane.wheel.schedule(this)
  }

  #count(field: 'bytesIn' | 'bytesOut' | 'unmatched' | 'failed', by: number): void {
    this.#plane.listenerMetrics.add(this.listener.name, field, by)
  }
}

function pairOf(socket: Socket): ProxiedPair {
  return {
    sourceAddress: plainAddress(socket.remoteAddress ?? ''),
    sourcePort: socket.remotePort ?? 0,
    targetAddress: plainAddress(socket.localAddress ?? ''),
    targetPort: socket.localPort ?? 0,
  }
}
