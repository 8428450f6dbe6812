import { isWatched, type Config, type SiteOpinion, type SiteVerdict, type WatchedReport } from '@budao/model'
import type { ToldPace } from '../observe/service-pace.ts'
import { judgeSite, meaningOf, opinionStaleMs, type HeardOpinion } from '../failover/verdict.ts'

/** Words older than this are forgotten altogether, milliseconds: long after they have stopped to count. */
const forgetMs = 10_000

/** What all observers say, and what follows from it for every site of every service that is watched. */
export class Verdicts {
  readonly #domains: readonly string[]
  readonly #now: () => number
  /** By service and site, then by observer. */
  readonly #heard: Map<string, Map<string, HeardOpinion>> = new Map()
  #services: ReadonlyMap<string, readonly string[]> = new Map()
  #verdicts: ReadonlyMap<string, readonly SiteVerdict[]> = new Map()
  readonly #listeners: Set<(service: string, before: readonly SiteVerdict[]) => void> = new Set()

  /** `domains`: all whose observers are expected. */
  constructor(config: Pick<Config, 'services'>, domains: readonly string[], now: () => number) {
    this.#domains = domains
    this.#now = now
    this.watch(config)
  }

  /** Another configuration is in force: what was heard of a site that is still there counts on. */
  watch({ services }: Pick<Config, 'services'>): void {
    this.#services = new Map(
      Object.entries(services)
        .filter(([, settings]) => isWatched(settings))
        .map(([service, { endpoints }]) => [service, [...new Set(endpoints.map(({ site }) => site))]]),
    )
    for (const [key, words] of this.#heard) {
      const [service = '', site = ''] = key.split(' ')
      if (this.#services.get(service)?.includes(site) !== true) words.clear()
    }
    this.#verdicts = new Map([...this.#verdicts].filter(([service]) => this.#services.has(service)))
    this.judge()
  }

  /** As they are at this moment, with the ages of the words. */
  of(service: string): readonly SiteVerdict[] {
    return (this.#services.get(service) ?? []).map((site) => this.#judge(service, site))
  }

  /** All of them, as they were judged last. */
  get all(): readonly SiteVerdict[] {
    return [...this.#verdicts.values()].flat()
  }

  /** Service by service, with the ages of the words. */
  reports(): readonly WatchedReport[] {
    return [...this.#services.keys()].map((service) => ({ service, verdicts: this.of(service) }))
  }

  /** Why the word of an observer does not count, as it said last; null: it does. */
  abstains(observer: string): string | null {
    for (const words of this.#heard.values()) {
      const word = words.get(observer)
      if (word !== undefined) return word.opinion.abstains
    }
    return null
  }

  /** How fast a site answers real requests, by the words of now of others that are well. */
  told(service: string, site: string, except: string): readonly ToldPace[] {
    const now = this.#now()
    const words = this.#heard.get(`${service} ${site}`)?.values() ?? []
    return [...words].flatMap(({ opinion: { observer, domain, abstains, traffic }, at }) =>
      observer === except || abstains !== null || traffic === undefined || now - at > opinionStaleMs
        ? []
        : [{ domain, traffic }],
    )
  }

  /** Called when a verdict of a service has become another one. */
  subscribe(listener: (service: string, before: readonly SiteVerdict[]) => void): void {
    this.#listeners.add(listener)
  }

  hear(opinions: readonly SiteOpinion[]): void {
    const at = this.#now()
    const changed = new Set<string>()
    for (const opinion of opinions) {
      const { service, site, observer, state, abstains } = opinion
      if (this.#services.get(service)?.includes(site) !== true) continue
      const key = `${service} ${site}`
      let words = this.#heard.get(key)
      if (words === undefined) this.#heard.set(key, (words = new Map()))
      const before = words.get(observer)?.opinion
      words.set(observer, { opinion, at })
      const same =
        before?.state === state &&
        before.abstains === abstains &&
        (before.slow === undefined) === (opinion.slow === undefined) &&
        before.evidence.causes.length === opinion.evidence.causes.length
      if (!same) changed.add(service)
    }
    for (const service of changed) this.#look(service)
  }

  /** Looks again: words may have grown too old. */
  judge(): void {
    const forgotten = this.#now() - forgetMs
    for (const words of this.#heard.values())
      for (const [observer, { at }] of words) if (at < forgotten) words.delete(observer)
    for (const service of this.#services.keys()) this.#look(service)
  }

  #look(service: string): void {
    const before = this.#verdicts.get(service) ?? []
    const next = this.of(service)
    const same =
      before.length === next.length &&
      next.every((verdict, index) => meaningOf(before[index]!) === meaningOf(verdict))
    if (same) return
    this.#verdicts = new Map(this.#verdicts).set(service, next)
    for (const listener of this.#listeners) listener(service, before)
  }

  #judge(service: string, site: string): SiteVerdict {
    const words = this.#heard.get(`${service} ${site}`)
    return judgeSite(
      service,
      site,
      words === undefined ? [] : [...words.values()],
      this.#domains,
      this.#now(),
    )
  }
}
