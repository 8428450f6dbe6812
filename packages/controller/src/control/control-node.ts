import type {
  Config,
  ControlConfig,
  NodeRole,
  NodesReport,
  Placement,
  SiteOpinion,
  SiteStandby,
  SiteVerdict,
} from '@budao/model'
import { parseAddress } from '@budao/model'
import type { HardCause } from '@budao/resilience'
import { SiteAgent } from '../agent/site-agent.ts'
import { Keeper } from '../keeper/keeper.ts'
import type { Hello } from '../links/frames.ts'
import type { NodeIdentity } from '../links/handshake.ts'
import { Links } from '../links/links.ts'
import type { PeerAddress } from '../links/peer-link.ts'
import { mayServe } from '../observe/gateways.ts'
import { Observer } from '../observe/observer.ts'
import { AuditFile } from './audit-file.ts'
import { controlMetrics } from './control-metrics.ts'
import { ControlJournal } from './control-journal.ts'
import type { ControlNodeOptions } from './control-node-options.ts'
import type { FailoverDesk } from '../failover-desk.ts'
import { Controller } from './controller.ts'
import { Desk } from './desk.ts'
import { handOver } from './hand-over.ts'
import { beatMsOf, peersOf, unitsIn } from './node-config.ts'
import { NodeCuts } from './node-cuts.ts'
import { nodesReport } from './nodes-report.ts'
import { NodeMessages } from './node-messages.ts'
import { keptShares } from './kept-shares.ts'
import { Positions } from './positions.ts'
import { Standbys } from './standbys.ts'
import { SpreadServices } from './spread-services.ts'
import { TimedStore } from './timed-store.ts'
import { Verdicts } from './verdicts.ts'

/** How often verdicts are told to who follows them although they stay as they are, milliseconds. */
const judgedEveryMs = 1_000

/** One node of failover: links to all others, an observer, a keeper where a gateway serves, a controller where it decides. */
export class ControlNode {
  readonly #options: ControlNodeOptions
  readonly #control: ControlConfig
  #config: Config
  readonly #peers: readonly PeerAddress[]
  readonly #domain: string
  readonly #site: string | null
  readonly #verdicts: Verdicts
  readonly #positions: Positions
  readonly #standbys: Standbys
  /** For drills. */
  readonly cuts: NodeCuts
  readonly #store: TimedStore
  readonly #journal: ControlJournal
  #links!: Links
  #observer!: Observer
  #keeper: Keeper | null = null
  #agent: SiteAgent | null = null
  /** Units that this node’s keeper has to do with. */
  #kept: readonly string[] = []
  #controller: Controller | null = null
  #desk: Desk | null = null
  #spread: SpreadServices | null = null
  #messages!: NodeMessages
  #placements: Map<string, Placement> = new Map()
  #judgedTimer: NodeJS.Timeout | undefined
  #closed = false

  /** Rejects where it cannot listen, or the audit log cannot be opened. */
  static async start(options: ControlNodeOptions): Promise<ControlNode> {
    const { config, controller, folder, report } = options
    const journal = new ControlJournal(config.node.name, report)
    if (controller)
      journal.audit = await AuditFile.open({
        folder,
        onWritable: (problem) => journal.writable(problem),
        ...(options.openAudit === undefined ? {} : { open: options.openAudit }),
      })
    const node = new ControlNode(options, journal)
    await node.#open()
    return node
  }

