import { z } from 'zod'
import { isAddressRange, isIpLiteral } from './config-address.ts'
import type {
  GslbConfig,
  GslbHttpConfig,
  GslbNameConfig,
  GslbRateLimitConfig,
  GslbRecordConfig,
  GslbSiteConfig,
  GslbZoneConfig,
} from './config-gslb.ts'
import {
  address,
  choice,
  type DurationSchema,
  file,
  flag,
  integer,
  matching,
  name,
  percent,
  text,
} from './config-scalars.ts'

const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?'
const domain: z.ZodType<string, string> = matching(
  new RegExp(`^(?=.{1,253}$)${label}(?:\\.${label})*$`),
  'a domain name in lower case, without a dot at its end, such as shop.example',
)
const ownerError = 'a name within the zone in lower case: api, eu.api, *.shops, or @ for the zone itself'
const owner: z.ZodType<string, string> = matching(
  new RegExp(`^(?=.{1,240}$)(?:@|\\*|(?:\\*\\.)?${label}(?:\\.${label})*)$`),
  ownerError,
)
const network = z
  .string({ error: 'an address or network such as 10.0.0.0/8' })
  .refine(isAddressRange, { error: 'an address or network such as 10.0.0.0/8' })
const networks = z.array(network, { error: 'a list of addresses and networks' }).default([])

/** Two networks of one site would be one too many only in a table of millions: enough for a carrier's whole list. */
const NETWORKS_MAX = 100_000

export function gslbSchema(duration: DurationSchema): z.ZodType<GslbConfig> {
  return z.strictObject({
    listen: z
      .array(address({ portMin: 0 }), { error: 'a list of addresses' })
      .default([])
      .describe('`host:port` to answer at, over UDP and TCP; port 0 takes a free one.'),
    http: z
      .exactOptional(httpSchema())
      .describe('Answers over HTTP: to clients that resolve so, and to other name servers. Absent: none.'),
    sites: z
      .record(name, siteSchema(), { error: 'names of sites with their settings' })
      .refine((sites) => Object.keys(sites).length > 0, { error: 'at least one site' })
      .meta({ minProperties: 1 })
      .describe('Where the clients of each site are sent, and which clients are near to it.'),
    geo: z
      .array(file, { error: 'a list of files' })
      .default([])
      .describe('MMDB files that say where an address is: countries, regions, carriers.'),
    clientSubnet: flag
      .default(true)
      .describe(
        "The client's network that a resolver passes on (RFC 7871) counts in place of the resolver's.",
      ),
    udpBytes: integer(512, 4096).default(1232).describe('Most bytes of an answer over UDP.'),
    tcp: z
      .strictObject({
        connections: integer(1, 100_000).default(1000).describe('Most connections at once.'),
        perClient: integer(1, 100_000).default(100).describe('Most connections of one address.'),
        idle: duration.or('10s').describe('A connection that asks nothing for so long is ended.'),
      })
      .prefault({}),
    rateLimit: z
      .union([rateLimitSchema(), z.literal(false)], { error: 'settings, or false' })
      .prefault({})
      .describe('Answers over UDP to one network, against amplification; `false` for no limit.'),
    zones: z
      .record(domain, zoneSchema(duration), { error: 'names of zones with their settings' })
      .refine((zones) => Object.keys(zones).length > 0, { error: 'at least one zone' })
      .meta({ minProperties: 1 })
      .describe('What is answered for, by the name of the zone.'),
  })
}

function httpSchema(): z.ZodType<GslbHttpConfig> {
  return z.strictObject({
    address: address({ portMin: 0 }).describe('`host:port`; port 0 takes a free one.'),
    remoteBackend: flag
      .default(false)
      .describe('Other name servers may ask here, by the HTTP connector of their remote backend.'),
    trust: networks.describe(
      'Peers whose `X-Forwarded-For` says who the client is, such as a gateway in front.',
    ),
  })
}

