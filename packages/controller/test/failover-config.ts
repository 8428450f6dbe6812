import type { FailoverConfig } from '@budao/model'

/** `services.<name>.failover` as an empty section reads. */
export const failoverConfig: FailoverConfig = {
  automation: 'on',
  lease: 2500,
  guard: 250,
  fence: 'lease',
  every: 3_600_000,
  priority: 50,
  minSites: 1,
  minCapacityPercent: 0,
  failback: 'manual',
  shadow: 30_000,
  rest: 60_000,
  startGrace: 15_000,
  standby: { startTimeout: 60_000, stopAfter: 300_000 },
}
