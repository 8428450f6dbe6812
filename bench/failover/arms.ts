import { BudaoWorld, type Cleanup, type SiteFault, type TrialWorld } from '@budao/testkit'
import { SharedAddressWorld, type SharedAddressPrograms } from './shared-address-world.ts'

/** One way to be run at two sites, and how it is set up. */
export interface Arm {
  readonly name: string
  readonly about: string
  make(t: Cleanup, programs: TrialPrograms): TrialWorld
}

/** Paths of the real servers. */
export interface TrialPrograms extends SharedAddressPrograms {
  readonly etcd: string
  readonly realtime: boolean
}

export const arms: readonly Arm[] = [
  {
    name: 'budao',
    about: 'defaults: accelerated detection, the lease runs out before the next site writes',
    make: (t, { realtime }) => new BudaoWorld(t, { realtime, detection: 'accelerated', fence: 'lease' }),
  },
  {
    name: 'budao-process',
    about: 'the kernel’s word that the process is gone counts as a fence',
    make: (t, { realtime }) => new BudaoWorld(t, { realtime, detection: 'accelerated', fence: 'process' }),
  },
  {
    name: 'budao-agent',
    about:
      'defaults, and an agent at each site: site-kill leaves it alive, and its word that the gateway has ended is the fence',
    make: (t, { realtime }) =>
      new BudaoWorld(t, { realtime, detection: 'accelerated', fence: 'lease', agents: true }),
  },
  {
    name: 'budao-literal',
    about: 'the plain heartbeat alone: 3 s, 2 s, 3 misses',
    make: (t, { realtime }) => new BudaoWorld(t, { realtime, detection: 'literal', fence: 'lease' }),
  },
  {
    name: 'budao-etcd',
    about: 'as the second, leases in an etcd of three, of which one member fails with the site',
    make: (t, { realtime, etcd }) =>
      new BudaoWorld(t, { realtime, detection: 'accelerated', fence: 'process', etcd }),
  },
  {
    name: 'keepalived',
    about: 'as people write it: adverts and script each second, fall 2, weight 0',
    make: (t, programs) => new SharedAddressWorld(t, programs, { advert: 1, script: 1 }),
  },
  {
    name: 'keepalived-fast',
    about: 'adverts each 100 ms, else the same',
    make: (t, programs) => new SharedAddressWorld(t, programs, { advert: 0.1, script: 1 }),
  },
]

/** What the bench asks of all of them. */
export const benchFaults: readonly SiteFault[] = [
  'site-kill',
  'black-hole',
  'site-stop',
  'backend-kill',
  'gateway-kill',
]
