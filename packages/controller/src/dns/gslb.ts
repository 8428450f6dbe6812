import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import {
  formatAddress,
  parseAddress,
  type Config,
  type EventDraft,
  type GslbConfig,
  type GslbExplanation,
  type GslbReport,
  type SiteStates,
} from '@budao/model'
import { ResponseRate, SeededRandom } from '@budao/resilience'
import { ControllerError } from '../controller-error.ts'
import { ClientPlaces } from './client-places.ts'
import { Cookies } from './cookies.ts'
import { DnsCounts } from './dns-counts.ts'
import { dnsMetrics } from './dns-metrics.ts'
import { explain } from './explain.ts'
import { GeoFiles } from './geo-files.ts'
import { HttpFront } from './http-front.ts'
import { NetworkSet } from './network-set.ts'
import { Responder, type DnsState } from './responder.ts'
import { TcpListener } from './tcp-listener.ts'
import { UdpListener } from './udp-listener.ts'
import { Withdrawal } from './withdrawal.ts'
import { ZoneBook } from './zone-book.ts'

export interface GslbOptions {
  readonly states: SiteStates
  /** Requests a second at the gateway of this process, and the site it is at. */
  traffic(): { readonly site: string; readonly requestsPerSecond: number }
  /** Relative paths in the configuration start here. */
  readonly baseDir: string
  report(event: EventDraft): void
  warn(message: string): void
}

/** The part of a configuration that DNS answers from. */
export type GslbSource = Pick<Config, 'sites'> & { readonly gslb: GslbConfig }

/** Counted with the names: what stands still is looked at so often. */
const LOOK_MS = 1_000
const FAILURE_MS = 10_000
/** A port that is free for TCP need not be for UDP. */
const BIND_ATTEMPTS = 10

/** The authoritative DNS server whose answers follow the sites. */
export class Gslb {
  readonly #options: GslbOptions
  readonly #counts = new DnsCounts()
  readonly #random = new SeededRandom(randomBytes(4).readUInt32BE())
  readonly #withdrawal = new Withdrawal()
  readonly #responder: Responder
  readonly #udp: UdpListener[] = []
  readonly #tcp: TcpListener[] = []
  readonly #listening: string[] = []
  #http: HttpFront | null = null
  #httpAddress = ''
  readonly #stop: () => void
  readonly #timer: NodeJS.Timeout
  #wake: NodeJS.Timeout | undefined
  #state: DnsState
  #failedAt = -Infinity

  /** Rejects with ControllerError: an address that cannot be bound, a file of `gslb.geo` that cannot be read. */
  static async start(source: GslbSource, options: GslbOptions): Promise<Gslb> {
    const gslb = new Gslb(await makeState(source, options, null), options)
    try {
      for (const address of source.gslb.listen) await gslb.#listen(address)
      if (source.gslb.http !== undefined) await gslb.#listenHttp(source.gslb.http.address)
    } catch (error) {
      await gslb.close()
      throw error
    }
    return gslb
  }

