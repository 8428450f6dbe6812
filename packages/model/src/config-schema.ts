import { z } from 'zod'
import type { Config, ListenerConfig } from './config.ts'
import {
  address,
  choice,
  type DurationSchema,
  file,
  flag,
  headerValue,
  integer,
  matching,
  name,
  plainDuration,
  secret,
  text,
  token,
  writtenDuration,
} from './config-scalars.ts'
import { alertsSchema } from './config-schema-alerts.ts'
import { dnsSchema } from './config-schema-endpoint.ts'
import { drillsSchema } from './config-schema-drills.ts'
import { gslbSchema } from './config-schema-gslb.ts'
import { overloadSchema } from './config-schema-limits.ts'
import { controlSchema } from './config-schema-control.ts'
import { cacheSchema } from './config-schema-cache.ts'
import { proxyProtocolSchema, sniName, tcpSchema } from './config-schema-l4.ts'
import { processSchema } from './config-schema-process.ts'
import { logsSchema } from './config-schema-logs.ts'
import { replicationSchema } from './config-schema-replication.ts'
import { rolloutSchema } from './config-schema-rollout.ts'
import { routeSchema } from './config-schema-route.ts'
import { serviceSchema } from './config-schema-service.ts'
import { identitySchema } from './providers/identity-schema.ts'
import { storeSchema } from './providers/store-schema.ts'
import { virtualIpSchema } from './providers/virtual-ip-schema.ts'
import { tlsSchema } from './config-schema-tls.ts'

/** The file people write: durations with units, defaults left out. */
export const writtenConfigSchema: z.ZodType<Config> = configSchema(writtenDuration)

/** A complete configuration as a snapshot carries it: durations in milliseconds. */
export const plainConfigSchema: z.ZodType<Config> = configSchema(plainDuration)

function configSchema(duration: DurationSchema): z.ZodType<Config> {
  return z
    .strictObject({
      $schema: z.exactOptional(text()).describe('For editors: where the JSON Schema is. Not read by Budao.'),
      version: z.literal(1, { error: '1' }).describe('Version of this format.'),
      node: z
        .strictObject({
          name: name.describe('Name of this process in reports and logs.'),
          site: z
            .exactOptional(name)
            .describe('The site it runs at: a key of `sites`. Only a witness has none.'),
        })
        .transform((node) => ({ ...node, site: node.site ?? node.name })),
      dataDir: file
        .default('./data')
        .describe('Folder for snapshots, events and stores, relative to this file.'),
      sites: dictionary(
        z.strictObject({
          weight: integer(0, 1000).default(1).describe('Share of the load against other sites.'),
          pidFile: z
            .exactOptional(file)
            .describe('File with one `PID name` a line: what `budao drill` may stop and kill.'),
        }),
      ).describe('Places that can be lost as a whole, by name; their order is their preference.'),
      admin: z
        .strictObject({
          address: address({ portMin: 0 })
            .default('127.0.0.1:9900')
            .describe('Where admin API and console listen.'),
          tokens: z
            .exactOptional(
              z.strictObject({
                viewer: z.exactOptional(secret).describe('Token that may read.'),
                operator: z.exactOptional(secret).describe('Token that may read and change.'),
              }),
            )
            .describe('Needed where the address is not loopback.'),
        })
        .prefault({}),
      workers: z
        .union([z.literal('auto'), integer(1, 256)], { error: 'a whole number from 1 to 256, or auto' })
        .default(1)
        .describe('Threads that serve; `auto` is one for each CPU.'),
      drain: duration.or('30s', { min: 0 }).describe('How long SIGTERM waits for requests in flight.'),
      log: z
        .strictObject({
          level: choice(['debug', 'info', 'warn', 'error', 'silent'])
            .default('info')
            .describe('Least severity written.'),
        })
        .prefault({}),
      dns: dnsSchema(duration),
      gslb: z
        .exactOptional(gslbSchema(duration))
        .describe('Authoritative DNS whose answers follow the health of sites. Absent: none.'),
      drills: z
        .exactOptional(drillsSchema(duration))
        .describe('How things are failed on purpose, and when. Absent: by hand only.'),
      alerts: z
        .exactOptional(alertsSchema(duration))
        .describe('Rules over logs, events and metrics, and who is told. Absent: none.'),
      overload: z
        .exactOptional(overloadSchema(duration))
        .describe(
          'When a thread sheds, lowest class first, whatever the service; `{}` turns it on. Absent: off.',
        ),
      tracing: z
        .exactOptional(tracingSchema())
        .describe('Spans for each exchange. Absent: none; trace headers are forwarded all the same.'),
      listeners: z
        .array(listenerSchema(duration), { error: 'a list of listeners' })
        .default([])
        .describe('Where clients connect. At least one, but for a controller.'),
      control: z
        .exactOptional(controlSchema(duration))
        .describe('How this node takes part in failover. Absent: it does not.'),
      replication: z
        .exactOptional(replicationSchema(duration))
        .describe('How this site’s data reaches the others: `budao replicator`. Absent: not at all.'),
      logs: z
        .exactOptional(logsSchema(duration))
        .describe('Logs that are collected, kept and passed on. Absent: they stay where they are written.'),
      virtualIp: z
        .exactOptional(virtualIpSchema(duration))
        .describe('An address that one of several gateways holds. Absent: none.'),
      stores: z
        .record(name, storeSchema(duration), { error: 'names with their settings' })
        .prefault({})
        .describe('Servers that several gateways share, by name.'),
      identity: z
        .record(name, identitySchema(duration), { error: 'names with their settings' })
        .prefault({})
        .describe('Who knows users by a code of theirs, by name.'),
      caches: z
        .record(name, cacheSchema(), { error: 'names with their settings' })
        .prefault({})
        .describe('Where answers are kept for others, by name.'),
      services: z
        .record(name, serviceSchema(duration), { error: 'names with their settings' })
        .prefault({})
        .describe('Named sets of endpoints.'),
      processes: z
        .record(name, processSchema(duration), { error: 'names with their settings' })
        .prefault({})
        .describe('Processes of this site that `budao agent` or `budao up` keeps running, by name.'),
      rollouts: z
        .record(name, rolloutSchema(duration), { error: 'names with their settings' })
        .prefault({})
        .describe(
          'How releases come to users, step by step, by name. Nothing begins by itself: `budao rollout start`.',
        ),
      routes: z
        .array(routeSchema(duration), { error: 'a list of routes' })
        .default([])
        .describe('Which request goes where; the first that matches takes it.'),
    })
    .transform(({ $schema: _schema, ...config }) => config)
}

