import { setTimeout as sleep } from 'node:timers/promises'
import type {
  AuditRecord,
  AuditVerdict,
  Automation,
  Explanation,
  LeaderReport,
  NodesReport,
  RunKind,
  SiteDrainReport,
  UnitReport,
  WatchedReport,
} from '@budao/model'
import { CliError } from '../cli-error.ts'
import { AdminRefusal, type AdminApi } from '../drill/admin-api.ts'

/** `GET /api/v1/failover`. */
export interface FailoverOverview {
  readonly leader: LeaderReport | null
  readonly units: readonly UnitReport[]
  readonly drains: readonly SiteDrainReport[]
  /** Absent where the controller is of an earlier version. */
  readonly watched?: readonly WatchedReport[]
}

/** What a move is asked for with. */
export interface MoveChange {
  readonly kind: RunKind
  readonly to?: string
  readonly reason: string
  readonly by: string
  readonly force?: true
}

/** What the API answers to a move that has begun. */
export interface MoveBegun {
  readonly unit: string
  readonly to: string
  /** Null while it waits behind others. */
  readonly runId: string | null
  readonly why: Explanation
}

export interface WishTaken {
  readonly why: Explanation
}

/** Which units a change of `automation` is about, as the API takes it. */
export type AutomationTarget =
  | { readonly unit: string }
  | { readonly service: string }
  | { readonly all: true }

const hopsMax = 3
/** A successor leads within two seconds. */
const leaderWaitMs = 6_000
const againMs = 300

/**
 * Failover over the admin API. A wish that another controller has to take goes there; while nobody leads it is asked again.
 * Every call rejects with CliError when there is no answer or it is a refusal.
 */
export class FailoverApi {
  readonly #first: AdminApi
  #api: AdminApi

  constructor(api: AdminApi) {
    this.#first = api
    this.#api = api
  }

  overview(): Promise<FailoverOverview> {
    return this.#read('')
  }

  nodes(): Promise<NodesReport> {
    return this.#read('/nodes')
  }

  unit(unit: string): Promise<UnitReport> {
    return this.#read(`/units/${encodeURIComponent(unit)}`)
  }

  move(unit: string, change: MoveChange): Promise<MoveBegun> {
    return this.#change(`/units/${encodeURIComponent(unit)}/move`, change)
  }

  acknowledge(unit: string, wish: { readonly by: string; readonly reason?: string }): Promise<WishTaken> {
    return this.#change(`/units/${encodeURIComponent(unit)}/acknowledge`, wish)
  }

  setAutomation(
    target: AutomationTarget,
    change: { readonly automation: Automation; readonly by: string; readonly reason: string },
  ): Promise<WishTaken> {
    return this.#change('/automation', { ...target, ...change })
  }

  drainSite(
    site: string,
    wish: { readonly by: string; readonly reason: string; readonly force?: true },
  ): Promise<{ readonly drain: SiteDrainReport }> {
    return this.#change('/drains', { site, ...wish })
  }

  undrainSite(site: string, wish: { readonly by: string; readonly reason: string }): Promise<WishTaken> {
    return this.#change('/drains', { site, ...wish, undo: true })
  }

  async drain(site: string): Promise<SiteDrainReport | undefined> {
    const { drains } = await this.#read<{ drains: readonly SiteDrainReport[] }>('/drains')
    return drains.find((drain) => drain.site === site)
  }

  async audit(query: Readonly<Record<string, string>>): Promise<readonly AuditRecord[]> {
    const asked = new URLSearchParams(query).toString()
    return (await this.#read<{ records: readonly AuditRecord[] }>(`/audit?${asked}`)).records
  }

  verifyAudit(): Promise<AuditVerdict> {
    return this.#read('/audit/verify')
  }

  /** Where a wish was taken may die while it is carried out: whoever was asked first knows as well. */
  async #read<T>(path: string): Promise<T> {
    try {
      return await this.#api.read(`/api/v1/failover${path}`)
    } catch (error) {
      if (error instanceof AdminRefusal || this.#api === this.#first) throw error
      this.#api = this.#first
      return this.#api.read(`/api/v1/failover${path}`)
    }
  }

  async #change<T>(path: string, body: object): Promise<T> {
    const until = performance.now() + leaderWaitMs
    for (let hops = 0; ;) {
      try {
        return await this.#api.change(`/api/v1/failover${path}`, body)
      } catch (error) {
        if (!(error instanceof AdminRefusal) || error.body.error !== 'not-leader') throw error
        const { leader } = error.body
        if (leader?.admin !== undefined && leader.admin !== null && hops < hopsMax) {
          hops++
          this.#api = this.#api.at(leader.admin)
        } else if (leader !== null && leader !== undefined && !leader.self) {
          const where = 'its admin address is not known here'
          throw new CliError(`${leader.node} leads, and ${where}: run the command there`, 1, { cause: error })
        } else if (performance.now() > until) throw error
        else await sleep(againMs)
      }
    }
  }
}

/** Whether an error says that the process asked decides nothing about failover. */
export function isFailoverOff(error: unknown): boolean {
  return error instanceof AdminRefusal && (error.body.error === 'failover-off' || error.status === 404)
}
