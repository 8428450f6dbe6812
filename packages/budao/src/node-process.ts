import { createAdminServer } from '@budao/controller/admin'
import type {
  AdminServer,
  EventLog,
  DrillDesk,
  FailoverDesk,
  LinkCut,
  NodeSource,
  ProcessDesk,
  ReloadResult,
  Supervisor,
} from '@budao/controller'
import type { AlertsDesk, Config, EventDraft, LogsDesk } from '@budao/model'
import type { Logger } from 'pino'
import { startAgent } from './agent/agent-role.ts'
import { LogsRole } from './logs/logs-role.ts'
import type { AlertsRole } from './alerts/alerts-role.ts'
import { ServiceManager } from './agent/service-manager.ts'
import { CliError } from './cli-error.ts'
import { ConfigSource } from './config-source.ts'
import type { ControlRole } from './control/control-role.ts'
import { DrillRole } from './drill/schedule/drill-role.ts'
import { fixedForLife } from './fixed-for-life.ts'
import { readConfigFile } from './locate-config.ts'
import { openJournal } from './process-journal.ts'
import { redactSecrets } from './redact.ts'
import { snapshotRefused } from './snapshot-refused.ts'

/** What a process without a gateway is there for. */
export type NodeDuty = 'agent' | 'controller'

/**
 * A running process without a gateway, with its admin API: an agent, or a controller or witness. With `control` an agent takes part in
 * failover as well.
 */
export class NodeProcess implements NodeSource {
  readonly events: EventLog
  readonly #source: ConfigSource
  readonly #log: Logger
  readonly #manager: ServiceManager
  #config: Config
  #version = 1
  #starting = true
  #drills: DrillRole | null = null
  #supervisor: Supervisor | null = null
  #control: ControlRole | null = null
  #logs: LogsRole | null = null
  #alerts: AlertsRole | null = null
  #admin: AdminServer | null = null
  #started = false
  #leaving = false
  #reloading: Promise<unknown> = Promise.resolve()

  private constructor(config: Config, source: ConfigSource, events: EventLog, log: Logger) {
    this.#config = config
    this.#source = source
    this.events = events
    this.#log = log
    this.#manager = new ServiceManager((message) => log.warn(message))
  }

  /** Throws CliError: 1 when the configuration is refused or cannot be served, 2 when there is no such file. */
  static async start(duty: NodeDuty, option: { readonly config?: string }): Promise<NodeProcess> {
    const file = await readConfigFile(option.config)
    const source = new ConfigSource(file.path, file.name)
    const read = await source.read()
    if (!read.ok) throw new CliError(`the configuration is refused\n${read.problems.join('\n')}`)
    const { config } = read.snapshot
    if (duty === 'controller' && config.control === undefined)
      throw new CliError(`${file.name} has no \`control\`: there is nobody to decide with`)
    if (duty === 'agent' && Object.keys(config.processes).length === 0 && config.logs === undefined)
      throw new CliError(
        `${file.name} names no \`processes\` and no \`logs\`: there is nothing to look after`,
      )
    const { log, events } = await openJournal(config, source.baseDir)
    const self = new NodeProcess(config, source, events, log)
    try {
      await self.#start(duty)
    } catch (error) {
      await self.#alerts?.close()
      await self.#control?.close()
      await self.#logs?.close()
      // What has been started lives on: whoever mends what was wrong finds it running.
      self.#supervisor?.leave()
      await self.#admin?.close()
      await events.close()
      throw new CliError(error instanceof Error ? error.message : String(error), 1, { cause: error })
    }
    for (const warning of read.warnings) log.warn(warning)
    source.watch(() => void self.reload())
    self.#started = true
    self.#manager.ready()
    return self
  }

  get adminUrl(): string {
    return this.#admin!.url
  }

  get node(): Config['node'] {
    return this.#config.node
  }

  agent(): ProcessDesk | null {
    return this.#supervisor
  }

  alerts(): AlertsDesk | null {
    return this.#alerts?.desk ?? null
  }

  logs(): LogsDesk | null {
    return this.#logs?.desk ?? null
  }

  failover(): FailoverDesk | null {
    return this.#control?.desk ?? null
  }

  drills(): DrillDesk {
    return this.#drills!
  }

