import { openSiteData, type ServingSide } from '@budao/controller'
import type { Gateway } from '@budao/gateway'
import type { Config, ControlConfig } from '@budao/model'
import { dataOf } from '../replication/replicators.ts'
import type { ControlRole, ControlRoleOptions } from './control-role.ts'

/** Worker threads turn fifty times a second: one that has not for so long is stuck, and no beat is echoed for it. */
const turnedMsMax = 500

/** The part in failover of a process with a gateway; null without `control`, which then costs nothing. */
export async function startControl(
  config: Config,
  gateway: Gateway,
  options: Omit<ControlRoleOptions, 'serving' | 'directory' | 'decides' | 'now'>,
): Promise<ControlRole | null> {
  const { control, node } = config
  if (control === undefined) return null
  // What the control plane needs is loaded only where there is one.
  const { ControlRole } = await import('./control-role.ts')
  await gateway.ownership.peers(trafficBySite(control, node.name))
  return ControlRole.start(config, {
    ...options,
    decides: false,
    serving: servingSide(control, node.name, gateway, options.baseDir),
    directory: gateway.directory,
    now: () => gateway.ownership.now(),
  })
}

function servingSide(control: ControlConfig, self: string, gateway: Gateway, baseDir: string): ServingSide {
  const { ownership, watched } = gateway
  return {
    serves: () => (gateway.workers.turnedMs() ?? Infinity) <= turnedMsMax,
    lease: (unit) => ownership.lease(unit),
    settle: (unit, epoch) => ownership.settle(unit, epoch),
    usable: (unit) => ownership.usable(unit),
    data(service) {
      const config = gateway.snapshot?.config
      return openSiteData(config === undefined ? undefined : dataOf(config, service), baseDir)
    },
    placed(placement, holder) {
      const there = holder === null || holder === self ? undefined : control.peers[holder]
      void ownership.place(placement, there?.traffic ?? null)
    },
    traffic: () =>
      watched.traffic().map(({ service, site, served, connectFailed, timedOut }) => ({
        service,
        site,
        counts: { served, 'connect-failed': connectFailed, 'timed-out': timedOut },
      })),
    paces: (service, all) => watched.paces(service, all),
    keep: (shares) => watched.keep(shares),
  }
}

/** One gateway for each other site; of several the first in the file. */
function trafficBySite({ peers }: ControlConfig, self: string): Record<string, string> {
  const sites: Record<string, string> = {}
  for (const [node, { site, traffic }] of Object.entries(peers))
    if (node !== self && site !== undefined && traffic !== undefined) sites[site] ??= traffic
  return sites
}
