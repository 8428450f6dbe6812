import type { Config, CoordinationStore, ServiceConfig, SiteOpinion } from '@budao/model'
import {
  carryingEndpoints,
  carryingReleases,
  isWatched,
  opinionEveryMs,
  slownessSettings,
} from '@budao/model'
import { LocalHealth, type DetectorState, type HardCause } from '@budao/resilience'
import type { Links } from '../links/links.ts'
import type { ProbeTls } from './endpoint-probe.ts'
import { EndpointTls } from './endpoint-tls.ts'
import { mayServe } from './gateways.ts'
import { LoopDelay } from './loop-delay.ts'
import { NodePlace } from './node-place.ts'
import { ServicePace, type SeenPace, type ToldPace } from './service-pace.ts'
import { SiteWatch, type TrafficCounts } from './site-watch.ts'
import { WholeRollouts } from './whole-rollouts.ts'

const turnMs = 50

/** What an observer has to do with. */
export interface ObserverWorld {
  readonly node: string
  /** What it would be lost with. */
  readonly domain: string
  /** All other nodes, with their domains. */
  readonly peers: readonly { readonly node: string; readonly site: string | null; readonly domain: string }[]
  readonly links: Pick<Links, 'probe' | 'ask' | 'get'>
  /** Where rollouts stand. */
  readonly store: Pick<CoordinationStore, 'watch'>
  readonly random: { next(): number }
  /** Relative paths of the configuration start here. */
  readonly baseDir: string
  readonly warn: (message: string) => void
  now(): number
  /** Real requests of this process since the last look; none where nobody serves here. */
  traffic(): readonly { readonly service: string; readonly site: string; readonly counts: TrafficCounts }[]
  /** As `ServicePaceWorld` has them; none where nobody serves here. */
  paces(service: string, all: boolean): readonly SeenPace[]
  told(service: string, site: string): readonly ToldPace[]
  tell(opinions: readonly SiteOpinion[]): void
}

/** What an observer looks at of a configuration. */
type Watched = Pick<Config, 'services' | 'routes' | 'rollouts'>

/** Watches every site of every service that is watched, and tells all controllers what it thinks. */
export class Observer {
  readonly #world: ObserverWorld
  readonly #health: LocalHealth
  readonly #delay = new LoopDelay()
  readonly #whole: WholeRollouts
  #config: Watched
  #watches: readonly SiteWatch[] = []
  #paces: readonly ServicePace[] = []
  /** What each service that is watched was when its watches began. */
  #settings: ReadonlyMap<string, string> = new Map()
  readonly #timer: NodeJS.Timeout
  #states: Map<SiteWatch, DetectorState> = new Map()
  #toldAt = -Infinity
  #turnAt: number

  constructor(config: Watched, world: ObserverWorld) {
    this.#world = world
    this.#config = config
    this.#whole = new WholeRollouts(world.store, () => this.watch(this.#config))
    const now = world.now()
    this.#turnAt = now
    this.#health = new LocalHealth(now)
    this.watch(config)
    this.#timer = setInterval(() => this.#turn(), turnMs)
    this.#timer.unref()
  }

  /**
   * Another configuration is in force, or other releases carry a service. A service that has changed is watched anew, and taken for up
   * until more is known; the others are known as before. Endpoints that nobody would miss are not looked at.
   */
  watch(config: Watched): void {
    this.#config = config
    const carrying = carryingReleases(config, this.#whole.names)
    const services = Object.fromEntries(
      Object.entries(config.services)
        .filter(([, settings]) => isWatched(settings))
        .map(([service, settings]) => {
          const endpoints = carryingEndpoints(settings.endpoints, carrying.get(service))
          return [service, { ...settings, endpoints }]
        }),
    )
    const before = this.#settings
    this.#settings = new Map(
      Object.entries(services).map(([service, settings]) => [service, JSON.stringify(settings)]),
    )
    const kept = this.#watches.filter(({ service }) => before.get(service) === this.#settings.get(service))
    for (const watch of this.#watches) if (!kept.includes(watch)) watch.close()
    const changed = [...this.#settings.keys()].filter(
      (service) => before.get(service) !== this.#settings.get(service),
    )
    const fresh = changed.flatMap((service) => this.#watchesOf(service, services[service]!))
    this.#watches = [...kept, ...fresh]
    this.#paces = [
      ...this.#paces.filter(({ service }) => kept.some((watch) => watch.service === service)),
      ...changed.flatMap((service) => this.#paceOf(service, services[service]!, fresh) ?? []),
    ]
    this.#states = new Map(this.#watches.map((watch) => [watch, watch.state]))
  }

  /** Null: its word counts. */
  get abstains(): string | null {
    return this.#health.abstains(this.#world.now())
  }

  /** The opinions of now. */
  opinions(): readonly SiteOpinion[] {
    const now = this.#world.now()
    const { node: observer, domain } = this.#world
    return this.#watches.map((watch) => {
      const pace = this.#paces.find(({ service }) => service === watch.service)
      const { site } = watch
      const abstains = this.#health.abstains(now, watch.gone)
      const how = { slow: pace?.slow(site) ?? null, traffic: pace?.traffic(site) ?? null }
      return watch.opinion(now, { observer, domain, abstains }, how)
    })
  }

