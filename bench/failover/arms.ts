import type { Cleanup, SiteFault, TrialWorld } from '@budao/testkit'
import { SharedAddressWorld, type SharedAddressPrograms } from './shared-address-world.ts'

/** One way to be run at two sites, and how it is set up. */
export interface Arm {
  readonly name: string
  readonly about: string
  make(t: Cleanup, programs: SharedAddressPrograms): TrialWorld
}

export const arms: readonly Arm[] = [
  {
    name: 'keepalived+nginx',
    about: 'as people write it: adverts and script each second, fall 2, weight 0',
    make: (t, programs) => new SharedAddressWorld(t, programs, { advert: 1, script: 1 }),
  },
  {
    name: 'keepalived+nginx, fast',
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
