import type { EventDraft } from '@budao/model'
import type { Service } from './service.ts'
import { SheddingWatch } from './shedding-watch.ts'

/** Notices what ends by time or by numbers, which no request reports: ejections that are over, panic and shedding that begin or end. */
export class ServiceWatch {
  readonly #report: (event: EventDraft) => void
  readonly #shedding: SheddingWatch
  readonly #panicking: Set<string> = new Set()
  /** Endpoints whose ejection was reported and not yet its end, by service and address. */
  readonly #ejected: Set<string> = new Set()

  constructor(report: (event: EventDraft) => void) {
    this.#report = report
    this.#shedding = new SheddingWatch(report)
  }

  /** An ejection begins with a request, whose thread reports it. */
  onEjected(service: string, address: string): void {
    this.#ejected.add(`${service} ${address}`)
  }

  /** Call once a second. */
  look(services: Iterable<Service>, now: number): void {
    const there = new Set<string>()
    for (const service of services) {
      service.breaker?.observe(now)
      this.#lookAtEjections(service, now, there)
      this.#lookAtPanic(service, now)
      this.#shedding.look(service, now)
    }
    // Endpoints that are gone do not return.
    for (const key of this.#ejected) if (!there.has(key)) this.#ejected.delete(key)
  }

  #lookAtEjections({ name, set, endpoints }: Service, now: number, there: Set<string>): void {
    if (this.#ejected.size === 0) return
    for (const [index, { address, site }] of endpoints.entries()) {
      const key = `${name} ${address}`
      there.add(key)
      if (set.ejectedForMs(index, now) > 0 || !this.#ejected.delete(key)) continue
      this.#report({
        kind: 'endpoint.returned',
        severity: 'info',
        subject: address,
        service: name,
        site,
        message: `The ejection of endpoint ${address} has ended: it gets requests again, on probation.`,
        evidence: { usable: set.usable(now), endpoints: endpoints.length },
      })
    }
  }

  #lookAtPanic(service: Service, now: number): void {
    const panic = service.set.panic(now)
    if (panic === this.#panicking.has(service.name)) return
    if (panic) this.#panicking.add(service.name)
    else this.#panicking.delete(service.name)
    this.#report({
      kind: panic ? 'service.panic' : 'service.panic-ended',
      severity: panic ? 'critical' : 'info',
      subject: service.name,
      service: service.name,
      message: panic
        ? `So few endpoints of ${service.name} are usable that their health is ignored.`
        : `Enough endpoints of ${service.name} are usable again: their health counts.`,
      evidence: { usable: service.set.usable(now), endpoints: service.endpoints.length },
    })
  }
}
