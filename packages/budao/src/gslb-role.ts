import { JudgedSites, ReportedSites, startGslb, type Gslb, type SiteShare } from '@budao/controller'
import type {
  Config,
  EventDraft,
  GatewayReport,
  GslbExplanation,
  GslbReport,
  SiteVerdict,
} from '@budao/model'

/** What a process gives to its DNS. */
export interface GslbRoleOptions {
  readonly baseDir: string
  gatewayReport(): GatewayReport
  report(event: EventDraft): void
  warn(message: string): void
}

/** DNS answers of this process, from what its own gateway knows of the sites. */
export class GslbRole {
  readonly #seen: ReportedSites
  readonly #judged: JudgedSites
  readonly #gslb: Gslb

  /** Null where the configuration has no names to answer for. Rejects where it cannot listen. */
  static async start(config: Config, options: GslbRoleOptions): Promise<GslbRole | null> {
    const { gslb, sites } = config
    if (gslb === undefined) return null
    const seen = new ReportedSites(options.gatewayReport)
    const states = new JudgedSites(seen, () => performance.now())
    try {
      const { baseDir, report, warn } = options
      const server = await startGslb(
        { gslb, sites },
        { states, traffic: () => seen.traffic, baseDir, report, warn },
      )
      return new GslbRole(seen, states, server)
    } catch (error) {
      seen.close()
      throw error
    }
  }

  private constructor(seen: ReportedSites, judged: JudgedSites, gslb: Gslb) {
    this.#seen = seen
    this.#judged = judged
    this.#gslb = gslb
  }

  /** UDP and TCP as `host:port`, HTTP as a URL. */
  get addresses(): readonly string[] {
    const { addresses, httpAddress } = this.#gslb
    return httpAddress === '' ? addresses : [...addresses, `http://${httpAddress}`]
  }

  metrics(): string {
    return this.#gslb.metrics()
  }

  /** Whatever happened may have changed a site: it is looked at in this turn of the event loop, not at the next look. */
  onEvent(): void {
    this.#seen.changed()
  }

  /** Verdicts of a quorum, which overrule what this gateway sees; to be renewed within 5 s. */
  judge(verdicts: readonly SiteVerdict[], shares: readonly SiteShare[]): void {
    this.#judged.judge(verdicts, shares)
  }

  /** As `Gslb.prepare`. */
  prepare({ gslb, sites }: Config): Promise<() => void> {
    return this.#gslb.prepare({ gslb: gslb!, sites })
  }

  report(): GslbReport {
    return this.#gslb.report()
  }

  explain(name: string, client: string): GslbExplanation | undefined {
    return this.#gslb.explain(name, client)
  }

  /** For a drill: answers nothing for so long. */
  mute(forMs: number): void {
    this.#gslb.mute(forMs)
  }

  async close(): Promise<void> {
    this.#seen.close()
    await this.#gslb.close()
  }
}
