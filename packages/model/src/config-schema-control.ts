import { z } from 'zod'
import type { ControlConfig, PeerConfig } from './config-control.ts'
import { address, type DurationSchema, flag, name } from './config-scalars.ts'
import { secretSchema } from './config-schema-serve.ts'
import { coordinationSchema } from './providers/coordination-schema.ts'

/** Each pair of nodes has a link, and every opinion goes to every controller: this is for sites, not for fleets. */
const PEERS_MAX = 32

/** The schema of `control`. */
export function controlSchema(duration: DurationSchema): z.ZodType<ControlConfig> {
  return z.strictObject({
    address: address({ portMin: 1 }).describe(
      '`host:port` where links of other nodes are taken, encrypted with a key made of `token`.',
    ),
    token: secretSchema().describe(
      'What all nodes share, at least 16 characters: the key of their links is made of it; it never goes over the wire.',
    ),
    controller: z
      .exactOptional(flag)
      .describe(
        'Whether this node decides too; one of those that do leads. Default `false`, `true` with `budao controller`.',
      ),
    witness: flag
      .default(false)
      .describe('This node stands at no site: it votes for a failure domain of its own, named as it is.'),
    handOver: duration
      .or('5s', { min: 0 })
      .describe(
        'How long a gateway that is told to end may take to hand over what it holds; `0s`: its leases end.',
      ),
    store: coordinationSchema(duration).describe('Where leases and leadership are kept: one for all nodes.'),
    peers: z
      .record(name, peerSchema(), { error: 'names of nodes with their settings' })
      .refine((peers) => Object.keys(peers).length <= PEERS_MAX, { error: `at most ${PEERS_MAX} nodes` })
      .prefault({})
      .describe('The other nodes, by `node.name`; this one may stand among them.'),
  })
}

function peerSchema(): z.ZodType<PeerConfig> {
  return z.strictObject({
    address: address({ portMin: 1 }).describe('`host:port` of its links: its `control.address`.'),
    site: z.exactOptional(name).describe('The site it stands at. Required unless it is a witness.'),
    witness: flag.default(false).describe('It stands at no site, and votes for a domain of its own.'),
    traffic: z
      .exactOptional(address({ portMin: 1 }))
      .describe(
        '`host:port` of its plain http listener: writes that only its site may do go there. Absent: they are refused here.',
      ),
  })
}
