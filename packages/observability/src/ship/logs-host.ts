import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import {
  type EventDraft,
  type LogFilter,
  type LogIntakeReport,
  type LogRecord,
  type LogsAnswer,
  type LogsConfig,
  type LogsDesk,
  type LogSinkReport,
  type LogsQuery,
  type LogsReport,
  type LogsTally,
  type LogsTallyQuery,
  parseLogFilter,
} from '@budao/model'
import { type LogFilesPlan, planFiles } from './log-plan.ts'
import { logsMetrics } from './logs-metrics.ts'
import { type FollowListener, LogOutlet } from './log-outlet.ts'
import type { FromIntake, IntakeStart, OutletStart, ToIntake } from './thread-messages.ts'
import { ThreadKeeper } from './thread-keeper.ts'

/** What the outside gives. */
export interface LogsHostOptions {
  /** Folder of the configuration file. */
  readonly baseDir: string
  /** Where everything is kept: `dataDir`. */
  readonly dataDir: string
  /** What Budao itself writes, when `own` is true. */
  readonly ownFiles: LogsConfig['files']
  /** Of sinks at brokers, by their names. Default: they are spoken to in the clear. */
  readonly brokerAccess?: OutletStart['brokerAccess']
  report(event: EventDraft): void
  warn(message: string): void
}

/** A line lives as long as its batch does: more room would be filled before anybody sweeps it. */
const youngGenerationMb = 6

/**
 * Logs of one process, as its main thread sees them: one thread reads files into the store, another passes them on and searches
 * while that is wanted. Either is started anew when it dies.
 */
export class LogsHost implements LogsDesk {
  #options: LogsHostOptions
  #config: LogsConfig
  readonly #intake: ThreadKeeper<ToIntake, FromIntake>
  readonly #outlet: LogOutlet
  #intakeReport: LogIntakeReport | null = null
  #sinkReports: readonly LogSinkReport[] = []
  #problem: string | null = null
  readonly #sinkProblems = new Set<string>()
  #filters: readonly LogFilter[] = []
  #watcher: ((records: readonly LogRecord[]) => void) | null = null

