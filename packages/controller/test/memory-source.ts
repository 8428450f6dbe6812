import type {
  AccessToken,
  ChannelChange,
  ChannelChangeResult,
  ChannelListReport,
  CachePurge,
  DirectoryResult,
  DrillsReport,
  DrainTarget,
  DrainWish,
  EndpointRegistration,
  EventDraft,
  GatewayReport,
  GslbExplanation,
  GslbReport,
} from '@budao/model'
import { sampleEndpoint, sampleService, sampleSite } from '@budao/testkit'
import type { FailoverDesk } from '../src/failover-desk.ts'
import type { AdminSource, BreakerRequest, DrillDesk, ReloadResult } from '../src/admin-source.ts'
import { EventLog } from '../src/event-log.ts'

/** A gateway that exists only in memory: one service at two sites, everything up until a test says otherwise. */
export class MemorySource implements AdminSource {
  readonly events: EventLog
  readonly forced: BreakerRequest[] = []
  current: GatewayReport = twoSites()
  isReady = true
  reloadResult: ReloadResult = { ok: true, version: 2 }
  reloads = 0
  /** Thrown by the next report when set. */
  failure: Error | undefined

  constructor(events: EventLog) {
    this.events = events
  }

  async report(): Promise<GatewayReport> {
    if (this.failure !== undefined) throw this.failure
    return this.current
  }

  metrics(): string {
    return '# TYPE budao_requests_total counter\nbudao_requests_total 7\n'
  }

  desk: FailoverDesk | null = null

  failover(): FailoverDesk | null {
    return this.desk
  }

  dnsReport: GslbReport | null = null

  dns(): GslbReport | null {
    return this.dnsReport
  }

  mutedMs: number | null = null

  drills(): DrillDesk {
    const drills: DrillsReport = {
      open: null,
      schedule: [
        {
          name: 'weekly',
          scenario: 'hang',
          site: 'east',
          nextAt: '2026-12-01T02:30:00.000Z',
          nextLocal: 'tue 2026-12-01 10:30 Asia/Shanghai',
          blocked: false,
          last: null,
        },
      ],
      drills: [],
      current: null,
    }
    return {
      overview: () => drills,
      report: (id) => (id === 'known' ? '{"schema":1}' : null),
      page: (id) => (id === 'known' ? '<!doctype html>' : null),
      check: async (wish) => {
        this.asked.push(wish)
        return { ready: true, checks: [], problem: '' }
      },
      start: (wish) => this.asked.push(wish) < 3,
      abort: () => true,
    }
  }

  muteDns(forMs: number): boolean {
    this.mutedMs = forMs
    return this.dnsReport !== null
  }

  explainDns(): GslbExplanation | null {
    return null
  }

  starting: () => boolean = () => false

  ready(): boolean {
    return this.isReady
  }

  async reload(): Promise<ReloadResult> {
    this.reloads++
    return this.reloadResult
  }

  forceBreaker(request: BreakerRequest): void {
    this.forced.push(request)
  }

  /** What was asked for about endpoints, and the answer to it. */
  readonly asked: unknown[] = []
  directoryResult: DirectoryResult = { ok: true, effect: 'created', snapshot: 2, leaseMs: 30_000 }

  async registerEndpoint(registration: EndpointRegistration): Promise<DirectoryResult> {
    this.asked.push(registration)
    return this.directoryResult
  }

  renewEndpoint(service: string, address: string): DirectoryResult {
    this.asked.push(['renew', service, address])
    return this.directoryResult
  }

  async deregisterEndpoint(service: string, address: string, wish: DrainWish): Promise<DirectoryResult> {
    this.asked.push(['deregister', service, address, wish])
    return this.directoryResult
  }

  async drain(target: DrainTarget, wish: DrainWish): Promise<DirectoryResult> {
    this.asked.push(['drain', target, wish])
    return this.directoryResult
  }

  async undrain(target: DrainTarget, reason: string): Promise<DirectoryResult> {
    this.asked.push(['undrain', target, reason])
    return this.directoryResult
  }

  /** What purges are answered with. */
  purgeResult: number | Error = 7

  async purgeCache(purge: CachePurge): Promise<number> {
    this.asked.push(['purge', purge])
    if (this.purgeResult instanceof Error) throw this.purgeResult
    return this.purgeResult
  }

  channelResult: ChannelChangeResult = { ok: true, version: 4 }

  channels(): readonly ChannelListReport[] {
    const order = ['https://a.example.com']
    return [{ route: 'channels', version: 3, order, expiresInSeconds: 3_000, changeable: true }]
  }

  async setChannels(route: string, change: ChannelChange): Promise<ChannelChangeResult> {
    this.asked.push(['channels', route, change])
    return this.channelResult
  }

  token: AccessToken | null = { token: 'platform-token', expiresAt: 1_795_000_000_000 }

  accessToken(provider: string): AccessToken | null | undefined {
    return provider === 'app' ? this.token : undefined
  }

  record(event: EventDraft): void {
    this.events.append(event)
  }

  config(): unknown {
    return { version: 1, admin: { tokens: { viewer: '***', operator: '***' } } }
  }
}

/** A full report: the shop at east and west, all up. */
export function twoSites(): GatewayReport {
  return {
    node: { name: 'gw-1', site: 'east' },
    version: '0.1.0',
    startedAt: '2026-01-01T00:00:00.000Z',
    state: 'serving',
    snapshot: { version: 1, appliedAt: '2026-01-01T00:00:00.000Z', source: 'budao.yaml' },
    refused: null,
    workers: [{ id: 0, state: 'serving', restarts: 0 }],
    listeners: [{ name: 'web', address: '0.0.0.0:8080', protocol: 'http' }],
    certificates: [
      {
        listener: 'webs',
        source: 'tls/site.crt',
        hosts: ['shop.example'],
        issuer: 'Test CA',
        expiresAt: '2026-02-01T00:00:00.000Z',
        expiresInSeconds: 2_678_400,
      },
    ],
    sites: [sampleSite('east', { requestsPerSecond: 120.5 }), sampleSite('west', { requestsPerSecond: 118 })],
    services: [
      sampleService([sampleEndpoint('127.0.0.1:7001', 'east'), sampleEndpoint('127.0.0.1:7101', 'west')]),
    ],
    routes: [
      {
        name: 'shop-api',
        requestsTotal: 12_000,
        requestsPerSecond: 238.5,
        status: { '2xx': 11_990, '3xx': 0, '4xx': 10, '5xx': 0 },
        retries: 2,
        fallbacks: 0,
        p50Ms: 3.2,
        p99Ms: null,
      },
    ],
    names: [],
    drains: [],
    connections: { downstream: 20, upstream: 8, upstreamIdle: 5 },
    rateWindowMs: 5_000,
    requestsPerSecond: 238.5,
    requestsTotal: 12_000,
  }
}
