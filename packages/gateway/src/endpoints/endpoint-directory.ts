import type {
  Config,
  DirectoryResult,
  DrainReport,
  DrainTarget,
  DrainWish,
  EndpointConfig,
  EndpointRegistration,
  EventDraft,
  NameReport,
} from '@budao/model'
import type { Clock, Random } from '@budao/resilience'
import type { Service } from '../service/service.ts'
import { ChangeBatch } from './change-batch.ts'
import { desiredConfig, namesIn } from './desired-endpoints.ts'
import { DirectoryFile, type KeptDirectory } from './directory-file.ts'
import { Draining } from './draining.ts'
import { registrationRefusal, unregisteredRefusal } from './registration-checks.ts'
import { Registrations, type Lease } from './registrations.ts'
import { ResolvedNames, type ResolutionCounts } from './resolved-names.ts'
import { canSpareOf } from './spare-service.ts'

/** Changes within this time become one snapshot: at most so many a second, however many endpoints come and go. */
const COALESCE_MS = 50
/** Renewals are on the disk this much later at most. */
const RENEWALS_MS = 1_000
/** Nobody could renew while the gateway was away: after a start a lease counts at least so long, or its whole length. */
const GRACE_MS = 10_000

/** Whether changed endpoints are in force, or why not. */
export type RefreshResult = { readonly ok: true } | { readonly ok: false; readonly problem: string }

/** What the directory needs of the gateway. */
export interface DirectoryOptions {
  readonly clock: Clock
  readonly random: Random
  /** Where it is kept; undefined: only in memory. */
  readonly file: string | undefined
  /** The configuration of the file, and the services of the snapshot in force. */
  config(): Config
  services(): ReadonlyMap<string, Service>
  snapshot(): number
  /** Brings the endpoints of now into force as a new snapshot; says why it could not. */
  refresh(): Promise<RefreshResult>
  report(event: EventDraft): void
  warn(message: string): void
}

/**
 * The endpoints a gateway should have now: those of the file, what its names stand for, and those that registered. Lives on
 * the main thread; whatever changes here comes into force as a snapshot, like a reload.
 */
