import { resolve } from 'node:path'
import {
  type Config,
  criticalAlarms,
  type EventDraft,
  type ReplicationAlarm,
  type ReplicationStatus,
  type ReplicatorReport,
} from '@budao/model'
import { readLogAccess } from '../control/providers/broker-access.ts'
import { ReplicationJournal } from './replication-journal.ts'
import { type NamedReplicator, replicatorOf } from './replicators.ts'

/** What a process gives to its part in replication. */
export interface ReplicationRoleOptions {
  readonly baseDir: string
  /** Whether `replication` is carried by this process, or by `budao replicator` beside it. */
  readonly runsIt: boolean
  report(event: EventDraft): void
}

const everyMs = 1_000
const askMsMax = 2_000
/** Not answered so often it is away: one that is restarted is back before. */
const awayAfter = 3

/** Data between the sites, as a process knows of it: runs the replicator or asks the one beside it, and tells what happens. */
export class ReplicationRole {
  readonly #options: ReplicationRoleOptions
  readonly #named: NamedReplicator
  readonly #journal: ReplicationJournal
  readonly #known: Map<string, ReplicationAlarm> = new Map()
  readonly #told: Set<string> = new Set()
  #report: ReplicatorReport | null = null
  #metrics: ((report: ReplicatorReport) => string) | null = null
  #at = performance.now()
  #problem = 'it has not been asked yet'
  #unanswered = 0
  #timer: NodeJS.Timeout | undefined
  #end: () => Promise<void> = async () => {}
  #ask: () => Promise<ReplicatorReport>

  /** Null where the configuration names no replicator. Rejects where its own cannot be started. */
  static async start(config: Config, options: ReplicationRoleOptions): Promise<ReplicationRole | null> {
    const named = replicatorOf(config)
    if (named === null) return null
    const self = new ReplicationRole(named, options, resolve(options.baseDir, config.dataDir))
    if (config.replication !== undefined && options.runsIt) await self.#run(config)
    self.#timer = setInterval(() => void self.#look(), everyMs)
    self.#timer.unref()
    void self.#look()
    return self
  }

  private constructor(named: NamedReplicator, options: ReplicationRoleOptions, dataDir: string) {
    this.#named = named
    this.#journal = new ReplicationJournal(dataDir)
    this.#options = options
    this.#ask = () => ask(named)
  }

  status(): ReplicationStatus {
    return {
      url: this.#named.url,
      report: this.#report,
      ageMs: Math.round(performance.now() - this.#at),
      problem: this.#problem,
    }
  }

  /** Prometheus text; empty where another process carries it, which has its own. */
  metrics(): string {
    return this.#report === null ? '' : (this.#metrics?.(this.#report) ?? '')
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#end()
    await this.#journal.close()
  }

  async #run(config: Config): Promise<void> {
    const { startReplicator, replicationMetrics } = await import('@budao/replicator')
    const { baseDir } = this.#options
    const running = await startReplicator({
      config,
      baseDir,
      brokerAccess: await readLogAccess(config.replication!, baseDir),
      onAlarm: () => {},
    })
    this.#ask = () => running.replicator.report()
    this.#metrics = replicationMetrics
    this.#end = () => running.close()
  }

  async #look(): Promise<void> {
    try {
      this.#report = await this.#ask()
      this.#at = performance.now()
      this.#problem = ''
      if (this.#unanswered >= awayAfter)
        this.#tell('replication.back', 'info', 'The replicator answers again.')
      this.#unanswered = 0
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error)
      this.#unanswered++
      const why = `The replicator at ${this.#named.url} does not answer: ${this.#problem}`
      if (this.#unanswered === awayAfter) this.#tell('replication.away', 'warning', why)
      return
    }
    this.#journal.take(this.#report, this.#at)
    this.#compare(this.#report)
  }

  #compare({ alarms, ended }: ReplicatorReport): void {
    const now = new Map(alarms.map((alarm) => [`${alarm.code} ${alarm.subject}`, alarm]))
    for (const [name, { code, subject, message }] of now) {
      if (this.#known.has(name)) continue
      const severity = criticalAlarms.includes(code) ? 'critical' : 'warning'
      this.#tell('replication.alarm', severity, `${code}: ${subject}: ${message}`, { code, subject })
    }
    for (const [name, { code, subject }] of this.#known) {
      if (now.has(name)) continue
      this.#tell('replication.alarm-ended', 'info', `${code} of ${subject} is over.`, { code, subject })
    }
    this.#known.clear()
    for (const [name, alarm] of now) this.#known.set(name, alarm)
    for (const { origin, count, ids } of ended) {
      const fresh = ids.filter((id) => !this.#told.has(`${origin} ${id}`))
      for (const id of fresh) this.#told.add(`${origin} ${id}`)
      if (fresh.length === 0) continue
      const message = `${count} writes of ${origin} came after their epoch had ended, and were not applied here.`
      this.#tell('replication.writes-ended', 'critical', message, { origin, count, ids: fresh.join(' ') })
    }
  }

  #tell(
    kind: EventDraft['kind'],
    severity: EventDraft['severity'],
    message: string,
    evidence: EventDraft['evidence'] = {},
  ): void {
    this.#options.report({ kind, severity, subject: this.#named.url, message, evidence })
  }
}

async function ask({ url, token }: NamedReplicator): Promise<ReplicatorReport> {
  const response = await fetch(`${url}/v1/status`, {
    signal: AbortSignal.timeout(askMsMax),
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  })
  if (!response.ok) throw new Error(`it answers ${response.status}`)
  return reportIn(await response.json())
}

const reportLists = ['peers', 'incoming', 'alarms', 'ended'] as const

/** What answers at a configured address may be another program: it must not end this one. Throws where it is no report, and says what lacks. */
function reportIn(said: unknown): ReplicatorReport {
  const report = said as ReplicatorReport | null
  if (typeof report !== 'object' || report === null || typeof report.outgoing !== 'object')
    throw new Error('it answers, but not as a replicator does: a report with "outgoing" was expected')
  const lacking = reportLists.find((name) => !Array.isArray(report[name]))
  if (lacking !== undefined)
    throw new Error(`it answers, but not as a replicator does: "${lacking}" should be a list`)
  return report
}