  private constructor(state: DnsState, options: GslbOptions) {
    this.#options = options
    this.#state = state
    this.#responder = new Responder(state, {
      counts: this.#counts,
      cookies: new Cookies(randomBytes(32)),
      random: this.#random,
      now: () => performance.now(),
      wallNow: () => Date.now(),
      onFailure: (error) => this.#onFailure(error),
    })
    this.#stop = options.states.subscribe(() => this.#observe())
    this.#timer = setInterval(() => this.#observe(), LOOK_MS).unref()
    this.#observe()
  }

  /** Makes a changed configuration ready; what is given back brings it into force. Rejects where it cannot be. */
  async prepare(source: GslbSource): Promise<() => void> {
    const state = await makeState(source, this.#options, this.#state)
    return () => {
      // Verdicts may have come meanwhile.
      for (const each of state.book.followed) {
        const old = this.#state.book.followed.find(({ name }) => name === each.name)
        if (old !== undefined) each.follow(old)
      }
      this.#state = state
      this.#responder.use(state)
      this.#observe()
    }
  }

  /** Where it listens over UDP and TCP, as `host:port`. */
  get addresses(): readonly string[] {
    return this.#listening
  }

  /** Where it answers over HTTP; empty where it does not. */
  get httpAddress(): string {
    return this.#httpAddress
  }

  report(): GslbReport {
    const now = performance.now()
    const { book } = this.#state
    const { queries, answers, ignored, limited, muted, unsent } = this.#counts
    const { site, requestsPerSecond } = this.#options.traffic()
    return {
      listening: this.#listening,
      http: this.#httpAddress,
      names: book.followed.map((each) => each.report(now)),
      zones: book.zones.map(({ name, key }) => ({ zone: name, ...book.size(key) })),
      queries: Object.values(queries).reduce((sum, count) => sum + count, 0),
      answers: { ...answers },
      dropped: ignored + limited + muted + unsent,
      withdrawn: this.#withdrawal.report(site, requestsPerSecond, now),
    }
  }

  /** As `Responder.mute`. */
  mute(forMs: number): void {
    this.#responder.mute(forMs)
  }

  /** Text in Prometheus' format 0.0.4. */
  metrics(): string {
    const connections = this.#tcp.reduce((sum, listener) => sum + listener.connections, 0)
    return dnsMetrics(this.report(), this.#counts, connections)
  }

  /** What a client would get for a name; undefined where the name does not follow the sites. */
  explain(name: string, client: string): GslbExplanation | undefined {
    return explain(this.#state, name, client, {
      random: this.#random,
      now: performance.now(),
      wallNow: () => Date.now(),
    })
  }

  async close(): Promise<void> {
    this.#stop()
    clearInterval(this.#timer)
    clearTimeout(this.#wake)
    await Promise.all([...this.#udp, ...this.#tcp].map((listener) => listener.close()))
    await this.#http?.close()
  }

  /** Looks at the sites, and again when time alone will change something. */
  #observe(): void {
    const now = performance.now()
    let next = Infinity
    for (const name of this.#state.book.followed) {
      const event = name.observe(this.#options.states, now)
      if (event !== null) this.#options.report(event)
      next = Math.min(next, name.changesAt)
    }
    this.#observeOwnSite(now)
    clearTimeout(this.#wake)
    if (next - now < LOOK_MS) this.#wake = setTimeout(() => this.#observe(), Math.max(1, next - now)).unref()
  }

  /** Said once a while: who found one way to it can come a thousand times a second. */
  #onFailure(error: unknown): void {
    const now = performance.now()
    if (now - this.#failedAt < FAILURE_MS) return
    this.#failedAt = now
    this.#options.warn(`a DNS question failed: ${error instanceof Error ? error.stack : String(error)}`)
  }

  #observeOwnSite(now: number): void {
    const { site, requestsPerSecond } = this.#options.traffic()
    const index = Object.keys(this.#state.config.sites).indexOf(site)
    const names = this.#state.book.followed.filter((name) => name.covers(index))
    const isOut = names.length > 0 && names.every(({ candidates }) => !candidates.includes(index))
    this.#withdrawal.observe(isOut, requestsPerSecond, now)
  }

  async #listen(address: string): Promise<void> {
    const { host, port } = parseAddress(address)!
    for (let attempt = 1; ; attempt++) {
      let tcp: TcpListener | undefined
      try {
        tcp = await TcpListener.open(host, port, this.#responder, this.#counts, () => this.#state.config.tcp)
        this.#udp.push(await UdpListener.open(host, tcp.port, this.#responder, this.#counts))
        this.#tcp.push(tcp)
        this.#listening.push(formatAddress({ host, port: tcp.port }))
        return
      } catch (error) {
        await tcp?.close()
        if (port === 0 && attempt < BIND_ATTEMPTS) continue
        throw unusable('gslb.listen', address, 'over UDP and TCP', error)
      }
    }
  }

  async #listenHttp(address: string): Promise<void> {
    const { host, port } = parseAddress(address)!
    try {
      this.#http = await HttpFront.open(host, port, {
        responder: this.#responder,
        config: () => this.#state.config.http!,
        book: () => this.#state.book,
      })
      this.#httpAddress = formatAddress({ host, port: this.#http.port })
    } catch (error) {
      throw unusable('gslb.http', address, 'over TCP', error)
    }
  }
}

async function makeState(
  { gslb, sites }: GslbSource,
  { baseDir }: GslbOptions,
  before: DnsState | null,
): Promise<DnsState> {
  const paths = gslb.geo.map((path) => resolve(baseDir, path))
  const geo = paths.length === 0 ? null : await GeoFiles.open(paths)
  const { rateLimit } = gslb
  const unchanged = JSON.stringify(rateLimit) === JSON.stringify(before?.config.rateLimit)
  return {
    config: gslb,
    book: new ZoneBook(gslb, sites, Math.floor(Date.now() / 1_000)),
    places: new ClientPlaces(gslb.sites, geo),
    exempt: new NetworkSet(rateLimit === false ? [] : rateLimit.exempt),
    rate:
      rateLimit === false
        ? null
        : unchanged
          ? before!.rate
          : new ResponseRate(rateLimit, randomBytes(4).readUInt32BE()),
  }
}

function unusable(key: string, address: string, how: string, error: unknown): ControllerError {
  const { code, message } = error as NodeJS.ErrnoException
  const reason =
    code === 'EADDRINUSE' ? 'something else listens there' : code === 'EACCES' ? 'not allowed to' : message
  return new ControllerError(
    'GSLB_ADDRESS_UNUSABLE',
    `${key}: cannot listen on ${address} ${how}: ${reason}`,
    'Choose another address, or end what holds it; ports below 1024 need CAP_NET_BIND_SERVICE.',
    { cause: error },
  )
}
