import { consoleFiles } from '@budao/console'
import {
  createAdminServer,
  type EventLog,
  type AdminServer,
  type AdminSource,
  type DrillDesk,
  type FailoverDesk,
  type LinkCut,
  type ProcessDesk,
  type ReleaseFaultDesk,
  type ReloadResult,
  type Supervisor,
} from '@budao/controller'
import { Gateway } from '@budao/gateway'
import type {
  AlertsDesk,
  Config,
  EventDraft,
  GatewayReport,
  GslbExplanation,
  GslbReport,
  LogsDesk,
  RolloutDesk,
  ReplicationStatus,
  Snapshot,
} from '@budao/model'
import type { Logger } from 'pino'
import { AlertsRole } from './alerts/alerts-role.ts'
import type { ControlRole } from './control/control-role.ts'
import { startControl } from './control/gateway-control.ts'
import { type AgentRoleOptions, startAgent } from './agent/agent-role.ts'
import { CliError } from './cli-error.ts'
import { DrillRole } from './drill/schedule/drill-role.ts'
import { firstSnapshot } from './first-snapshot.ts'
import { namesFiles } from './config-files.ts'
import { fixedForLife } from './fixed-for-life.ts'
import { GatewayDesk } from './gateway-desk.ts'
import { gatewayFiles } from './gateway-files.ts'
import { GslbRole } from './gslb-role.ts'
import { ConfigSource } from './config-source.ts'
import { readConfigFile } from './locate-config.ts'
import { openJournal } from './process-journal.ts'
import { SnapshotKeeper } from './snapshot-keeper.ts'
import { snapshotRefused } from './snapshot-refused.ts'
import type { RolloutRole } from './rollout/rollout-role.ts'
import { LogsRole } from './logs/logs-role.ts'
import { redactSecrets } from './redact.ts'
import { ReplicationRole } from './replication/replication-role.ts'
import { version } from './version.ts'
import { addressLeft } from './virtual-ip/providers/handover.ts'

export interface GatewayProcessOptions {
  readonly config?: string
  /** Of other programs, as `FILE` or `KIND:FILE`. */
  readonly file?: readonly string[]
  /** Start with the snapshot that was in force last when the file is refused. */
  readonly lastGood?: boolean
  /** Every role that the configuration has something for: answers DNS, looks after processes. */
  readonly allRoles?: boolean
}

/** A running gateway with its admin API, as `budao up` and `budao gateway` start it. */
export class GatewayProcess extends GatewayDesk implements AdminSource {
  readonly events: EventLog
  readonly #gateway: Gateway
  readonly #source: ConfigSource
  readonly #log: Logger
  readonly #report: (draft: EventDraft) => void
  #admin: AdminServer | null = null
  #gslb: GslbRole | null = null
  #agent: Supervisor | null = null
  #control: ControlRole | null = null
  #replication: ReplicationRole | null = null
  #drills: DrillRole | null = null
  #rollouts: RolloutRole | null = null
  #alerts: AlertsRole | null = null
  #logs: LogsRole | null = null
  /** Null where other roles than the gateway’s are another process’s. */
  #startAgent: ((config: Config) => Promise<Supervisor | null>) | null = null
  #starting = true
  #leaving = false
  #refused: GatewayReport['refused'] = null
  #reloading: Promise<unknown> = Promise.resolve()
  readonly #keeper: SnapshotKeeper

  private constructor(
    gateway: Gateway,
    source: ConfigSource,
    events: EventLog,
    log: Logger,
    report: (draft: EventDraft) => void,
  ) {
    super(gateway, () => this.#control?.registry ?? null)
    this.#gateway = gateway
    this.#source = source
    this.events = events
    this.#log = log
    this.#report = report
    this.#keeper = new SnapshotKeeper(source, (error) =>
      log.error({ err: error }, 'the snapshot in force could not be kept for a restart'),
    )
  }

