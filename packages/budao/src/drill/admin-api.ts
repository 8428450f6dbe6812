import type { DrillNote } from '@budao/controller'
import type {
  BudaoEvent,
  CachePurge,
  ChannelChange,
  ChannelListReport,
  DrainReport,
  DrainTarget,
  DrillsReport,
  Explanation,
  GatewayReport,
  GslbExplanation,
  GslbReport,
  UnitReport,
  LeaderReport,
  ReplicationStatus,
} from '@budao/model'
import { CliError } from '../cli-error.ts'
import { followEvents, type ServerSentEvent } from './follow-events.ts'

const timeoutMs = 5_000
/** A large cache is looked through from one end to the other. */
const purgeMs = 30_000
const pageSize = 500

/** What `/api/v1/drains` is asked for. */
export type DrainChange = DrainTarget & {
  readonly reason?: string
  readonly force?: true
  readonly undo?: true
}

/** What a drill asks of a gateway. */
export interface GatewayWitness {
  status(): Promise<GatewayReport>
  /** Position of the newest event; 0 when there is none. */
  lastSeq(): Promise<number>
  /** All events after that position, oldest first. */
  eventsAfter(seq: number): Promise<readonly BudaoEvent[]>
  /** Who may write, as this process knows it; null where nothing moves units. */
  units(): Promise<readonly UnitReport[] | null>
  /** Who leads; null: nobody, or nobody knows here. */
  leader(): Promise<string | null>
  /** What it answers DNS with; rejects where it answers none. */
  dns(): Promise<GslbReport>
  /** Leaves the start or end of the drill in the gateway's events. A change: with a viewer token it is refused. */
  record(note: DrillNote): Promise<void>
}

/** Talks to a gateway's admin API. Every call rejects with CliError when there is no answer or it is a refusal. */
export class AdminApi implements GatewayWitness {
  readonly #url: string
  readonly #token: string | undefined

  /** `url` without a path, such as `http://127.0.0.1:9900`. */
  constructor(url: string, token?: string) {
    this.#url = url
    this.#token = token
  }

  async status(): Promise<GatewayReport> {
    return (await this.#get('/api/v1/status')) as GatewayReport
  }

  async lastSeq(): Promise<number> {
    const { lastSeq } = (await this.#get('/api/v1/events?limit=1')) as { lastSeq: number }
    return lastSeq
  }

  async eventsAfter(seq: number): Promise<readonly BudaoEvent[]> {
    const events: BudaoEvent[] = []
    for (let after = seq; ;) {
      const page = (await this.#get(`/api/v1/events?after=${after}&limit=${pageSize}`)) as {
        events: BudaoEvent[]
      }
      events.push(...page.events)
      const last = page.events.at(-1)
      if (last === undefined || page.events.length < pageSize) return events
      after = last.seq
    }
  }

  async record(note: DrillNote): Promise<void> {
    await this.#ask('/api/v1/drills', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(note),
    })
  }