export class EndpointDirectory {
  readonly #draining: Draining
  readonly #options: DirectoryOptions
  readonly #file: DirectoryFile | null
  readonly #names: ResolvedNames
  readonly #registrations = new Registrations()
  /** Leases that ended and are kept since nothing else is usable. */
  readonly #overdue: Set<string> = new Set()
  #expirations = new Map<string, number>()
  readonly #changes: ChangeBatch<RefreshResult>
  #renewals: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: DirectoryOptions) {
    this.#options = options
    this.#file = options.file === undefined ? null : new DirectoryFile(options.file)
    this.#names = new ResolvedNames({
      clock: options.clock,
      random: options.random,
      report: options.report,
      onChange: () => this.#onNamesChanged(),
    })
    this.#changes = new ChangeBatch(COALESCE_MS, async () =>
      this.#closed ? { ok: false, problem: 'the gateway ends' } : options.refresh(),
    )
    this.#draining = new Draining({
      services: options.services,
      sites: () => Object.keys(options.config().sites),
      now: () => options.clock.now(),
      snapshot: options.snapshot,
      report: options.report,
    })
  }

  /** Takes over what an earlier process kept. */
  async open(): Promise<void> {
    if (this.#file === null) return
    let kept: KeptDirectory | undefined
    try {
      kept = await this.#file.load()
    } catch (error) {
      this.#options.warn(`kept endpoints cannot be used, going on without them: ${String(error)}`)
      await this.#file.putAside().catch(() => {})
      return
    }
    if (kept === undefined) return
    const [now, wallNow] = [this.#options.clock.now(), Date.now()]
    for (const { registration, expiresAt } of kept.registrations) {
      const leftMs = Math.min(registration.leaseMs, Math.max(expiresAt - wallNow, GRACE_MS))
      this.#registrations.restore({ registration, expiresAt: now + leftMs })
    }
    this.#draining.restore(kept.drains)
    this.#names.restore(new Map(Object.entries(kept.names)))
  }

  /** Resolves once every name of a configuration that may come into force was asked for. */
  prepare(config: Config): Promise<void> {
    return this.#names.watch(namesIn(config), config.dns)
  }

  /** Only the names of this configuration are needed from now on. */
  commit(config: Config): void {
    this.#names.keep(namesIn(config))
  }

  /** The configuration with the endpoints of now. */
  desired(config: Config): Config {
    return desiredConfig(config, {
      addresses: (name) => this.#names.addresses(name),
      registered: (service) =>
        config.services[service]?.registration === false
          ? []
          : this.#registrations
              .of(service)
              .filter(({ registration }) => registration.site in config.sites)
              .map(({ registration }) => endpointOf(registration)),
    })
  }

  /** Registers an endpoint, or renews and changes a registration. Resolves once it is in force and on the disk. */
  async register(registration: EndpointRegistration): Promise<DirectoryResult> {
    const { service, address } = registration
    const before = this.#registrations.get(service, address)
    const registered = this.#registrations.of(service).length
    const refused = registrationRefusal(
      registration,
      this.#options.config(),
      before === undefined,
      registered,
    )
    if (refused !== undefined) return refused
    const effect = this.#registrations.put(registration, this.#now())
    this.#overdue.delete(`${service} ${address}`)
    if (effect === 'unchanged') {
      this.#saveRenewals()
      return this.#done(effect, registration.leaseMs)
    }
    const applied = await this.#apply()
    if (!applied.ok) {
      if (before === undefined) this.#registrations.remove(service, address)
      else this.#registrations.restore(before)
      return { ok: false, code: 'not-applied', message: applied.problem }
    }
    await this.#save()
    this.#tell(
      'endpoint.registered',
      'info',
      registration,
      `Endpoint ${address} of ${service} has registered.`,
      {
        leaseMs: registration.leaseMs,
        effect,
      },
    )
    return this.#done(effect, registration.leaseMs)
  }

  /** The lease begins anew. */
  renew(service: string, address: string): DirectoryResult {
    const lease = this.#registrations.renew(service, address, this.#now())
    if (lease === undefined) return this.#notRegistered(service, address)
    this.#overdue.delete(`${service} ${address}`)
    this.#saveRenewals()
    return this.#done('unchanged', lease.registration.leaseMs)
  }

  /** Takes a registered endpoint away. The last usable one stays unless `force`. */
  async deregister(service: string, address: string, { force, reason }: DrainWish): Promise<DirectoryResult> {
    const lease = this.#registrations.get(service, address)
    if (lease === undefined) return this.#notRegistered(service, address)
    if (!force && !this.#canSpare(lease)) {
      return {
        ok: false,
        code: 'last-usable',
        message: `${address} is the last usable endpoint of ${service}`,
        hint: 'Register another one first, or use force with a reason.',
      }
    }
    this.#registrations.remove(service, address)
    this.#overdue.delete(`${service} ${address}`)
    const applied = await this.#apply()
    if (!applied.ok) {
      this.#registrations.restore(lease)
      return { ok: false, code: 'not-applied', message: applied.problem }
    }
    await this.#save()
    this.#tell(
      'endpoint.deregistered',
      'info',
      lease.registration,
      `Endpoint ${address} of ${service} has left.`,
      {
        force,
        ...(reason === '' ? {} : { reason }),
      },
    )
    return this.#done('removed', null)
  }

  /** As `Draining.drain`; resolves once it is on the disk. */
  async drain(target: DrainTarget, wish: DrainWish): Promise<DirectoryResult> {
    const result = this.#draining.drain(target, wish)
    if (result.ok) await this.#save()
    return result
  }

  /** As `Draining.undrain`; resolves once it is on the disk. */
  async undrain(target: DrainTarget, reason: string): Promise<DirectoryResult> {
    const result = this.#draining.undrain(target, reason)
    if (result.ok) await this.#save()
    return result
  }

  /** Marks the endpoints of these services that are drained, before or after they are in force. */
  markDrained(services: Iterable<Service>): void {
    this.#draining.mark(services)
  }

  drains(): DrainReport[] {
    return this.#draining.reports()
  }

  /** Call once a second: leases end, drains finish. */
  tick(): void {
    this.#draining.tick()
    let removed = 0
    for (const lease of this.#registrations.expired(this.#now())) {
      // One after the other: each has to leave something usable behind, those that go in the same second included.
      if (this.#expire(lease)) removed++
    }
    if (removed === 0) return
    void this.#apply()
    void this.#save()
  }

  /** Milliseconds until a lease ends, 0 when it has; null when the endpoint has none. */
  leaseMs(service: string, address: string): number | null {
    const lease = this.#registrations.get(service, address)
    return lease === undefined ? null : Math.max(0, Math.round(lease.expiresAt - this.#now()))
  }

  /** What an endpoint said of itself; undefined where it is not registered. */
  registration(service: string, address: string): EndpointRegistration | undefined {
    return this.#registrations.get(service, address)?.registration
  }

  names(): NameReport[] {
    return this.#names.reports()
  }

  resolutions(): ResolutionCounts[] {
    return this.#names.counts()
  }

  /** Leases that ended unrenewed since the start, by service. */
  get expirations(): ReadonlyMap<string, number> {
    return this.#expirations
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#names.close()
    if (this.#renewals !== undefined) {
      clearTimeout(this.#renewals)
      await this.#save()
    }
  }

  /** Ends a lease, or keeps it where nothing else is usable. True when it was ended. */
  #expire(lease: Lease): boolean {
    const { service, address, leaseMs } = lease.registration
    const key = `${service} ${address}`
    if (!this.#canSpare(lease)) {
      if (this.#overdue.has(key)) return false
      this.#overdue.add(key)
      this.#tell(
        'lease.kept',
        'critical',
        lease.registration,
        `The lease of ${address} has ended, and it stays: ${service} has no other usable endpoint.`,
        { leaseMs },
      )
      return false
    }
    this.#registrations.remove(service, address)
    this.#overdue.delete(key)
    this.#expirations.set(service, (this.#expirations.get(service) ?? 0) + 1)
    this.#tell(
      'lease.expired',
      'warning',
      lease.registration,
      `The lease of ${address} was not renewed: it is no longer an endpoint of ${service}.`,
      { leaseMs },
    )
    return true
  }

  /** Beside those that are to go already and are still in the snapshot in force. */
  #canSpare({ registration }: Lease): boolean {
    const service = this.#options.services().get(registration.service)
    if (service === undefined) return true
    const goes = ({ address, config }: { address: string; config: EndpointConfig }): boolean =>
      address === registration.address ||
      (config.origin?.kind === 'registered' && this.#registrations.get(service.name, address) === undefined)
    if (!service.endpoints.some(({ address }) => address === registration.address)) return true
    return canSpareOf(service, this.#now(), goes) === 'yes'
  }

  #onNamesChanged(): void {
    if (this.#closed) return
    void this.#apply()
    void this.#save()
  }

  #apply(): Promise<RefreshResult> {
    return this.#changes.run()
  }

  #saveRenewals(): void {
    this.#renewals ??= setTimeout(() => void this.#save(), RENEWALS_MS).unref()
  }

  async #save(): Promise<void> {
    clearTimeout(this.#renewals)
    this.#renewals = undefined
    try {
      await this.#file?.save(() => this.#kept())
    } catch (error) {
      this.#options.warn(`endpoints, drains and leases could not be kept for a restart: ${String(error)}`)
    }
  }

  #kept(): KeptDirectory {
    const ahead = Date.now() - this.#now()
    return {
      version: 1,
      registrations: this.#registrations.all().map(({ registration, expiresAt }) => ({
        registration,
        expiresAt: Math.round(expiresAt + ahead),
      })),
      drains: this.#draining.all(),
      names: Object.fromEntries(this.#names.all()),
    }
  }

  #now(): number {
    return this.#options.clock.now()
  }

  #notRegistered(service: string, address: string): DirectoryResult {
    return unregisteredRefusal(service, address, this.#options.config())
  }

  #done(effect: 'created' | 'changed' | 'unchanged' | 'removed', leaseMs: number | null): DirectoryResult {
    return { ok: true, effect, snapshot: this.#options.snapshot(), leaseMs }
  }

  #tell(
    kind: EventDraft['kind'],
    severity: EventDraft['severity'],
    { service, address, site }: EndpointRegistration,
    message: string,
    evidence: EventDraft['evidence'],
  ): void {
    this.#options.report({ kind, severity, subject: address, service, site, message, evidence })
  }
}

function endpointOf({ address, site, weight, release, rank }: EndpointRegistration): EndpointConfig {
  return { address, site, weight, release, rank, origin: { kind: 'registered', name: '' } }
}