function tracingSchema() {
  return z.strictObject({
    serviceName: text().default('budao').describe('`service.name` of the spans.'),
    otlp: z
      .strictObject({
        endpoint: matching(
          /^https?:\/\/[^\s/]+(?:\/\S*)?$/,
          'an address such as http://127.0.0.1:4318/v1/traces',
        ).describe('Where spans are sent: the whole address, by OTLP over HTTP with JSON.'),
        sampleRatio: z
          .number({ error: 'a number from 0 to 1' })
          .min(0, { error: 'a number from 0 to 1' })
          .max(1, { error: 'a number from 0 to 1' })
          .default(0.01)
          .describe('Share of traces that begin here; of others who began them has decided.'),
        headers: z
          .record(token, headerValue, { error: 'header names with their values' })
          .default({})
          .describe('Sent with every request to it, such as a token.'),
      })
      .describe('A collector.'),
  })
}

function dictionary<T>(value: z.ZodType<T>): z.ZodType<Record<string, T>> {
  return z
    .record(name, value, { error: 'names with their settings' })
    .refine((entries) => Object.keys(entries).length > 0, { error: 'at least one entry' })
    .meta({ minProperties: 1 })
}

function listenerSchema(duration: DurationSchema): z.ZodType<ListenerConfig> {
  return listenerObject(duration).transform((listener) => ({
    ...listener,
    protocols: listener.protocols ?? defaultProtocols(listener.protocol),
  }))
}

function defaultProtocols(protocol: ListenerConfig['protocol']): ListenerConfig['protocols'] {
  if (protocol === 'https') return ['h2', 'http/1.1']
  return protocol === 'http' ? ['http/1.1'] : []
}

function listenerObject(duration: DurationSchema) {
  return z.strictObject({
    name: name.describe('Name in reports and logs.'),
    address: address({ portMin: 0 }).describe('`host:port`; port 0 takes a free one.'),
    protocol: choice(['http', 'https', 'tcp', 'tls-passthrough']).describe(
      '`http`, `https`, `tcp` (bytes to a service), or `tls-passthrough` (the same, by the name a TLS client asks for).',
    ),
    tls: z.exactOptional(tlsSchema()).describe('Required with https; ends TLS with tcp.'),
    service: z.exactOptional(name).describe('With tcp: the service that gets the connections.'),
    sni: z
      .exactOptional(
        z
          .record(sniName, name, { error: 'names with the service of each' })
          .refine((sni) => Object.keys(sni).length > 0, { error: 'at least one name' })
          .meta({ minProperties: 1 }),
      )
      .describe('With tls-passthrough: name asked for, `*.example.com` or `*` → service.'),
    tcp: tcpSchema(duration).describe('Times of connections with tcp and tls-passthrough.'),
    proxyProtocol: z
      .exactOptional(proxyProtocolSchema())
      .describe('Connections begin with a PROXY header, version 1 or 2. Absent: with none.'),
    protocols: z
      .exactOptional(z.array(choice(['h2', 'http/1.1']), { error: 'a list of h2 and http/1.1' }))
      .describe(
        'What is spoken, first choice first. Default `[h2, http/1.1]` with https, `[http/1.1]` with http, where `h2` is by prior knowledge.',
      ),
    trustForwarded: flag
      .default(false)
      .describe('Believe X-Forwarded-* and X-Request-Id of the peer; otherwise they are replaced.'),
    limits: z
      .strictObject({
        headerBytes: integer(1024, 1_048_576).default(16_384).describe('Largest request head, bytes.'),
        headers: integer(1, 1000).default(100).describe('Most header lines of a request.'),
        bodyBytes: integer(0, Number.MAX_SAFE_INTEGER)
          .default(10_485_760)
          .describe('Largest request body, bytes; 0 is no limit.'),
        connections: integer(1, 1_000_000).default(10_000).describe('Most open connections.'),
        headTimeout: duration.or('10s').describe('The whole head must arrive within this time.'),
        bodyRate: integer(0, 1_000_000_000)
          .default(240)
          .describe('Least speed of a request body, bytes a second; 0 is no limit.'),
        bodyGrace: duration.or('5s', { min: 0 }).describe('How long a body may be slower than `bodyRate`.'),
        idle: duration.or('75s').describe('How long a connection may wait between requests.'),
        streams: integer(1, 10_000)
          .default(100)
          .describe('Most requests under way on one connection of HTTP/2.'),
        resets: integer(1, 1_000_000)
          .default(200)
          .describe('Most requests that one connection of HTTP/2 may cancel within 30 s.'),
      })
      .prefault({}),
  })
}