  private constructor(options: ControlNodeOptions, journal: ControlJournal) {
    const { config, store } = options
    const { node } = config
    const control = config.control!
    this.#options = options
    this.#config = config
    this.#control = control
    this.#journal = journal
    this.#site = control.witness ? null : node.site
    this.#domain = control.witness ? node.name : node.site
    this.#peers = peersOf(config)
    const now = (): number => options.now()
    this.cuts = new NodeCuts(store, journal, now)
    this.#store = new TimedStore(this.cuts.store, now, (problem) =>
      journal.store(control.store.type, problem),
    )
    this.#positions = new Positions(now)
    this.#standbys = new Standbys(now)
    const domains = [...new Set([this.#domain, ...this.#peers.map(({ domain }) => domain)])]
    this.#verdicts = new Verdicts(config, domains, now)
  }

  async #open(): Promise<void> {
    const { config, serving, start, controller } = this.#options
    const { name } = config.node
    const now = (): number => this.#options.now()
    const random = { next: () => Math.random() }
    this.#keeper = this.#keep()
    this.#agent = SiteAgent.of(this.#options.supervisor, this.#site, this.cuts.store, {
      exited: (service) => this.#observer?.exited(service, this.#site!),
      gone: (holder) => this.#keeper?.gone(holder),
      units: () => unitsIn(this.#config).map(({ unit }) => unit),
    })
    this.#links = await Links.open(parseAddress(this.#control.address)!, this.#peers, beatMsOf(config), {
      self: { ...this.#identity(), start },
      gate: this.cuts.gate,
      secret: this.#options.token,
      now,
      random,
      serves: () => serving?.serves() ?? true,
      question: (from, question) => this.#messages.answer(from, question, this.#desk),
      opinions: (from, { opinions, positions, standbys }) => {
        // A node speaks for itself alone, and for the domain it was let in with.
        this.#verdicts.hear(
          opinions.filter(({ observer, domain }) => observer === from.node && domain === from.domain),
        )
        this.#positions.hear(positions.filter(({ position }) => position.site === from.site))
        this.#hearStandbys(from.node, from.site, standbys)
      },
      opened: (peer) => this.#opened(peer),
      ended: (peer, cause, why, leaves) => this.#ended(peer, cause, why, leaves),
      echoed: (node, rttMs) =>
        this.#observer?.echoed(mayServe(this.#links, node) ? this.#siteOf(node) : null, rttMs),
      refused: (node, why) =>
        this.#journal.linkDown({ node, domain: this.#siteOf(node) ?? node }, 'refused', why, false),
    })
    this.#messages = new NodeMessages(this.#links, this.#keeper, this.#agent, this.#site, this.#peers)
    this.#observer = new Observer(config, {
      node: name,
      domain: this.#domain,
      peers: this.#peers,
      links: this.#links,
      store: this.cuts.store,
      random,
      now,
      baseDir: this.#options.baseDir,
      warn: (message) => this.#options.warn(message),
      traffic: () => serving?.traffic() ?? [],
      paces: (service, all) => serving?.paces(service, all) ?? [],
      told: (service, site) => this.#verdicts.told(service, site, name),
      tell: (opinions) => this.#tell(opinions),
    })
    this.#verdicts.subscribe((service, before) => this.#judged(service, before))
    this.#judgedTimer = setInterval(() => {
      if (this.#controller === null) this.#verdicts.judge()
      this.#follow()
    }, judgedEveryMs)
    this.#judgedTimer.unref()
    if (!controller) return
    this.#controller = this.#decide(random)
    this.#spread = new SpreadServices(config, {
      store: this.#store,
      verdicts: (service) => this.#verdicts.of(service),
      term: () => this.#controller?.term ?? null,
      publish: (placement, timeoutMs) => this.#publish(placement, timeoutMs),
    })
    this.#desk = new Desk({
      node: name,
      controller: this.#controller,
      store: this.#store,
      audit: this.#journal.audit!,
      journal: this.#journal,
      nodes: () => this.nodes(),
      watched: () => this.#verdicts.reports(),
      drained: (sites) => {
        this.#controller?.drained(sites)
        this.#spread?.drained(sites)
      },
    })
  }

  /** Null where no controller is. */
  get audit(): AuditFile | null {
    return this.#journal.audit
  }

  /** What people ask of failover; null where nothing is decided here. */
  get desk(): FailoverDesk | null {
    return this.#desk
  }

  /** Prometheus text. */
  metrics(): string {
    const { audit, counts } = this.#journal
    const file = audit === null ? null : { writable: audit.problem === null, lost: audit.lost }
    return controlMetrics(
      this.nodes(),
      this.#controller?.reports() ?? [],
      this.#verdicts.reports(),
      counts,
      file,
    )
  }

  /** Links, leader and store as this node sees them. */
  nodes(): NodesReport {
    return nodesReport({
      self: this.#identity(),
      control: this.#control,
      peers: this.#peers,
      links: this.#links,
      store: this.#store,
      leader: this.#controller?.leader ?? null,
      leads: this.#controller !== null && this.#controller.term !== null,
      abstains: (node) =>
        node === this.#config.node.name ? this.#observer.abstains : this.#verdicts.abstains(node),
    })
  }

  /** Another configuration is in force. `node` and `control` are for life. */
  async apply(config: Config): Promise<void> {
    this.#config = config
    this.#verdicts.watch(config)
    this.#observer.watch(config)
    await this.#keeper?.close()
    // The next one goes on with the leases of the same process: their memory is the gateway’s.
    this.#keeper = this.#keep()
    this.#messages = new NodeMessages(this.#links, this.#keeper, this.#agent, this.#site, this.#peers)
    this.#controller?.units(unitsIn(config))
    this.#spread?.apply(config)
  }

  /** Gives away what its gateway holds, within the bound of the configuration; it goes on serving meanwhile. */
  async handOver(): Promise<void> {
    const boundMs = this.#control.handOver
    if (boundMs === 0 || this.#keeper === null || this.#site === null) return
    await handOver(
      {
        node: this.#config.node.name,
        site: this.#site,
        keeper: this.#keeper,
        links: this.#links,
        desk: this.#desk,
        report: (event) => this.#options.report(event),
      },
      boundMs,
    )
  }

  /** Says good-bye: leases end, somebody else leads at once. */
  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#judgedTimer)
    this.#agent?.close()
    this.#controller?.close()
    this.#observer.close()
    // Nobody says any more that a site is slow.
    this.#options.serving?.keep([])
    await this.#keeper?.close()
    await this.#links.close()
    await this.#journal.audit?.close()
    this.#options.store.close()
  }

  /** The keeper of this site’s leases; null where no gateway serves. */
  #keep(): Keeper | null {
    const { serving, start, now } = this.#options
    const { store } = this.cuts
    const site = this.#site
    if (serving === null || site === null) return null
    const kept = unitsIn(this.#config).filter(({ sites }) => sites.includes(site))
    this.#kept = kept.map(({ unit }) => unit)
    return new Keeper({
      node: this.#config.node.name,
      start,
      site,
      store,
      units: kept,
      lease: (unit) => serving.lease(unit),
      settle: (unit, epoch) => serving.settle(unit, epoch),
      usable: (unit) => serving.usable(unit),
      data: (service) => serving.data(service),
      placed: (placement, holder) => serving.placed(placement, holder),
      now,
    })
  }

  #decide(random: { next(): number }): Controller {
    const { config, start } = this.#options
    const { name } = config.node
    return new Controller(unitsIn(this.#config), {
      self: `${name}#${start}`,
      node: name,
      store: this.#store,
      verdicts: this.#verdicts,
      random,
      now: () => this.#options.now(),
      wall: () => Date.now(),
      positions: (unit) => this.#positions.of(unit),
      standbys: (service) => this.#standbys.of(service),
      order: (order, timeoutMs) => this.#messages.order(order, timeoutMs),
      publish: (placement, timeoutMs) => this.#publish(placement, timeoutMs),
      notify: (notice) => this.#journal.notify(notice),
      replied: (reply) => this.#desk?.replied(reply),
      audit: (draft) => this.#journal.record(draft),
      leads: (term) => {
        this.#journal.leads(term)
        this.#spread?.look()
        if (term === null) this.#desk?.unled()
      },
      leader: () => undefined,
      record: (key, record) => {
        if (this.#spread?.seen(key, record) !== true) this.#desk?.seen(key, record)
      },
      unrecorded: (unit) => this.#journal.unrecorded(unit),
    })
  }

  #identity(): Omit<NodeIdentity, 'start'> {
    const [site, domain, roles] = [this.#site, this.#domain, this.#roles()]
    return { node: this.#config.node.name, site, domain, roles, admin: this.#options.admin }
  }

  #roles(): NodeRole[] {
    const { serving, controller } = this.#options
    return [
      'observer',
      ...(serving !== null && this.#site !== null ? (['keeper'] as const) : []),
      ...(controller ? (['controller'] as const) : []),
      ...(this.#agent === null ? [] : (['agent'] as const)),
    ]
  }

  #siteOf(node: string): string | null {
    return this.#peers.find((peer) => peer.node === node)?.site ?? null
  }

  #tell(opinions: readonly SiteOpinion[]): void {
    this.#verdicts.hear(opinions)
    const positions = this.#kept.flatMap((unit) => {
      const position = this.#keeper?.position(unit)
      return position === undefined ? [] : [{ unit, position }]
    })
    this.#positions.hear(positions)
    const standbys = this.#agent?.standbys() ?? []
    this.#hearStandbys(this.#config.node.name, this.#site, standbys)
    this.#links.tellAll({ t: 'opinions', opinions, positions, standbys })
  }

  #hearStandbys(node: string, site: string | null, standbys: readonly SiteStandby[]): void {
    this.#standbys.hear(node, site, standbys)
    for (const { service, site: there, state } of standbys)
      if (state === 'starting') this.#observer?.starting(service, there)
  }

  #opened(peer: Hello): void {
    this.#journal.linkUp(peer)
    if (this.#controller?.term === null) return
    // Who was away while something was published gets it now; an epoch it knows changes nothing.
    for (const placement of this.#placements.values())
      void this.#links.ask(peer.node, { kind: 'place', placement }, 1_000)
  }

  #ended(peer: Hello, cause: HardCause | null, why: string, leaves: boolean): void {
    if (this.#closed) return
    this.#journal.linkDown(peer, leaves ? 'left' : (cause ?? 'unknown'), why, cause === null && !leaves)
    if (cause === null && !leaves) return
    this.#controller?.gone(`${peer.node}#${peer.start}`)
    this.#observer.gone(peer.node, peer.site, cause ?? 'closed')
  }

  #publish(placement: Placement, timeoutMs: number): Promise<void> {
    this.#placements.set(placement.unit, placement)
    return this.#messages.publish(placement, timeoutMs)
  }

  /** Whoever goes by the verdicts is told those of now. */
  #follow(): void {
    const { all } = this.#verdicts
    const shares = keptShares(this.#config, all)
    this.#options.judged?.(all, shares)
    this.#options.serving?.keep(shares)
    this.#spread?.look()
  }

  #judged(service: string, before: readonly SiteVerdict[]): void {
    this.#follow()
    if (this.#controller === null) return
    const told = this.#verdicts.of(service).filter(({ site }) => !this.#standbys.isCold(service, site))
    this.#journal.judged(before, told)
  }
}
