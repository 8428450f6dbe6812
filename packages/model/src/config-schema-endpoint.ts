import { z } from 'zod'
import { isLiteral, parseAddress, srvName } from './config-address.ts'
import type { DnsConfig, EndpointConfig, RegistrationConfig } from './config-endpoint.ts'
import { choice, type DurationSchema, integer, name } from './config-scalars.ts'

const endpointAddressError =
  'host:port such as 10.0.0.5:7001, [::1]:7001 or shop.internal:7001, or srv:NAME such as srv:_shop._tcp.internal'

const endpointAddress: z.ZodType<string, string> = z
  .string({ error: endpointAddressError })
  .refine((value) => srvName(value) !== undefined || (parseAddress(value)?.port ?? 0) > 0, {
    error: endpointAddressError,
  })

export function endpointSchema(): z.ZodType<EndpointConfig> {
  return z.strictObject({
    address: endpointAddress.describe('`host:port`, or `srv:NAME`. A name stands for all its addresses.'),
    site: name.describe('The site it runs at: a key of `sites`.'),
    weight: integer(0, 1000).default(1).describe('Share against other endpoints; 0 gets no traffic.'),
    release: name.default('stable').describe('The release it runs.'),
    rank: integer(0, 100)
      .default(0)
      .describe('Higher ranks get only what lower ranks, at all sites, cannot carry: 1 for a standby.'),
  })
}

export function registrationSchema(duration: DurationSchema): z.ZodType<RegistrationConfig | false> {
  return z
    .union(
      [
        z.strictObject({
          endpointsMax: integer(1, 10_000).default(64).describe('Most registered endpoints at once.'),
          leaseMax: duration.or('10m').describe('Longest lease that may be asked for.'),
        }),
        z.literal(false),
      ],
      { error: 'settings, or false' },
    )
    .prefault({})
    .describe('Endpoints that register over the admin API; `false` refuses them.')
}

const serverError = 'an IP address, or one with a port: 10.0.0.2, 10.0.0.2:53, [fd00::2]:53'

const server: z.ZodType<string, string> = z
  .string({ error: serverError })
  .refine(isServer, { error: serverError })

export function dnsSchema(duration: DurationSchema): z.ZodType<DnsConfig> {
  return z
    .strictObject({
      servers: z
        .exactOptional(
          z.array(server, { error: `a list of ${serverError}` }).min(1, { error: 'at least one server' }),
        )
        .describe('Servers to ask. Absent: the hosts file, then the servers of the system.'),
      family: choice(['prefer-ipv4', 'ipv4', 'ipv6', 'both'])
        .default('prefer-ipv4')
        .describe('Which addresses of a name are used.'),
      timeout: duration.or('2s').describe('One resolution, repetitions included.'),
      ttlMin: duration.or('1s').describe('A shorter time to live counts as this.'),
      ttlMax: duration.or('1m').describe('A longer time to live counts as this.'),
      addressesMax: integer(1, 1000).default(64).describe('Most endpoints that one name stands for.'),
    })
    .prefault({})
    .describe('How names in `endpoints` are resolved.')
}

function isServer(text: string): boolean {
  if (text.includes(':') && !text.includes('[') && isLiteral(text) && text.split(':').length > 2) return true
  const host = parseAddress(text)?.host ?? text
  return isLiteral(host) && (parseAddress(text)?.port ?? 53) > 0
}