  cutLinks(cut: LinkCut): boolean {
    return this.#control?.cut(cut, this.#config) ?? false
  }

  metrics(): string {
    return (
      (this.#supervisor?.metrics() ?? '') +
      (this.#control?.metrics() ?? '') +
      (this.#logs?.metrics() ?? '') +
      (this.#alerts?.metrics() ?? '')
    )
  }

  starting(): boolean {
    return this.#starting
  }

  ready(): boolean {
    return this.#started && !this.#leaving
  }

  config(): unknown {
    return redactSecrets(this.#config)
  }

  /** One at a time, in the order asked: the file as it is when its turn comes. */
  reload(): Promise<ReloadResult> {
    const reloaded = this.#reloading.then(() => this.#reload())
    this.#reloading = reloaded.catch(() => {})
    return reloaded
  }

  /** Ends the processes it looks after, says good-bye to the other nodes, then ends everything. */
  async stop(): Promise<void> {
    this.#leaving = true
    this.#source.close()
    this.#drills?.close()
    this.#manager.stopping()
    await this.#supervisor?.close()
    await this.#alerts?.close()
    await this.#control?.close()
    await this.#admin?.close()
    await this.events.close()
    // Last: what the others said at their end is read too.
    await this.#logs?.close()
  }

  async #start(duty: NodeDuty): Promise<void> {
    await this.#begin(duty)
    this.#starting = false
  }

  async #begin(duty: NodeDuty): Promise<void> {
    const { admin, control } = this.#config
    const { baseDir } = this.#source
    const report = (draft: EventDraft): void => this.#report(draft)
    if (duty === 'agent') {
      this.#supervisor = await startAgent(this.#config, { baseDir, report })
      this.#logs = await LogsRole.start(this.#config, {
        baseDir,
        report,
        warn: (message) => this.#log.warn(message),
      })
    }
    // Of several processes with the same schedule the one that leads begins its drills.
    const mayRun = (): boolean => this.failover()?.nodes().leader?.self === true
    this.#drills = new DrillRole(this.#config, { file: this.#source.path, report, mayRun })
    this.#admin = await createAdminServer({
      source: this,
      address: admin.address,
      log: this.#log,
      ...(admin.tokens === undefined ? {} : { tokens: admin.tokens }),
    })
    if (control === undefined) return
    // An agent alone need not load what the control plane needs.
    const { ControlRole } = await import('./control/control-role.ts')
    this.#control = await ControlRole.start(this.#config, {
      baseDir,
      decides: duty === 'controller',
      serving: null,
      directory: null,
      supervisor: this.#supervisor,
      now: () => performance.now(),
      admin: this.#admin.url,
      report,
      warn: (message) => this.#log.warn(message),
    })
    this.#drills.begin()
    if (duty !== 'controller') return
    const { AlertsRole } = await import('./alerts/alerts-role.ts')
    this.#alerts = await AlertsRole.start(this.#config, {
      baseDir,
      source: this,
      control: this.#control,
      logs: null,
      report,
      warn: (message) => this.#log.warn(message),
    })
  }

  #report(draft: EventDraft): void {
    const { kind, severity, subject, message, evidence } = this.events.append(draft)
    this.#log[severity === 'info' ? 'info' : 'warn']({ kind, subject, evidence }, message)
  }

  async #reload(): Promise<ReloadResult> {
    const read = await this.#source.read()
    if (!read.ok) return this.#refuse(read.problems)
    const { config } = read.snapshot
    const fixed = fixedForLife(this.#config, config)
    if (fixed.length > 0) return this.#refuse(fixed)
    if (config.alerts === undefined && JSON.stringify(config) === JSON.stringify(this.#config))
      return { ok: true, version: this.#version }
    this.#config = config
    this.#version++
    this.#supervisor?.apply(config.processes)
    this.#drills?.apply(config)
    await this.#control?.apply(config)
    await this.#logs?.apply(config)
    await this.#alerts?.apply(config)
    for (const warning of read.warnings) this.#log.warn(warning)
    return { ok: true, version: this.#version }
  }

  #refuse(problems: readonly string[]): ReloadResult {
    this.#report(snapshotRefused(this.#source.path, problems, this.#version))
    return { ok: false, version: this.#version, problems }
  }
}