  /**
   * Resolves when files are read, with somebody who watches from the first line on. Rejects where the folder cannot be used, or a format
   * cannot be read.
   */
  static async start(
    config: LogsConfig,
    options: LogsHostOptions,
    watching?: Parameters<LogsHost['watch']>,
  ): Promise<LogsHost> {
    const host = new LogsHost(config, options)
    if (watching !== undefined) [host.#filters, host.#watcher] = watching
    try {
      await host.#intake.start()
      await host.#outlet.start()
    } catch (error) {
      await host.close()
      throw new Error(`logs: ${(error as Error).message}`, { cause: error })
    }
    return host
  }

  private constructor(config: LogsConfig, options: LogsHostOptions) {
    this.#config = config
    this.#options = options
    const { warn, report } = options
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    this.#intake = new ThreadKeeper({
      name: 'logs-intake',
      make: () =>
        new Worker(new URL(`./intake-thread.${extension}`, import.meta.url), {
          name: 'logs-intake',
          // What came while nothing ran is read in the first turn: it counts as well.
          workerData: { ...this.#intakeStart(), filters: this.#filters },
          resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMb },
        }),
      heard: (message) => this.#heardIntake(message),
      report,
      warn,
    })
    this.#outlet = new LogOutlet({
      start: () => this.#outletStart(),
      reported: (sinks, taken) => this.#heardSinks(sinks, taken),
      report,
      warn,
    })
  }

  async query({ filter, ...query }: LogsQuery): Promise<LogsAnswer> {
    return this.#outlet.find({ ...query, filter: parseLogFilter(filter) })
  }

  async tally({ filter, ...query }: LogsTallyQuery): Promise<LogsTally> {
    return this.#outlet.tally({ ...query, filter: parseLogFilter(filter) })
  }

  follow(filter: string, listener: FollowListener): (() => void) | null {
    return this.#outlet.follow(parseLogFilter(filter), listener)
  }

  /** Has every later record that passes one of the filters brought here; for rules. Replaces what was watched before. */
  watch(filters: readonly LogFilter[], listener: (records: readonly LogRecord[]) => void): void {
    this.#filters = filters
    this.#watcher = listener
    this.#intake.send({ kind: 'watch', filters })
  }

  /** Another configuration: threads are started anew where theirs has changed. Rejects, and goes on with the old one, where that cannot be. */
  async apply(
    config: LogsConfig,
    outside: Pick<LogsHostOptions, 'ownFiles' | 'brokerAccess'>,
  ): Promise<void> {
    const before = JSON.stringify([this.#intakeStart(), this.#outletStart()])
    const old = [this.#config, this.#options] as const
    this.#config = config
    this.#options = { ...this.#options, ...outside }
    if (JSON.stringify([this.#intakeStart(), this.#outletStart()]) === before) return
    try {
      await this.#restart()
    } catch (error) {
      ;[this.#config, this.#options] = old
      await this.#restart()
      throw error
    }
  }

  async #restart(): Promise<void> {
    await this.#intake.restart()
    await this.#outlet.apply()
  }

  report(): LogsReport {
    return { intake: this.#intakeReport, sinks: this.#sinkReports }
  }

  /** Prometheus text. */
  metrics(): string {
    return logsMetrics(this.report())
  }

  /** What has been read is in the store by then; a request to a sink under way is waited for. */
  async close(): Promise<void> {
    await this.#intake.close()
    await this.#outlet.close()
  }

  #intakeStart(): Omit<IntakeStart, 'filters'> {
    const { store, files, own, sinks } = this.#config
    const { baseDir, ownFiles } = this.#options
    const plans: LogFilesPlan[] = [...files, ...(own ? ownFiles : [])].map((each) => planFiles(each, baseDir))
    return {
      folder: this.#folder,
      files: plans,
      search: store.search,
      keep: store.keep,
      bytes: store.bytes,
      drop: store.whenFull === 'drop',
      awaited: Object.keys(sinks).length > 0,
    }
  }

  #outletStart(): OutletStart {
    const { store, sinks } = this.#config
    return {
      folder: this.#folder,
      search: store.search,
      sinks,
      brokerAccess: this.#options.brokerAccess ?? {},
    }
  }

  get #folder(): string {
    return join(this.#options.dataDir, 'logs')
  }

  #heardIntake(message: FromIntake): void {
    if (message.kind === 'records') this.#watcher?.(message.records)
    else if (message.kind === 'warning') this.#options.warn(message.message)
    else if (message.kind === 'report') {
      this.#intakeReport = message.report
      this.#tellProblem(message.report.problem)
    }
  }

  #heardSinks(sinks: readonly LogSinkReport[], taken: number): void {
    this.#sinkReports = sinks
    this.#intake.send({ kind: 'taken', segment: taken })
    for (const sink of sinks) this.#tellSink(sink)
  }

  #tellProblem(problem: string | null): void {
    if ((problem === null) === (this.#problem === null)) return
    this.#problem = problem
    const { report } = this.#options
    if (problem === null) {
      report({
        kind: 'logs.resumed',
        severity: 'info',
        subject: this.#folder,
        message: 'Logs are read again.',
        evidence: {},
      })
    } else {
      report({
        kind: 'logs.blocked',
        severity: 'critical',
        subject: this.#folder,
        message: 'Logs are not read: nothing is lost while their files stay.',
        evidence: { reason: problem },
      })
    }
  }

  #tellSink({ name, problem, sent }: LogSinkReport): void {
    const was = this.#sinkProblems.has(name)
    if ((problem !== null) === was) return
    const { report } = this.#options
    if (problem === null) {
      this.#sinkProblems.delete(name)
      report({
        kind: 'sink.back',
        severity: 'info',
        subject: name,
        message: `The sink ${name} takes records again.`,
        evidence: { sent },
      })
    } else {
      this.#sinkProblems.add(name)
      report({
        kind: 'sink.away',
        severity: 'warning',
        subject: name,
        message: `The sink ${name} takes no records; they wait.`,
        evidence: { reason: problem.slice(0, 500), sent },
      })
    }
  }
}
