import type { SlowEvidence } from '@budao/model'
import { paceEveryMs, SlowSites, type SitePace, type SlownessOptions } from '@budao/resilience'
import type { Network } from './network.ts'
import { sites } from './schedule.ts'
import type { SimBackend } from './sim-backend.ts'
import type { SimProcess } from './sim-process.ts'

const timeoutMs = 2_000
const echoEveryMs = 500

/** How fast the sites’ backends answer one process, held against each other; what the network takes is left out. */
export class SimPace {
  readonly #process: SimProcess
  readonly #network: Network
  readonly #backends: readonly SimBackend[]
  readonly #nodes: readonly SimProcess[]
  readonly #slow: SlowSites
  readonly #everyMs: number
  readonly #state: (site: number) => string
  readonly #abstains: () => boolean
  /** By site: the slowest echo of its gateway since the last look, and the one before. */
  readonly #echoMs: number[] = sites.map(() => 0)
  readonly #keptMs: number[] = sites.map(() => 0)
  readonly #probeMs: (number | null)[] = sites.map(() => null)

  constructor(
    process: SimProcess,
    network: Network,
    backends: readonly SimBackend[],
    nodes: readonly SimProcess[],
    options: SlownessOptions,
    detectors: { state(site: number): string; abstains(): boolean },
  ) {
    this.#process = process
    this.#network = network
    this.#backends = backends
    this.#nodes = nodes
    this.#slow = new SlowSites(sites, options)
    this.#everyMs = paceEveryMs(options.holdMs)
    this.#state = (site) => detectors.state(site)
    this.#abstains = () => detectors.abstains()
    for (const index of sites.keys()) if (nodes[index]!.domain !== process.domain) this.#echo(index)
    this.#turn()
  }

  /** The process was away. */
  skip(): void {
    this.#slow.skip(this.#process.now())
    this.#probeMs.fill(null)
  }

  slow(site: number): SlowEvidence | null {
    return this.#slow.evidence(sites[site]!)
  }

  #turn(): void {
    this.#process.after(this.#everyMs, () => this.#turn())
    if (this.#abstains()) this.skip()
    else this.#look()
    for (const index of sites.keys()) this.#ask(index)
  }

  #look(): void {
    const paces = new Map<string, SitePace>()
    for (const [index, site] of sites.entries()) {
      if (this.#echoMs[index]! > 0) this.#keptMs[index] = this.#echoMs[index]!
      this.#echoMs[index] = 0
      const probed = this.#probeMs[index]!
      if (this.#state(index) !== 'up' || probed === null) continue
      paces.set(site, { traffic: null, probes: Math.max(0, probed - this.#keptMs[index]!) })
    }
    this.#probeMs.fill(null)
    this.#slow.observe(paces, this.#process.now())
  }

  #ask(index: number): void {
    this.#timed(this.#backends[index]!.process, (ms) => {
      this.#probeMs[index] = ms
    })
  }

  #echo(index: number): void {
    this.#process.after(echoEveryMs, () => this.#echo(index))
    this.#timed(this.#nodes[index]!, (ms) => {
      this.#echoMs[index] = Math.max(this.#echoMs[index]!, ms)
    })
  }

  #timed(to: SimProcess, answered: (ms: number) => void): void {
    const sentAt = this.#process.now()
    const backend = this.#backends.find(({ process }) => process === to)
    this.#network.request<null>(
      this.#process,
      to,
      (answer) => (backend === undefined ? answer(null) : backend.serve(() => answer(null))),
      timeoutMs,
      (reply) => {
        if (reply !== 'refused' && reply !== 'timeout') answered(this.#process.now() - sentAt)
      },
    )
  }
}
