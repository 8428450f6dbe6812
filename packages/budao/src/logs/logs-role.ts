import { resolve } from 'node:path'
import type { Config, EventDraft, LogFilter, LogRecord, LogsConfig, LogsDesk } from '@budao/model'
import type { LogsHost } from '@budao/observability/logs'
import { readSinkAccess } from '../control/providers/broker-access.ts'
import { replicationJournalName } from '../replication/replication-journal.ts'

/** What a process gives to its part of collecting logs. */
export interface LogsRoleOptions {
  /** Folder of the configuration file. */
  readonly baseDir: string
  report(event: EventDraft): void
  warn(message: string): void
}

/** Collects logs as `logs` describes it, for as long as a configuration does. */
export class LogsRole {
  readonly #options: LogsRoleOptions
  #host: LogsHost | null = null
  readonly #watching: Map<string, Parameters<LogsHost['watch']>> = new Map()

  /** Rejects where the store cannot be used, or another process uses it. */
  static async start(config: Config, options: LogsRoleOptions): Promise<LogsRole> {
    const role = new LogsRole(options)
    await role.begin(config)
    return role
  }

  constructor(options: LogsRoleOptions) {
    this.#options = options
  }

  /** Null where no logs are collected. */
  get desk(): LogsDesk | null {
    return this.#host
  }

  /** Has every later record that passes one of the filters brought here, and perhaps others too; for rules. `who` has one of these. */
  watch(who: string, filters: readonly LogFilter[], listener: (records: readonly LogRecord[]) => void): void {
    if (filters.length === 0) this.#watching.delete(who)
    else this.#watching.set(who, [filters, listener])
    this.#host?.watch(...this.#allWatching)
  }

  get #allWatching(): Parameters<LogsHost['watch']> {
    const all = [...this.#watching.values()]
    return [
      all.flatMap(([filters]) => filters),
      (records) => {
        for (const [, listener] of all) listener(records)
      },
    ]
  }

  /** Prometheus text. */
  metrics(): string {
    return this.#host?.metrics() ?? ''
  }

  /** Another configuration is in force. What cannot be used leaves logs uncollected, and says so. */
  async apply(config: Config): Promise<void> {
    try {
      if (config.logs === undefined) await this.close()
      else if (this.#host === null) await this.begin(config)
      else
        await this.#host.apply(config.logs, {
          ownFiles: ownFiles(config),
          brokerAccess: await readSinkAccess(config.logs, this.#options.baseDir),
        })
    } catch (error) {
      this.#options.warn((error as Error).message)
    }
  }

  async close(): Promise<void> {
    const host = this.#host
    this.#host = null
    await host?.close()
  }

  /** Rejects as `start` does. Who watches by then sees everything. */
  async begin(config: Config): Promise<void> {
    if (config.logs === undefined) return
    // Loaded only where logs are collected.
    const { LogsHost } = await import('@budao/observability/logs')
    const { baseDir, report, warn } = this.#options
    const options = {
      baseDir,
      dataDir: resolve(baseDir, config.dataDir),
      ownFiles: ownFiles(config),
      brokerAccess: await readSinkAccess(config.logs, baseDir),
      report,
      warn,
    }
    this.#host = await LogsHost.start(
      config.logs,
      options,
      this.#watching.size === 0 ? undefined : this.#allWatching,
    )
  }
}

/** What the process itself writes: events, the audit log, replication's reports, what its processes print, access logs and apps' calls as JSON. */
function ownFiles({ dataDir, routes, processes }: Config): LogsConfig['files'] {
  const accessLogs = new Set<string>()
  const telemetry = new Set<string>()
  for (const { filters, serve } of routes) {
    for (const filter of filters)
      if ('accessLog' in filter && filter.accessLog.path !== undefined) accessLogs.add(filter.accessLog.path)
    if (serve !== undefined && 'telemetry' in serve && serve.telemetry.path !== undefined)
      telemetry.add(serve.telemetry.path)
  }
  const own = [
    source('budao', `${dataDir}/events.ndjson`, 'budao.events'),
    source('budao', `${dataDir}/audit.ndjson`, 'budao.audit'),
    source('budao', `${dataDir}/${replicationJournalName}`, 'budao.replicator'),
    ...[...accessLogs].map((path) => source('budao', path, 'budao.access')),
    ...[...telemetry].map((path) => source('budao', path, 'budao.telemetry')),
  ]
  const printed = Object.entries(processes)
    .filter(([, { output }]) => output !== 'passed')
    .map(([name]) => source(name, `${dataDir}/processes/${name}.log`, 'process'))
  return [...own, ...printed]
}

function source(service: string, path: string, dataset: string): LogsConfig['files'][number] {
  return {
    paths: [path],
    exclude: [],
    service,
    attributes: { 'event.dataset': dataset },
    parser: 'auto',
    encoding: 'utf-8',
    startAt: 'beginning',
    lineBytes: 262_144,
  }
}