  /** A node echoed a beat. */
  echoed(site: string | null, rttMs: number): void {
    for (const watch of this.#watches) if (watch.site === site) watch.beat(rttMs)
  }

  /** The kernel’s word, or its own, that the process of a node is gone. Others of its site may live. */
  gone(node: string, site: string | null, cause: HardCause): void {
    const { peers, links } = this.#world
    const others = peers.filter(
      (peer) => peer.site === site && peer.node !== node && mayServe(links, peer.node),
    )
    if (others.some((peer) => (links.get(peer.node)?.peer ?? null) !== null)) return
    for (const watch of this.#watches) if (watch.site === site) watch.hard(cause)
  }

  /** A supervisor’s word that the last process of a service at a site is gone. */
  exited(service: string, site: string): void {
    for (const watch of this.#watches) if (watch.service === service && watch.site === site) watch.exited()
  }

  /** Agents there say that the processes of a service are being started, which were cold. */
  starting(service: string, site: string): void {
    const now = this.#world.now()
    for (const watch of this.#watches) if (watch.service === service && watch.site === site) watch.expect(now)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#whole.close()
    for (const watch of this.#watches) watch.close()
  }

  #watchesOf(service: string, settings: ServiceConfig): SiteWatch[] {
    const { peers, domain, links, random } = this.#world
    const world = {
      now: () => this.#world.now(),
      random,
      tls: this.#tlsOf(service, settings),
      changed: (watch: SiteWatch) => this.#changed(watch),
    }
    return [...new Set(settings.endpoints.map(({ site }) => site))].map((site) => {
      const there = peers.filter((peer) => peer.site === site).map(({ node }) => node)
      const nodes = site === domain || there.length === 0 ? null : new NodePlace(links, there)
      return new SiteWatch(service, site, settings, nodes, world)
    })
  }

  #tlsOf(service: string, { tls }: ServiceConfig): ProbeTls {
    if (tls === undefined) return 'none'
    const { baseDir, warn } = this.#world
    try {
      return new EndpointTls(tls, baseDir, () => this.#world.now())
    } catch (error) {
      // What is alive must not look dead because a file is missing here.
      const problem = (error as Error).message
      warn(`services.${service}.tls: ${problem}; its endpoints are only connected to from here, not asked`)
      return 'unknown'
    }
  }

  #paceOf(service: string, { detection }: ServiceConfig, watches: readonly SiteWatch[]): ServicePace | null {
    const options = slownessSettings(detection)
    const { domain } = this.#world
    const own = watches.filter((watch) => watch.service === service)
    // With nothing to compare with nothing is slow.
    if (options === null || own.length < 2) return null
    const world = {
      domain,
      paces: (of: string, all: boolean) => this.#world.paces(of, all),
      told: (of: string, site: string) => this.#world.told(of, site),
    }
    return new ServicePace(service, own, options, world, this.#world.now())
  }

  #turn(): void {
    const now = this.#world.now()
    this.#delay.turn(now - this.#turnAt - turnMs)
    this.#turnAt = now
    this.#lookAround(now)
    this.#health.loopDelay(this.#delay.lateMs, now)
    for (const { service, site, counts } of this.#world.traffic())
      for (const watch of this.#watches)
        if (watch.service === service && watch.site === site) watch.traffic(counts)
    this.#step(now)
    const abstains = this.#health.abstains(now) !== null
    // Each of them looks, whatever another one has found.
    if (this.#paces.filter((pace) => pace.step(now, abstains)).length > 0) this.#note(now)
    if (now - this.#toldAt >= opinionEveryMs) this.#say(now)
  }

  /** Something was heard: the process may have been away before, and the state may be another one after. */
  #changed(watch: SiteWatch): void {
    const now = this.#world.now()
    this.#lookAround(now)
    watch.step(now, this.#health.stretch)
    if (this.#states.get(watch) !== watch.state) this.#note(now)
  }

  #step(now: number): void {
    for (const watch of this.#watches) watch.step(now, this.#health.stretch)
    if (this.#watches.some((watch) => this.#states.get(watch) !== watch.state)) this.#note(now)
  }

  /** A state has changed: everybody is told at once. */
  #note(now: number): void {
    for (const watch of this.#watches) this.#states.set(watch, watch.state)
    this.#say(now)
  }

  #lookAround(now: number): void {
    if (!this.#health.turn(now)) return
    this.#delay.forget()
    for (const watch of this.#watches) watch.restart(now)
    for (const pace of this.#paces) pace.skip(now)
  }

  #say(now: number): void {
    this.#toldAt = now
    const { peers, domain } = this.#world
    // A domain fails from here when nothing of it is well: neither a watch over it nor a link to one of its nodes.
    const domains = new Set([domain, ...peers.map((peer) => peer.domain)])
    const failing = [...domains].filter((each) => each !== domain && !this.#isSeen(each))
    const cutOffSince = this.#health.domains(failing.length, domains.size, now)
    if (cutOffSince !== null) for (const watch of this.#watches) watch.forget(cutOffSince, now)
    this.#world.tell(this.opinions())
  }

  #isSeen(domain: string): boolean {
    const { peers, links } = this.#world
    return (
      this.#watches.some((watch) => watch.site === domain && watch.state === 'up') ||
      peers.some((peer) => peer.domain === domain && (links.get(peer.node)?.peer ?? null) !== null)
    )
  }
}
