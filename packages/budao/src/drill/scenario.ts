import type { DrillScenario } from '@budao/model'
import type { BadRelease } from './faults/bad-release.ts'
import type { Fault } from './faults/fault.ts'
import type { KnownProcess } from './faults/known-process.ts'

/** What a fault is done to. */
export interface Targets {
  /** Found running, and verified. */
  readonly processes: readonly KnownProcess[]
  /** Addresses of the site's endpoints. */
  readonly endpoints: readonly string[]
  /** Who takes packets away. */
  readonly cutter: Cutter
  /** Origin of the admin API of whoever answers DNS. */
  readonly dnsAdmin: string
  /** Origin of the admin API of the node whose links are cut. */
  readonly nodeAdmin: string
}

/** How packets of an endpoint are lost: by rules of the kernel, or by relays in front of the endpoints. */
export type Cutter = { readonly by: 'firewall' } | { readonly by: 'relay'; readonly control: string }

/** One way to fail something: what it needs, what it does, who ends it, what users may see of it. */
export interface Scenario {
  readonly name: DrillScenario
  /** For the help and for lists. */
  readonly summary: string
  /** What must be named for it: processes of the site, one of them, its endpoints, a controller's processes, the one that leads, a DNS server, this node's links. */
  readonly hits: 'all processes' | 'one process' | 'endpoints' | 'controllers' | 'leader' | 'dns' | 'links'
  /** `drill`: the drill takes it back. `supervisor`: whoever restarts dead processes. */
  readonly endedBy: 'drill' | 'supervisor'
  /** `no read`: reads can be tried elsewhere at once, so none may fail. `objective`: until the objective's time is over. */
  readonly mayFail: 'no read' | 'objective'
  fault(targets: Targets): Exclude<Fault, BadRelease>
}
