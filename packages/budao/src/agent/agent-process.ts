import { resolve } from 'node:path'
import { createAdminServer, EventLog } from '@budao/controller'
import type { AdminServer, NodeSource, ProcessDesk, ReloadResult, Supervisor } from '@budao/controller'
import type { Config, EventDraft } from '@budao/model'
import pino from 'pino'
import type { Logger } from 'pino'
import { CliError } from '../cli-error.ts'
import { ConfigSource } from '../config-source.ts'
import { readConfigFile } from '../locate-config.ts'
import { redactSecrets } from '../redact.ts'
import { startAgent } from './agent-role.ts'
import { ServiceManager } from './service-manager.ts'

/** A running agent without a gateway, with its admin API, as `budao agent` starts it. */
export class AgentProcess implements NodeSource {
  readonly events: EventLog
  readonly #source: ConfigSource
  readonly #log: Logger
  readonly #supervisor: Supervisor
  readonly #manager: ServiceManager
  #config: Config
  #version = 1
  #admin: AdminServer | null = null
  #leaving = false
  #reloading: Promise<unknown> = Promise.resolve()

  private constructor(
    config: Config,
    source: ConfigSource,
    events: EventLog,
    log: Logger,
    supervisor: Supervisor,
  ) {
    this.#config = config
    this.#source = source
    this.events = events
    this.#log = log
    this.#supervisor = supervisor
    this.#manager = new ServiceManager((message) => log.warn(message))
  }

  /** Throws CliError: 1 when the configuration is refused or cannot be served, 2 when there is no such file. */
  static async start(option: { readonly config?: string }): Promise<AgentProcess> {
    const file = await readConfigFile(option.config)
    const source = new ConfigSource(file.path, file.name)
    const read = await source.read()
    if (!read.ok) throw new CliError(`the configuration is refused\n${read.problems.join('\n')}`)
    const { config } = read.snapshot
    if (Object.keys(config.processes).length === 0)
      throw new CliError(`${file.name} names no processes: there is nothing to look after`)
    const log = pino(
      { level: config.log.level, base: { node: config.node.name, site: config.node.site } },
      pino.destination({ fd: 2, sync: true }),
    )
    const events = await EventLog.open({
      dir: resolve(source.baseDir, config.dataDir),
      onFailure: (error) => log.error({ err: error }, 'the audit log cannot be written'),
    })
    const report = (draft: EventDraft): void => {
      const { kind, severity, subject, message, evidence } = events.append(draft)
      log[severity === 'info' ? 'info' : 'warn']({ kind, subject, evidence }, message)
    }
    let supervisor: Supervisor | null = null
    try {
      supervisor = await startAgent(config, { baseDir: source.baseDir, report })
      const self = new AgentProcess(config, source, events, log, supervisor!)
      self.#admin = await createAdminServer({
        source: self,
        address: config.admin.address,
        log,
        ...(config.admin.tokens === undefined ? {} : { tokens: config.admin.tokens }),
      })
      for (const warning of read.warnings) log.warn(warning)
      source.watch(() => void self.reload())
      self.#manager.ready()
      return self
    } catch (error) {
      // What has been started lives on: whoever mends what was wrong finds it running.
      supervisor?.leave()
      await events.close()
      throw new CliError(error instanceof Error ? error.message : String(error), 1, { cause: error })
    }
  }

  get adminUrl(): string {
    return this.#admin!.url
  }

  agent(): ProcessDesk {
    return this.#supervisor
  }

  metrics(): string {
    return this.#supervisor.metrics()
  }

  ready(): boolean {
    return !this.#leaving
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

  /** Ends all processes, then everything else. */
  async stop(): Promise<void> {
    this.#leaving = true
    this.#source.close()
    this.#manager.stopping()
    await this.#supervisor.close()
    await this.#admin?.close()
    await this.events.close()
  }

  async #reload(): Promise<ReloadResult> {
    const read = await this.#source.read()
    if (!read.ok) return this.#refuse(read.problems)
    const { config } = read.snapshot
    const fixed = (['node', 'dataDir', 'admin'] as const)
      .filter((key) => JSON.stringify(config[key]) !== JSON.stringify(this.#config[key]))
      .map((key) => `${key}: cannot change while the agent runs: restart it`)
    if (fixed.length > 0) return this.#refuse(fixed)
    if (JSON.stringify(config) === JSON.stringify(this.#config)) return { ok: true, version: this.#version }
    this.#config = config
    this.#version++
    this.#supervisor.apply(config.processes)
    for (const warning of read.warnings) this.#log.warn(warning)
    return { ok: true, version: this.#version }
  }

  #refuse(problems: readonly string[]): ReloadResult {
    const { kind, message } = this.events.append({
      kind: 'snapshot.refused',
      severity: 'critical',
      subject: this.#source.path,
      message: 'The changed configuration was refused; the processes go on as they were.',
      evidence: { problems: problems.join('\n'), inForce: this.#version },
    })
    this.#log.error({ kind, problems }, message)
    return { ok: false, version: this.#version, problems }
  }
}