  /** Data between the sites; null where no replicator is named there, or by an earlier version. */
  async replication(): Promise<ReplicationStatus | null> {
    try {
      return (await this.#get('/api/v1/replication')) as ReplicationStatus
    } catch (error) {
      if (error instanceof AdminRefusal && error.status === 404) return null
      throw error
    }
  }

  /** Null where the process is no gateway, or of an earlier version. */
  async drills(): Promise<DrillsReport | null> {
    try {
      return await this.read<DrillsReport>('/api/v1/drills')
    } catch (error) {
      if (error instanceof AdminRefusal) return null
      throw error
    }
  }

  /** Null where this process decides nothing about failover: then it cannot say. */
  async units(): Promise<readonly UnitReport[] | null> {
    return (await this.#failover())?.units ?? null
  }

  async leader(): Promise<string | null> {
    return (await this.#failover())?.leader?.node ?? null
  }

  /** Leaves questions of DNS without an answer for so long; 0: answers again. */
  async muteDns(forMs: number): Promise<void> {
    await this.#ask('/api/v1/dns/mute', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ forMs }),
    })
  }

  /** Drains a site or an endpoint, or puts it back. */
  async drain(change: DrainChange): Promise<{ readonly effect: string }> {
    return (await this.#ask('/api/v1/drains', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(change),
    })) as { effect: string }
  }

  async drains(): Promise<readonly DrainReport[]> {
    return ((await this.#get('/api/v1/drains')) as { drains: readonly DrainReport[] }).drains
  }

  async dns(): Promise<GslbReport> {
    return (await this.#get('/api/v1/dns')) as GslbReport
  }

  /** Without a client: what this machine would get. */
  async explainDns(name: string, client?: string): Promise<GslbExplanation> {
    const query = new URLSearchParams({ name, ...(client === undefined ? {} : { client }) })
    return (await this.#get(`/api/v1/dns/explain?${query.toString()}`)) as GslbExplanation
  }

  /** How many kept answers were forgotten. */
  async purgeCache(purge: CachePurge | { readonly all: true }): Promise<number> {
    const { removed } = (await this.#ask(
      '/api/v1/cache/purge',
      {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(purge),
      },
      purgeMs,
    )) as { removed: number }
    return removed
  }

  async channels(): Promise<readonly ChannelListReport[]> {
    const { channels } = (await this.#get('/api/v1/channels')) as { channels: ChannelListReport[] }
    return channels
  }

  /** The version that apps are told from now on. */
  async setChannels(route: string, change: ChannelChange): Promise<number> {
    const { version } = (await this.#ask(`/api/v1/channels/${encodeURIComponent(route)}`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(change),
    })) as { version: number }
    return version
  }

  /** Asks what there is no method for. */
  async read<T>(path: string, ms: number = timeoutMs): Promise<T> {
    return (await this.#ask(path, {}, ms)) as T
  }

  /** Server-sent events until `signal` says so, or the server ends them. Resolves once they can come. */
  async stream(path: string, signal: AbortSignal): Promise<AsyncIterable<ServerSentEvent>> {
    return await followEvents(this.#url + path, this.#token, signal)
  }

  /** Changes what there is no method for. */
  async change<T>(path: string, body: object): Promise<T> {
    return (await this.#ask(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    })) as T
  }

  /** Another process’s admin API, with the same token. */
  at(url: string): AdminApi {
    return new AdminApi(url, this.#token)
  }

  async #failover(): Promise<{ leader: LeaderReport | null; units: readonly UnitReport[] } | null> {
    try {
      return await this.read('/api/v1/failover')
    } catch (error) {
      if (error instanceof AdminRefusal && error.status === 404) return null
      throw error
    }
  }

  #get(path: string): Promise<unknown> {
    return this.#ask(path, {})
  }

  async #ask(
    path: string,
    { headers, ...init }: { method?: string; headers?: Record<string, string>; body?: string },
    ms: number = timeoutMs,
  ): Promise<unknown> {
    const url = this.#url + path
    let response: Response
    try {
      response = await fetch(url, {
        ...init,
        headers: {
          ...headers,
          ...(this.#token === undefined ? {} : { Authorization: `Bearer ${this.#token}` }),
        },
        signal: AbortSignal.timeout(ms),
      })
      const body = (await response.json()) as RefusalBody
      if (response.ok) return body
      const hint = body.hint === undefined ? '' : ` (${body.hint})`
      const refused = `${url} answered ${response.status}: ${body.message ?? 'no reason given'}${hint}`
      const denied = response.status === 401 || response.status === 403
      throw denied
        ? new AccessDenied(refused, response.status, body)
        : new AdminRefusal(refused, response.status, body)
    } catch (error) {
      if (error instanceof CliError) throw error
      throw new CliError(
        `no answer from the gateway's admin API at ${url}: is it running? (${reason(error)})`,
        1,
        {
          cause: error,
        },
      )
    }
  }
}

/** What a refusal says of itself, as far as verbs look at it. */
export interface RefusalBody {
  readonly error?: string
  readonly message?: string
  readonly hint?: string
  readonly why?: Explanation
  readonly leader?: LeaderReport | null
  readonly refused?: readonly { readonly unit: string; readonly why: string }[]
}

/** The gateway answered, and said no. */
export class AdminRefusal extends CliError {
  readonly status: number
  readonly body: RefusalBody

  constructor(message: string, status: number, body: RefusalBody) {
    super(message)
    this.status = status
    this.body = body
  }
}

/** The gateway answered 401 or 403. */
export class AccessDenied extends AdminRefusal {}

/** The addresses of a site's endpoints, in all services. */
export function siteEndpoints(report: GatewayReport, site: string): readonly string[] {
  const endpoints = report.services.flatMap((service) => service.endpoints)
  return [...new Set(endpoints.filter((endpoint) => endpoint.site === site).map(({ address }) => address))]
}

/** Services that would have no usable endpoint left without this site. Empty: the site can be spared. */
export function servicesLost(report: GatewayReport, site: string): readonly string[] {
  return report.services
    .filter(({ endpoints }) => endpoints.some((endpoint) => endpoint.site === site))
    .filter(
      ({ endpoints }) => !endpoints.some((endpoint) => endpoint.site !== site && endpoint.state === 'usable'),
    )
    .map(({ name }) => name)
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