  /** Throws CliError: 1 when the configuration is refused or cannot be served, 2 when there is no such file. */
  static async start(options: GatewayProcessOptions): Promise<GatewayProcess> {
    const file = await readConfigFile(options.config)
    const source = new ConfigSource(file.path, file.name, options.file)
    const { snapshot, warnings } = await firstSnapshot(source, options.lastGood === true)
    const { config } = snapshot
    if (config.listeners.length === 0 && options.allRoles !== true)
      throw new CliError(
        `${file.name} has no \`listeners\`: a gateway has nobody to serve. Give it one, or run budao controller -c ${file.name}: that only watches and decides`,
      )
    const { log, events } = await openJournal(config, source.baseDir)
    const report = (draft: EventDraft): void => {
      const { kind, severity, subject, message, evidence } = events.append(draft)
      log[severity === 'info' ? 'info' : 'warn']({ kind, subject, evidence }, message)
      self.#gslb?.onEvent()
    }
    const gateway: Gateway = new Gateway(config, {
      version: version(),
      baseDir: source.baseDir,
      ...gatewayFiles(config, source.baseDir),
      onSnapshot: (changed) => void self.#keeper.keep(changed),
      report,
      warn: (message) => log.warn(message),
    })
    const self: GatewayProcess = new GatewayProcess(gateway, source, events, log, report)
    try {
      await gateway.start(snapshot)
      if (options.allRoles === true) {
        self.#gslb = await self.#startGslb(config)
        self.#startAgent = (wanted) => startAgent(wanted, { baseDir: source.baseDir, report })
        self.#agent = await self.#startAgent(config)
      }
      self.#drills = new DrillRole(config, { file: file.path, report, mayRun: () => self.#decides(options) })
      self.#admin = await createAdminServer({
        source: self,
        address: config.admin.address,
        ...(config.admin.tokens === undefined ? {} : { tokens: config.admin.tokens }),
        consoleFiles: consoleFiles(),
      })
      const runsIt = options.allRoles === true
      self.#replication = await ReplicationRole.start(config, { baseDir: source.baseDir, runsIt, report })
      self.#control = await self.#startControl(config)
      if (runsIt) self.#logs = new LogsRole(self.#roleEnv)
      self.#rollouts = await self.#startRollouts(config)
      self.#drills!.begin()
      // Last, since they are no part of serving. Rules are there before the first line is read.
      self.#alerts = await self.#startAlerts(config, options)
      await self.#logs?.begin(config)
      self.#starting = false
    } catch (error) {
      await self.#alerts?.close()
      await self.#rollouts?.close()
      await self.#control?.close()
      await self.#replication?.close()
      await self.#admin?.close()
      self.#agent?.leave()
      await self.#logs?.close()
      await self.#gslb?.close()
      await gateway.close()
      throw new CliError(error instanceof Error ? error.message : String(error), 1, { cause: error })
    }
    await self.#keeper.keep(self.snapshot)
    for (const warning of warnings) log.warn(warning)
    source.watch(() => void self.reload())
    return self
  }

  /** What every role is given. */
  get #roleEnv(): Pick<AgentRoleOptions, 'baseDir' | 'report'> & { warn(message: string): void } {
    const { baseDir } = this.#source
    return { baseDir, report: this.#report, warn: (message) => this.#log.warn(message) }
  }

  get adminUrl(): string {
    return this.#admin!.url
  }

  /** Where the listeners are bound, by name. */
  get addresses(): Readonly<Record<string, string>> {
    return this.#gateway.addresses
  }

  /** Where DNS is answered: UDP and TCP as `host:port`, HTTP as a URL. */
  get dnsAddresses(): readonly string[] {
    return this.#gslb?.addresses ?? []
  }

  get snapshot(): Snapshot {
    return this.#gateway.snapshot!
  }

  report(): GatewayReport {
    return { ...this.#gateway.report(), refused: this.#refused }
  }

  metrics(): string {
    const roles = [
      this.#gateway,
      this.#gslb,
      this.#agent,
      this.#control,
      this.#rollouts,
      this.#replication,
      this.#alerts,
      this.#logs,
    ]
    return roles.map((role) => role?.metrics() ?? '').join('')
  }

  ready(): boolean {
    return this.#gateway.serving && !this.#leaving
  }

  config(): unknown {
    return redactSecrets(this.snapshot.config)
  }

  /** One at a time, in the order asked: the file as it is when its turn comes. */
  reload(): Promise<ReloadResult> {
    const reloaded = this.#reloading.then(() => this.#reload())
    this.#reloading = reloaded.catch(() => {})
    return reloaded
  }

  dns(): GslbReport | null {
    return this.#gslb?.report() ?? null
  }

  explainDns(name: string, client: string): GslbExplanation | null {
    return this.#gslb?.explain(name, client) ?? null
  }

  starting(): boolean {
    return this.#starting
  }

  replication(): ReplicationStatus | null {
    return this.#replication?.status() ?? null
  }

  failover(): FailoverDesk | null {
    return this.#control?.desk ?? null
  }

  logs(): LogsDesk | null {
    return this.#logs?.desk ?? null
  }

  rollouts(): RolloutDesk | null {
    return this.#rollouts?.desk ?? null
  }

  releaseFaults(): ReleaseFaultDesk | null {
    return this.#rollouts?.faults ?? null
  }

  drills(): DrillDesk {
    return this.#drills!
  }

  alerts(): AlertsDesk | null {
    return this.#alerts?.desk ?? null
  }

  agent(): ProcessDesk | null {
    return this.#agent
  }

  muteDns(forMs: number): boolean {
    this.#gslb?.mute(forMs)
    return this.#gslb !== null
  }

  cutLinks(cut: LinkCut): boolean {
    return this.#control?.cut(cut, this.snapshot.config) ?? false
  }

  record(draft: EventDraft): void {
    this.#report(draft)
  }

  /** Lets requests under way finish, then ends everything. */
  async stop(): Promise<void> {
    this.#source.close()
    this.#drills?.close()
    const { drain } = this.snapshot.config
    // Not ready, and serving all the same: whoever has the address still comes here until it has left.
    this.#leaving = true
    // What is held here goes to others while this one still serves, and passes writes on to them.
    const handedOver = this.#control?.handOver()
    await addressLeft(this.snapshot.config, (message) => this.#log.info(message))
    await handedOver
    // Another controller tells people from now on.
    await this.#alerts?.close()
    await this.#rollouts?.close()
    // Somebody else is to write from now on, and begins once what is still held here has surely ended.
    await this.#control?.close()
    const complete = await this.#gateway.drain(drain)
    if (!complete) this.#log.warn(`requests were still under way after ${drain} ms; they are cut off`)
    await this.#gslb?.close()
    await this.#gateway.close()
    await this.#agent?.close()
    await this.#replication?.close()
    await this.#admin?.close()
    await this.#keeper.settled()
    await this.events.close()
    // Last: what the others said at their end is read too.
    await this.#logs?.close()
  }

  async #reload(): Promise<ReloadResult> {
    const read = await this.#source.read()
    if (!read.ok) return this.#refuse(read.problems)
    const { config } = read.snapshot
    if (!namesFiles(config) && JSON.stringify(config) === JSON.stringify(this.snapshot.config)) {
      this.#refused = null
      return { ok: true, version: this.snapshot.version }
    }
    const fixed = fixedForLife(this.snapshot.config, config)
    if (fixed.length > 0) return this.#refuse(fixed)
    let applyGslb: (() => void) | undefined
    try {
      applyGslb = await this.#gslb?.prepare(config)
    } catch (error) {
      return this.#refuse([(error as Error).message])
    }
    const applied = await this.#gateway.apply(read.snapshot)
    if (!applied.ok) return this.#refuse([applied.problem])
    applyGslb?.()
    await this.#control?.apply(config)
    this.#drills?.apply(config)
    if (this.#rollouts === null) this.#rollouts = await this.#startRollouts(config)
    else await this.#rollouts.apply(config)
    await this.#logs?.apply(config)
    await this.#alerts?.apply(config)
    if (this.#agent === null) this.#agent = (await this.#startAgent?.(config)) ?? null
    else this.#agent.apply(config.processes)
    this.#refused = null
    for (const warning of read.warnings) this.#log.warn(warning)
    // Endpoints that came or went meanwhile have taken numbers: this is the one that counts.
    await this.#keeper.keep(this.snapshot)
    return { ok: true, version: this.snapshot.version }
  }

  /** Of several processes one begins drills: the leader, or the only one that has all roles. */
  #decides({ allRoles }: GatewayProcessOptions): boolean {
    const leader = this.failover()?.nodes().leader
    return allRoles === true && (this.snapshot.config.control === undefined || leader?.self === true)
  }

  async #startAlerts(config: Config, options: GatewayProcessOptions): Promise<AlertsRole | null> {
    const { allRoles = false, lastGood = false } = options
    if (this.failover() === null && (!allRoles || config.control !== undefined)) return null
    const [control, logs] = [this.#control, this.#logs]
    return AlertsRole.start(config, { ...this.#roleEnv, source: this, control, logs, lastGood })
  }

  async #startRollouts(config: Config): Promise<RolloutRole | null> {
    if (Object.keys(config.rollouts).length === 0) return null
    const { RolloutRole } = await import('./rollout/rollout-role.ts')
    const { reached: store = null, audit = null } = this.#control ?? {}
    return RolloutRole.start(config, {
      ...this.#roleEnv,
      gateway: this.#gateway,
      store,
      audit,
      logs: () => this.#logs,
      processes: () => this.#agent?.processes() ?? [],
    })
  }

  #startGslb(config: Config): Promise<GslbRole | null> {
    return GslbRole.start(config, {
      ...this.#roleEnv,
      gatewayReport: () => this.#gateway.report(),
    })
  }

  #startControl(config: Config): Promise<ControlRole | null> {
    return startControl(config, this.#gateway, {
      ...this.#roleEnv,
      supervisor: this.#agent,
      admin: this.adminUrl,
      judged: (verdicts, shares) => this.#gslb?.judge(verdicts, shares),
    })
  }

  #refuse(problems: readonly string[]): ReloadResult {
    this.#refused = { at: new Date().toISOString(), problems }
    const { version: inForce } = this.snapshot
    const draft = snapshotRefused(this.#source.path, problems, inForce)
    this.events.append(draft)
    this.#log.error({ problems }, draft.message)
    return { ok: false, version: inForce, problems }
  }
}
