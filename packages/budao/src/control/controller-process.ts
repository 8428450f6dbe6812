import { resolve } from 'node:path'
import {
  createAdminServer,
  EventLog,
  type AdminServer,
  type FailoverDesk,
  type NodeSource,
  type ReloadResult,
} from '@budao/controller'
import type { Config, EventDraft } from '@budao/model'
import pino, { type Logger } from 'pino'
import { CliError } from '../cli-error.ts'
import { ConfigSource } from '../config-source.ts'
import { fixedForLife } from '../fixed-for-life.ts'
import { readConfigFile } from '../locate-config.ts'
import { redactSecrets } from '../redact.ts'
import { ControlRole } from './control-role.ts'

/** A running controller or witness without a gateway, with its admin API, as `budao controller` starts it. */
export class ControllerProcess implements NodeSource {
  readonly events: EventLog
  readonly #source: ConfigSource
  readonly #log: Logger
  #config: Config
  #version = 1
  #control: ControlRole | null = null
  #admin: AdminServer | null = null
  #leaving = false
  #reloading: Promise<unknown> = Promise.resolve()

  private constructor(config: Config, source: ConfigSource, events: EventLog, log: Logger) {
    this.#config = config
    this.#source = source
    this.events = events
    this.#log = log
  }

  /** Throws CliError: 1 when the configuration is refused or cannot be served, 2 when there is no such file. */
  static async start(option: { readonly config?: string }): Promise<ControllerProcess> {
    const file = await readConfigFile(option.config)
    const source = new ConfigSource(file.path, file.name)
    const read = await source.read()
    if (!read.ok) throw new CliError(`the configuration is refused\n${read.problems.join('\n')}`)
    const { config } = read.snapshot
    if (config.control === undefined)
      throw new CliError(`${file.name} has no \`control\`: there is nobody to decide with`)
    const log = pino(
      { level: config.log.level, base: { node: config.node.name, site: config.node.site } },
      pino.destination({ fd: 2, sync: true }),
    )
    const events = await EventLog.open({
      dir: resolve(source.baseDir, config.dataDir),
      onFailure: (error) => log.error({ err: error }, 'events cannot be written'),
    })
    const report = (draft: EventDraft): void => {
      const { kind, severity, subject, message, evidence } = events.append(draft)
      log[severity === 'info' ? 'info' : 'warn']({ kind, subject, evidence }, message)
    }
    const self = new ControllerProcess(config, source, events, log)
    try {
      self.#admin = await createAdminServer({
        source: self,
        address: config.admin.address,
        log,
        ...(config.admin.tokens === undefined ? {} : { tokens: config.admin.tokens }),
      })
      self.#control = await ControlRole.start(config, {
        baseDir: source.baseDir,
        decides: true,
        serving: null,
        directory: null,
        now: () => performance.now(),
        admin: self.#admin.url,
        report,
        warn: (message) => log.warn(message),
      })
    } catch (error) {
      await self.#admin?.close()
      await events.close()
      throw new CliError(error instanceof Error ? error.message : String(error), 1, { cause: error })
    }
    for (const warning of read.warnings) log.warn(warning)
    source.watch(() => void self.reload())
    return self
  }

  get adminUrl(): string {
    return this.#admin!.url
  }

  get node(): Config['node'] {
    return this.#config.node
  }

  failover(): FailoverDesk | null {
    return this.#control?.desk ?? null
  }

  metrics(): string {
    return this.#control?.metrics() ?? ''
  }

  ready(): boolean {
    return !this.#leaving && this.#control !== null
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

  /** Says good-bye to the other nodes, then ends everything. */
  async stop(): Promise<void> {
    this.#leaving = true
    this.#source.close()
    await this.#control?.close()
    await this.#admin?.close()
    await this.events.close()
  }

  async #reload(): Promise<ReloadResult> {
    const read = await this.#source.read()
    if (!read.ok) return this.#refuse(read.problems)
    const { config } = read.snapshot
    const fixed = fixedForLife(this.#config, config)
    if (fixed.length > 0) return this.#refuse(fixed)
    if (JSON.stringify(config) === JSON.stringify(this.#config)) return { ok: true, version: this.#version }
    this.#config = config
    this.#version++
    await this.#control?.apply(config)
    for (const warning of read.warnings) this.#log.warn(warning)
    return { ok: true, version: this.#version }
  }

  #refuse(problems: readonly string[]): ReloadResult {
    const { kind, message } = this.events.append({
      kind: 'snapshot.refused',
      severity: 'critical',
      subject: this.#source.path,
      message: 'The changed configuration was refused; the old one goes on.',
      evidence: { problems: problems.join('\n'), inForce: this.#version },
    })
    this.#log.error({ kind, problems }, message)
    return { ok: false, version: this.#version, problems }
  }
}
