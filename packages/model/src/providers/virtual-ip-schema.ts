import { z } from 'zod'
import { isAddressRange } from '../config-address.ts'
import {
  choiceOf,
  type DurationSchema,
  exactlyOne,
  flag,
  integer,
  matching,
  name,
} from '../config-scalars.ts'
import type { KeepalivedConfig, VirtualIpConfig } from './virtual-ip.ts'

/** The schema of `virtualIp`. */
export function virtualIpSchema(duration: DurationSchema): z.ZodType<VirtualIpConfig> {
  return exactlyOne<VirtualIpConfig>({
    keepalived: keepalivedSchema(duration).describe('By keepalived beside each gateway.'),
  })
}

// As the kernel limits it (IFNAMSIZ), and without what would end a word of the rendered file.
const interfaceName = matching(/^[A-Za-z0-9_.-]{1,15}$/, 'the name of an interface, such as eth0')

const virtualAddressError = 'an address with the length of its network, such as 10.0.0.100/24'
const virtualAddress = z
  .string({ error: virtualAddressError })
  .refine((value) => value.includes('/') && isAddressRange(value), { error: virtualAddressError })

const nodeAddressError = 'an IP address'
const nodeAddress = z
  .string({ error: nodeAddressError })
  .refine((value) => !value.includes('/') && isAddressRange(value), { error: nodeAddressError })

function keepalivedSchema(duration: DurationSchema): z.ZodType<KeepalivedConfig> {
  return z.strictObject({
    interface: interfaceName.describe('The network interface that gets the address.'),
    addresses: z
      .array(virtualAddress, { error: 'a list of addresses' })
      .min(1, { error: 'at least one address' })
      .max(20, { error: 'at most 20 addresses' })
      .describe('The shared addresses, each with the length of its network; all of one family.'),
    routerId: integer(1, 255).describe('Tells this group from others in the same network.'),
    nodes: z
      .record(name, nodeSchema(), { error: 'names of nodes with their settings' })
      .refine((nodes) => Object.keys(nodes).length >= 2, { error: 'at least two nodes' })
      .refine((nodes) => Object.keys(nodes).length <= 16, { error: 'at most 16 nodes' })
      .meta({ minProperties: 2 })
      .describe('The gateways by `node.name`, the preferred one first.'),
    version: choiceOf([2, 3]).default(3).describe('Of the protocol: 2 is RFC 3768, 3 is RFC 5798.'),
    advertInterval: duration
      .or('1s')
      .describe('Between two adverts of the holder: from `10ms`; with version 2 whole seconds.'),
    preempt: flag
      .default(false)
      .describe('Give the address back to a better node when it is well again. Needed with a weight.'),
    preemptDelay: duration.or('0s', { min: 0 }).describe('How long a better node waits until then.'),
    password: z
      .exactOptional(matching(/^[\u0021-\u007e]{1,8}$/, 'at most 8 characters without spaces'))
      .describe('With version 2: sent in clear, against mistakes and not against people.'),
    check: z
      .strictObject({
        program: matching(/^\/[^"\n\r]{1,255}$/, 'the full path of a program, with arguments')
          .default('/usr/local/libexec/budao-ready')
          .describe('What keepalived runs: `budao keepalived render --part check` prints it.'),
        url: z
          .exactOptional(
            matching(
              /^http:\/\/[\w.-]+(:\d{1,5})?\/[\w./?=&%~+-]*$/,
              'a URL such as http://127.0.0.1:8080/healthz',
            ),
          )
          .describe(
            'Asked too: a listener of the gateway, which has to answer below 500. Absent: only `/readyz`.',
          ),
        interval: duration.or('1s').describe('How often it is run; whole seconds.'),
        timeout: duration.or('1s').describe('Without an answer by then it has failed; whole seconds.'),
        fall: integer(1, 100).default(2).describe('Failed checks in a row until the address leaves.'),
        rise: integer(1, 100).default(2).describe('Passed checks in a row until the node may have it.'),
        weight: integer(-253, 253)
          .default(0)
          .describe('`0`: a failing node is out. Otherwise its priority changes by so much.'),
      })
      .prefault({}),
    watch: z
      .exactOptional(
        z.strictObject({
          file: matching(/^\/[^"\s]{1,255}$/, 'the full path of a file').describe(
            'Where `budao keepalived watch` writes 0 (serves) or 1.',
          ),
          interval: duration.or('100ms').describe('How often it asks the gateway.'),
          timeout: duration.or('500ms').describe('Without an answer by then the gateway has failed.'),
          fall: integer(1, 100).default(3).describe('Failures in a row until the address leaves.'),
          rise: integer(1, 1000).default(10).describe('Good answers in a row until it may come.'),
        }),
      )
      .describe(
        'A process beside the gateway that sees within a part of a second what a check sees within seconds.',
      ),
    handover: duration
      .or('3s', { min: 0 })
      .describe('How long a gateway that ends serves on, no longer ready: until the address has left.'),
    notify: z
      .exactOptional(matching(/^\/[^\s"']{1,255}$/, 'the full path of a program'))
      .describe('Program that is told of each change: `INSTANCE name MASTER|BACKUP|FAULT|STOP priority`.'),
  })
}

function nodeSchema() {
  return z.strictObject({
    address: z
      .exactOptional(nodeAddress)
      .describe('Its own address, for adverts from node to node. Absent: by multicast.'),
    priority: z.exactOptional(integer(1, 255)).describe('Absent: 250, and 10 less for each node before it.'),
    interface: z.exactOptional(interfaceName).describe('Where its interface has another name.'),
  })
}
