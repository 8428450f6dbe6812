import { parseAddress } from '../config-address.ts'
import type { Finding, Path } from '../config-document.ts'
import type { Config } from '../config.ts'
import { formatDuration } from '../duration.ts'
import { deadEnds, type KeepalivedConfig } from './virtual-ip.ts'

/** What a virtual IP will not do though the file reads as if it did. */
export function virtualIpWarnings({ virtualIp, listeners }: Config): Finding[] {
  if (virtualIp === undefined) return []
  const path: Path = ['virtualIp', 'keepalived']
  const { keepalived } = virtualIp
  const shared = keepalived.addresses.map((address) => address.split('/', 1)[0])
  return [
    ...deadEnds(keepalived).map(({ master, backup, advice }) => ({
      path: [...path, 'check', 'weight'],
      message: `${master.name} (priority ${master.priority}) before ${backup.name} (${backup.priority}): ${advice.problem}`,
      hint: `write ${advice.instead}`,
    })),
    ...shortHandover(keepalived, path),
    ...listeners.flatMap(({ address }, index) =>
      shared.includes(parseAddress(address)?.host)
        ? [
            {
              path: ['listeners', index, 'address'],
              message: 'a virtual IP: only the node that holds it can listen there',
              hint: 'listen on 0.0.0.0, or set net.ipv4.ip_nonlocal_bind to 1 on every node',
            },
          ]
        : [],
    ),
  ]
}

/** Listeners that close before anybody has noticed refuse whoever still comes. */
function shortHandover({ check, watch, handover }: KeepalivedConfig, path: Path): Finding[] {
  const noticed = watch === undefined ? check.interval * check.fall : watch.interval * watch.fall
  if (handover > noticed) return []
  return [
    {
      path: [...path, 'handover'],
      message: `a gateway that ends closes its listeners before the address can have left: noticing takes up to ${noticed} ms`,
      hint: `write at least ${formatDuration(noticed + 1_000)}`,
    },
  ]
}
