import type { DirectoryResult, DrainReport, DrainTarget, DrainWish, EventDraft } from '@budao/model'
import type { Endpoint, Service } from '../service/service.ts'
import { Drains, DRAINS_MAX, holds, type Drain } from './drains.ts'
import { canSpareOf } from './spare-service.ts'

/** What draining needs of the gateway. */
export interface DrainingOptions {
  /** The services in force. */
  services(): ReadonlyMap<string, Service>
  sites(): readonly string[]
  /** Monotonic milliseconds. */
  now(): number
  snapshot(): number
  report(event: EventDraft): void
}

/**
 * Takes endpoints and sites out of the traffic and puts them back: no new request goes there, those under way end in peace.
 * Refuses what would leave a service without a usable endpoint, unless a person insists.
 */
export class Draining {
  readonly #options: DrainingOptions
  readonly #drains = new Drains()
  /** Drains whose end has not been reported yet. */
  readonly #unfinished: Set<Drain> = new Set()

  constructor(options: DrainingOptions) {
    this.#options = options
  }

  /** Takes over drains of an earlier process. */
  restore(drains: readonly Drain[]): void {
    for (const drain of drains.slice(0, DRAINS_MAX)) this.#drains.put(drain)
  }

  all(): Drain[] {
    return this.#drains.all()
  }

  /** Marks the endpoints of these services, before or after they are in force. */
  mark(services: Iterable<Service>): void {
    for (const service of services) {
      for (const [index, { address, site }] of service.endpoints.entries()) {
        const drained = this.#drains.holdsFor(service.name, address, site)
        if (service.set.isDraining(index) !== drained) service.set.setDraining(index, drained)
      }
    }
  }

  drain(target: DrainTarget, { reason, force }: DrainWish): DirectoryResult {
    const unknown = this.#unknown(target)
    if (unknown !== undefined) return unknown
    if (this.#drains.has(target)) return this.#done('unchanged')
    if (this.#drains.size >= DRAINS_MAX) {
      return {
        ok: false,
        code: 'too-many-drains',
        message: `${DRAINS_MAX} drains are remembered already`,
        hint: 'Undo those that are no longer needed.',
      }
    }
    const lost = force ? [] : this.#lost(target)
    if (lost.length > 0) {
      return {
        ok: false,
        code: 'last-usable',
        message: `${nameOf(target)} cannot be spared: ${lost.join('; ')}`,
        hint: 'Bring others up first, or use force with a reason.',
      }
    }
    const drain: Drain = { target, since: new Date().toISOString(), reason }
    this.#drains.put(drain)
    this.#unfinished.add(drain)
    this.mark(this.#options.services().values())
    this.#tell('drain.started', 'warning', drain, `${nameOf(target)} gets no new requests: ${reason}`, {
      force,
    })
    return this.#done('created')
  }

  undrain(target: DrainTarget, reason: string): DirectoryResult {
    const drain = this.all().find((one) => nameOf(one.target) === nameOf(target))
    if (drain === undefined || !this.#drains.remove(target))
      return this.#unknown(target) ?? this.#done('unchanged')
    this.#unfinished.delete(drain)
    this.mark(this.#options.services().values())
    this.#tell('drain.ended', 'info', drain, `${nameOf(target)} gets requests again.`, {
      ...(reason === '' ? {} : { undoneBecause: reason }),
    })
    return this.#done('removed')
  }

  /** Call once a second: says when nothing is under way any more at what is drained. */
  tick(): void {
    for (const drain of this.#unfinished) {
      const { inFlight, endpoints } = this.#progress(drain)
      if (inFlight > 0) continue
      this.#unfinished.delete(drain)
      this.#tell(
        'drain.finished',
        'info',
        drain,
        `${nameOf(drain.target)} is drained: nothing is under way there any more.`,
        {
          endpoints,
        },
      )
    }
  }

  reports(): DrainReport[] {
    return this.all().map((drain) => this.#progress(drain))
  }

  #unknown(target: DrainTarget): DirectoryResult | undefined {
    if ('site' in target) {
      const sites = this.#options.sites()
      if (sites.includes(target.site)) return undefined
      return {
        ok: false,
        code: 'unknown-site',
        message: `there is no site ${JSON.stringify(target.site)}`,
        hint: `Known: ${sites.join(', ')}.`,
      }
    }
    const services = this.#options.services()
    const { service, endpoint } = target
    if (service !== undefined && !services.has(service)) {
      return {
        ok: false,
        code: 'unknown-service',
        message: `there is no service ${JSON.stringify(service)}`,
        hint: `Known: ${[...services.keys()].join(', ')}.`,
      }
    }
    if (this.#matching(target).length > 0) return undefined
    return {
      ok: false,
      code: 'unknown-endpoint',
      message: `${service ?? 'no service'} has ${service === undefined ? 'an' : 'no'} endpoint ${JSON.stringify(endpoint)}`,
      hint: 'GET /api/v1/status lists the endpoints.',
    }
  }

  /** What keeps this target from being spared, one text a service. */
  #lost(target: DrainTarget): string[] {
    const now = this.#options.now()
    return [...this.#options.services().values()].flatMap((service) => {
      const verdict = canSpareOf(service, now, ({ address, site }) =>
        holds(target, service.name, address, site),
      )
      switch (verdict) {
        case 'yes':
          return []
        case 'last-usable':
          return [`service ${service.name} would have no usable endpoint left`]
        case 'last':
          return [`service ${service.name} would have no endpoint left`]
      }
    })
  }

  #matching(target: DrainTarget): Endpoint[] {
    return [...this.#options.services().values()].flatMap(({ name, endpoints }) =>
      endpoints.filter(({ address, site }) => holds(target, name, address, site)),
    )
  }

  #progress({ target, since, reason }: Drain): DrainReport {
    const endpoints = this.#matching(target)
    return {
      site: 'site' in target ? target.site : null,
      endpoint: 'site' in target ? null : target.endpoint,
      service: 'site' in target ? null : (target.service ?? null),
      since,
      reason,
      endpoints: endpoints.length,
      inFlight: endpoints.reduce((sum, { load }) => sum + load.inFlight(), 0),
    }
  }

  #done(effect: 'created' | 'unchanged' | 'removed'): DirectoryResult {
    return { ok: true, effect, snapshot: this.#options.snapshot(), leaseMs: null }
  }

  #tell(
    kind: EventDraft['kind'],
    severity: EventDraft['severity'],
    { target, reason, since }: Drain,
    message: string,
    evidence: EventDraft['evidence'],
  ): void {
    this.#options.report({
      kind,
      severity,
      subject: 'site' in target ? target.site : target.endpoint,
      ...('site' in target ? { site: target.site } : {}),
      ...('service' in target && target.service !== undefined ? { service: target.service } : {}),
      message,
      evidence: { reason, since, ...evidence },
    })
  }
}

/** The target in words. */
function nameOf(target: DrainTarget): string {
  if ('site' in target) return `Site ${target.site}`
  return `Endpoint ${target.endpoint}${target.service === undefined ? '' : ` of ${target.service}`}`
}