function siteSchema(): z.ZodType<GslbSiteConfig> {
  const literal = z
    .string({ error: 'an IPv4 or IPv6 address' })
    .refine(isIpLiteral, { error: 'an IPv4 or IPv6 address' })
  return z.strictObject({
    addresses: z
      .array(literal, { error: 'a list of addresses' })
      .min(1, { error: 'at least one address' })
      .max(32, { error: 'at most 32 addresses' })
      .describe('IPv4 and IPv6 addresses of its gateways.'),
    networks: z
      .array(network, { error: 'a list of addresses and networks' })
      .max(NETWORKS_MAX, { error: `at most ${NETWORKS_MAX} networks` })
      .default([])
      .describe('Networks of its clients: the longest prefix of all sites wins, before anything geographic.'),
    asns: z
      .array(integer(1, 4_294_967_295), { error: 'a list of numbers' })
      .default([])
      .describe('Autonomous systems of its clients, such as a carrier: 4134.'),
    regions: z
      .array(matching(/^[A-Z]{2}-[A-Z0-9]{1,3}$/, 'a region such as CN-GD'), { error: 'a list of regions' })
      .default([])
      .describe('Regions of its clients, ISO 3166-2: CN-GD.'),
    countries: z
      .array(matching(/^[A-Z]{2}$/, 'a country such as CN'), { error: 'a list of countries' })
      .default([])
      .describe('Countries of its clients, ISO 3166-1: CN.'),
    continents: z
      .array(choice(['AF', 'AN', 'AS', 'EU', 'NA', 'OC', 'SA']), { error: 'a list of continents' })
      .default([])
      .describe('Continents of its clients: AS.'),
  })
}

function rateLimitSchema(): z.ZodType<GslbRateLimitConfig> {
  return z.strictObject({
    perSecond: integer(1, 1_000_000)
      .default(200)
      .describe('Most answers a second to one /24 of IPv4 or /56 of IPv6.'),
    slip: integer(0, 100)
      .default(2)
      .describe('Of those beyond it every n-th is answered truncated, for a client to come by TCP; 0: none.'),
    exempt: networks.describe('Addresses and networks that it does not hold for.'),
  })
}

function zoneSchema(duration: DurationSchema): z.ZodType<GslbZoneConfig> {
  return z.strictObject({
    nameServers: z
      .array(domain, { error: 'a list of names' })
      .min(1, { error: 'at least one name server' })
      .max(13, { error: 'at most 13 name servers' })
      .describe('Names of its name servers.'),
    contact: z
      .exactOptional(domain)
      .describe('Who is responsible, written as a name. Absent: `hostmaster` in the zone.'),
    negativeTtl: duration
      .or('1m', { min: 0 })
      .describe('How long it may be kept that something does not exist.'),
    records: z
      .array(recordSchema(duration), { error: 'a list of records' })
      .default([])
      .describe('Fixed records.'),
    names: z
      .record(owner, nameSchema(duration), { error: 'names with their settings' })
      .prefault({})
      .describe('Names whose addresses follow the sites: `api`, `@` for the zone itself, `*.shops`.'),
  })
}

function recordSchema(duration: DurationSchema): z.ZodType<GslbRecordConfig> {
  return z.strictObject({
    name: owner.describe('Within the zone: `www`, `@`, `*.shops`.'),
    type: choice(['A', 'AAAA', 'CAA', 'CNAME', 'MX', 'SRV', 'TXT']).describe('Type of the record.'),
    ttl: duration.or('1h', { min: 0 }).describe('How long it may be kept.'),
    value: text('a value as zone files write it').describe('As zone files write it: `10 mail.shop.example`.'),
  })
}

function nameSchema(duration: DurationSchema): z.ZodType<GslbNameConfig> {
  return z.strictObject({
    services: z
      .array(name, { error: 'a list of services' })
      .min(1, { error: 'at least one service' })
      .describe('A site serves the name as far as it serves all of these.'),
    policy: choice(['failover', 'nearest', 'weighted', 'all-active'])
      .default('failover')
      .describe(
        '`failover`: the first usable site; `nearest`: the one nearest to the client; `weighted`: one by weight; `all-active`: all.',
      ),
    sites: z
      .exactOptional(z.array(name, { error: 'a list of sites' }).min(1, { error: 'at least one site' }))
      .describe('Sites to answer with, first choice first. Absent: all of `gslb.sites`.'),
    weights: z
      .record(name, integer(0, 10_000), { error: 'sites with their weights' })
      .prefault({})
      .describe('By site, 0 to 10 000; of others that of `sites.<name>.weight`.'),
    ttl: z
      .strictObject({
        min: duration.or('5s').describe('While something is suspect or has just changed.'),
        max: duration.or('30s').describe('After that time without a change.'),
      })
      .prefault({}),
    returnAfter: duration
      .or('30s', { min: 0 })
      .describe('A site that was down is answered with again when it has served for so long.'),
    minUsablePercent: percent
      .default(50)
      .describe('A site with fewer usable endpoints is answered with only when there is none better.'),
    sticky: duration
      .or('10m', { min: 0 })
      .describe('How long a client keeps its site where chance decides; 0s: each answer is drawn.'),
  })
}
