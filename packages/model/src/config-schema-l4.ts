import { z } from 'zod'
import { isAddressRange } from './config-address.ts'
import type { ProxyProtocolConfig, ProxyProtocolVersion, TcpConfig } from './config-l4.ts'
import { choice, type DurationSchema, matching } from './config-scalars.ts'

export const sniName: z.ZodType<string, string> = matching(
  /^(\*|(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*)$/,
  'a name in lower case such as db.example, *.db.example or *',
)

export const proxyProtocolVersion: z.ZodType<ProxyProtocolVersion> = choice(['v1', 'v2'])

export function tcpSchema(duration: DurationSchema): z.ZodPrefault<z.ZodType<TcpConfig>> {
  return z
    .strictObject({
      idle: duration.or('1h').describe('Without a byte either way for so long a connection is ended.'),
      maxDuration: z
        .exactOptional(duration.of())
        .describe('The longest a connection may last. Absent: no limit.'),
    })
    .prefault({})
}

export function proxyProtocolSchema(): z.ZodType<ProxyProtocolConfig> {
  const network = z
    .string({ error: 'an address or network such as 10.0.0.0/8' })
    .refine(isAddressRange, { error: 'an address or network such as 10.0.0.0/8' })
  return z.strictObject({
    trust: z
      .array(network, { error: 'a list of addresses and networks' })
      .default([])
      .describe('Peers whose connections begin with one; of others none is read. Empty: all do.'),
  })
}
