import { ReportedSites, startGslb, type Gslb } from '@budao/controller'
import type { Config, EventDraft, GatewayReport, GslbExplanation, GslbReport } from '@budao/model'

/** What a process gives to its DNS. */
export interface GslbRoleOptions {
  readonly baseDir: string
  gatewayReport(): GatewayReport
  report(event: EventDraft): void
  warn(message: string): void
}

/** DNS answers of this process, from what its own gateway knows of the sites. */
export class GslbRole {
  readonly #sites: ReportedSites
  readonly #gslb: Gslb

  /** Null where the configuration has no names to answer for. Rejects where it cannot listen. */
  static async start(config: Config, options: GslbRoleOptions): Promise<GslbRole | null> {
    const { gslb, sites } = config
    if (gslb === undefined) return null
    const states = new ReportedSites(options.gatewayReport)
    try {
      const { baseDir, report, warn } = options
      const server = await startGslb(
        { gslb, sites },
        { states, traffic: () => states.traffic, baseDir, report, warn },
      )
      return new GslbRole(states, server)
    } catch (error) {
      states.close()
      throw error
    }
  }

  private constructor(sites: ReportedSites, gslb: Gslb) {
    this.#sites = sites
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
    this.#sites.changed()
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

  async close(): Promise<void> {
    this.#sites.close()
    await this.#gslb.close()
  }
}
