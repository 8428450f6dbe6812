import type { StandbyState } from '@budao/model'
import type { SupervisedProcess } from './supervised-process.ts'

/** What an agent says of the standby processes of one service. */
export interface ServiceStandby {
  readonly service: string
  readonly state: StandbyState
  readonly ordered: boolean
  readonly why: string
}

const whyMax = 300

/**
 * The processes of an agent that are started only when work goes to their site: of a service those that serve it, what these come
 * after, and gateways, without which nothing of the site is reached.
 */
export class StandbyProcesses {
  readonly #all: () => readonly SupervisedProcess[]
  /** Services that were ready since they were started. */
  readonly #ready: Set<string> = new Set()

  constructor(all: () => readonly SupervisedProcess[]) {
    this.#all = all
  }

  reports(): readonly ServiceStandby[] {
    const services = new Set(
      this.#all().flatMap(({ config: { standby, service } }) =>
        standby && service !== undefined ? [service] : [],
      ),
    )
    return [...services].map((service) => this.#report(service))
  }

  /** Starts what is cold; says why not, empty where it does. What a person had started stays a person’s. */
  start(service: string, unit: string): string {
    const own = this.#of(service)
    if (own.length === 0) return `no standby of ${service} is looked after here`
    for (const process of own) {
      const { state, wanted } = process.report()
      if (wanted && state !== 'crash-loop' && process.orderedBy.length === 0) continue
      process.startFor(unit)
    }
    return ''
  }

  /** Lets go of what was started for the unit; what no other unit needs is stopped, those first that come after others. */
  stop(unit: string): void {
    for (const process of this.#all().toReversed())
      if (process.orderedBy.includes(unit)) process.stopFor(unit)
  }

  #report(service: string): ServiceStandby {
    const own = this.#of(service)
    const reports = own.map((process) => process.report())
    const ordered = own.some(({ orderedBy }) => orderedBy.length > 0)
    const said = (why: string): string => why.slice(0, whyMax)
    const cold = reports.find(({ wanted }) => !wanted)
    if (cold !== undefined) {
      this.#ready.delete(service)
      return { service, state: 'cold', ordered, why: `${cold.name} is not started` }
    }
    const failed = reports.find(
      ({ state, lastExit }) =>
        state === 'crash-loop' || (state === 'backing-off' && lastExit?.cause === 'unstartable'),
    )
    if (failed !== undefined) {
      const { name, state, why } = failed
      return { service, state: 'failed', ordered, why: said(`${name} is ${state}: ${why}`) }
    }
    const late = reports.find(({ state }) => state !== 'running')
    if (late === undefined) {
      this.#ready.add(service)
      return { service, state: 'warm', ordered, why: '' }
    }
    const { name, state, why } = late
    const phase = this.#ready.has(service) ? 'unwell' : 'starting'
    return { service, state: phase, ordered, why: said(`${name} is ${state}${why === '' ? '' : `: ${why}`}`) }
  }

  /** In the order of the configuration. */
  #of(service: string): readonly SupervisedProcess[] {
    const all = this.#all()
    const named = new Map(all.map((process) => [process.name, process]))
    const found = new Set<SupervisedProcess>()
    const add = (process: SupervisedProcess | undefined): void => {
      if (process === undefined || found.has(process)) return
      // What is not a standby runs anyway; what it comes after does, too.
      if (!process.config.standby) return
      found.add(process)
      for (const name of process.config.after) add(named.get(name))
    }
    for (const process of all) if (process.config.service === service) add(process)
    if (found.size === 0) return []
    for (const process of all)
      if (process.config.node !== undefined && process.config.service === undefined) add(process)
    return all.filter((process) => found.has(process))
  }
}
