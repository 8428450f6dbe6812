import { eventKinds } from '@budao/model'
import { apiErrorCodes } from './api-error.ts'
import { failoverSchemas } from './openapi-failover-schemas.ts'
import { drillSchemas } from './openapi-drills.ts'
import { alertSchemas } from './openapi-alerts.ts'
import { logSchemas } from './openapi-logs.ts'
import { replicationSchemas } from './openapi-replication.ts'
import { rolloutSchemas } from './openapi-rollouts.ts'
import { processSchemas } from './openapi-processes.ts'
import {
  boolean,
  choice,
  count,
  flat,
  instant,
  list,
  milliseconds,
  number,
  object,
  orNull,
  ref,
  sentence,
  string,
} from './openapi-shapes.ts'
import type { Schema } from './openapi-shapes.ts'

const metadata: Schema = { type: 'object', additionalProperties: { type: 'string', maxLength: 256 } }
const health: Schema = choice('up', 'degraded', 'down')
const siteState: Schema = choice('up', 'degraded', 'down', 'drained')
const dnsPolicy: Schema = choice('failover', 'nearest', 'weighted', 'all-active')
const dnsBy: Schema = choice('in', 'returning', 'weak', 'unknown', 'draining', 'down', 'last-good')

/** The shapes of `@budao/model` as the API answers them. A test holds a full report against them. */
export const schemas: { readonly [name: string]: Schema } = {
  Report: object({
    node: object({ name: string, site: string }),
    version: string,
    startedAt: instant,
    state: choice('starting', 'serving', 'draining'),
    snapshot: object({ version: count, appliedAt: instant, source: string }),
    refused: orNull(object({ at: instant, problems: list(string) })),
    workers: list(
      object({ id: count, state: choice('starting', 'serving', 'draining', 'crashed'), restarts: count }),
    ),
    listeners: list(object({ name: string, address: string, protocol: string })),
    certificates: list(
      object({
        listener: string,
        source: string,
        hosts: list(string),
        issuer: string,
        expiresAt: instant,
        expiresInSeconds: { type: 'number', description: 'Negative once it has expired.' },
      }),
    ),
    sites: list(
      object({
        name: string,
        state: siteState,
        usable: count,
        total: count,
        inFlight: count,
        requestsPerSecond: number,
        failuresPerSecond: number,
      }),
    ),
    services: list(ref('Service')),
    routes: list(ref('Route')),
    names: list(ref('ResolvedName')),
    drains: list(ref('Drain')),
    connections: object({ downstream: count, upstream: count, upstreamIdle: count }),
    rateWindowMs: milliseconds('Rates are averages over this time.'),
    requestsPerSecond: number,
    requestsTotal: count,
  }),
  Service: object({
    name: string,
    mode: string,
    balance: string,
    state: health,
    panic: {
      type: 'boolean',
      description: 'True while so few endpoints are healthy that health is ignored.',
    },
    breaker: ref('Breaker'),
    retryTokens: number,
    inFlight: count,
    limit: { ...count, description: 'Most in flight at this moment.' },
    waiting: { ...count, description: 'Requests that wait for a place.' },
    shed: object({ critical: count, high: count, normal: count, low: count }),
    requestsPerSecond: number,
    failuresPerSecond: number,
    p99Ms: orNull(number),
    endpoints: list(ref('Endpoint')),
    ownership: {
      anyOf: [ref('Ownership'), { type: 'null' }],
      description:
        'Who may write where, as this gateway obeys it; null for a service whose writes need no lease.',
    },
  }),
  Ownership: object({ units: list(ref('OwnedUnit')) }),
  OwnedUnit: object({
    unit: string,
    epoch: { ...count, description: 'The newest epoch known here; 0 before the first.' },
    owner: { anyOf: [string, { type: 'null' }], description: 'The site that has it.' },
    readers: { ...list(string), description: 'Sites that reads go to; empty: all.' },
    leased: { type: 'boolean', description: 'Writes need a lease; false with active-active.' },
    held: { type: 'boolean', description: 'This gateway accepts writes now.' },
    remainingMs: milliseconds('How long it may without another renewal.'),
    writing: { ...count, description: 'Writes under way here.' },
  }),
  Endpoint: object(
    {
      address: string,
      site: string,
      release: string,
      carries: {
        type: 'boolean',
        description:
          'Its site is judged by it: false of a release without which the site serves all users as well.',
      },
      weight: number,
      state: choice('usable', 'unhealthy', 'ejected', 'open', 'draining'),
      origin: choice('configured', 'resolved', 'registered'),
      resolvedFrom: { type: 'string', description: 'The address of the file that was resolved, or empty.' },
      leaseMs: {
        anyOf: [number, { type: 'null' }],
        description: 'Until the lease of a registered endpoint ends; 0 when it is kept as the last one.',
      },
      healthy: boolean,
      lastCheckError: { type: 'string', description: 'Why the last check failed; empty when it passed.' },
      ejectedForMs: milliseconds('Until an ejection ends; 0 when not ejected.'),
      breaker: ref('Breaker'),
      inFlight: count,
      requestsTotal: count,
      failuresTotal: count,
      requestsPerSecond: number,
      failuresPerSecond: number,
      p99Ms: orNull(number),
      latencyMs: milliseconds('Moving average of the time to the response head.'),
    },
    { metadata },
  ),
  ResolvedName: object({
    name: string,
    state: choice('fresh', 'stale', 'failed'),
    addresses: count,
    ageMs: orNull(number),
    problem: string,
  }),
  Drain: object({
    site: orNull(string),
    endpoint: orNull(string),
    service: { anyOf: [string, { type: 'null' }], description: 'Null: in every service.' },
    since: instant,
    reason: string,
    endpoints: { ...count, description: 'Endpoints in force that it holds for.' },
    inFlight: { ...count, description: 'Their requests under way: 0 when it is done.' },
  }),
  Breaker: object({
    state: choice('closed', 'open', 'half-open', 'forced-open', 'forced-closed'),
    calls: count,
    failures: count,
    slow: count,
  }),
  Route: object({
    name: string,
    requestsTotal: count,
    requestsPerSecond: number,
    status: object({ '2xx': count, '3xx': count, '4xx': count, '5xx': count }),
    retries: count,
    fallbacks: count,
    p50Ms: orNull(number),
    p99Ms: orNull(number),
  }),
  Event: object(
    {
      seq: { type: 'integer', minimum: 1, description: 'Position in this process’s list, without gaps.' },
      at: instant,
      kind: choice(...eventKinds),
      severity: choice('info', 'warning', 'critical'),
      subject: string,
      message: string,
      evidence: {
        type: 'object',
        additionalProperties: flat,
        description: 'The numbers that led to it.',
      },
    },
    { service: string, site: string },
  ),
  Events: object({
    lastSeq: {
      ...count,
      description: 'Newest event there is; lower than `after` once numbering began again.',
    },
    events: list(ref('Event')),
  }),
  Services: object({ services: list(ref('Service')) }),
  Series: object({
    stepMs: number,
    at: { ...number, description: 'When the newest point was taken, milliseconds since 1970.' },
    sites: list(
      object({
        name: string,
        requestsPerSecond: list(orNull(number)),
        failuresPerSecond: list(orNull(number)),
        p99Ms: list(orNull(number)),
      }),
    ),
  }),
  Endpoints: object({
    version: { type: 'string', description: 'Another one as soon as an endpoint comes, goes or changes.' },
    endpoints: list(ref('Endpoint')),
  }),
  Dns: object({
    listening: list(string),
    http: string,
    names: list(ref('DnsName')),
    zones: list(object({ zone: string, names: count, records: count })),
    queries: count,
    answers: { type: 'object', additionalProperties: count },
    dropped: count,
    withdrawn: orNull(
      object({ site: string, sinceMs: count, requestsPerSecond: number, share: orNull(number) }),
    ),
  }),
  DnsName: object({
    name: string,
    policy: dnsPolicy,
    services: list(string),
    by: dnsBy,
    ttlMs: milliseconds('How long an answer may be kept.'),
    sites: list(
      object({
        site: string,
        state: choice('serving', 'degraded', 'draining', 'down', 'unknown'),
        standing: choice('in', 'returning', 'weak', 'unknown', 'draining', 'down'),
        usable: count,
        total: count,
        suspect: boolean,
        keptPercent: number,
        weight: number,
        answered: boolean,
        answers: count,
        addresses: list(string),
        sinceMs: milliseconds('Since its standing changed.'),
      }),
    ),
  }),
  DnsExplanation: object({
    name: string,
    client: string,
    policy: dnsPolicy,
    by: dnsBy,
    sites: list(string),
    addresses: list(string),
    ttlMs: milliseconds('How long the answer may be kept.'),
    scope: { type: 'integer', minimum: 0, maximum: 128, description: 'Prefix length that it holds for.' },
    place: object({
      network: orNull(string),
      country: orNull(string),
      region: orNull(string),
      continent: orNull(string),
      asn: orNull(count),
    }),
    why: string,
  }),
  DnsMute: object({ forMs: { ...number, maximum: 600_000, description: '0: answers again.' } }),
  DnsMuted: object({ ok: { const: true }, forMs: number }),
  Drains: object({ drains: list(ref('Drain')) }),
  Registration: object(
    { site: string },
    {
      weight: { type: 'integer', minimum: 0, maximum: 1000, default: 1 },
      release: { type: 'string', default: 'stable' },
      rank: { type: 'integer', minimum: 0, maximum: 100, default: 0 },
      metadata: { ...metadata, maxProperties: 32 },
      lease: { type: 'string', default: '30s', description: 'A duration of at least 1s.' },
    },
  ),
  DrainChange: object(
    {},
    {
      site: { type: 'string', description: 'Exactly one of site and endpoint.' },
      endpoint: { type: 'string', description: 'host:port.' },
      service: { type: 'string', description: 'With endpoint: only in this service.' },
      reason: sentence,
      force: { type: 'boolean', default: false, description: 'Even the last usable; needs a reason.' },
      undo: { type: 'boolean', default: false },
    },
  ),
  DirectoryChanged: object({
    ok: { const: true },
    effect: choice('created', 'changed', 'unchanged', 'removed'),
    snapshot: { ...count, description: 'The snapshot that holds the change.' },
    leaseMs: orNull(number),
  }),
  Ok: object({ status: choice('ok', 'ready') }),
  Reloaded: object({ ok: { const: true }, version: orNull(count) }),
  BreakerChange: object(
    { to: choice('open', 'closed', 'auto'), reason: sentence },
    {
      endpoint: { type: 'string', description: 'Address of one endpoint; without it the service is meant.' },
    },
  ),
  BreakerChanged: object({
    ok: { const: true },
    service: string,
    endpoint: orNull(string),
    to: choice('open', 'closed', 'auto'),
  }),
  CachePurge: object(
    {},
    {
      route: string,
      url: { type: 'string', description: 'One address, whatever else its answers vary by.' },
      prefix: { type: 'string', description: 'Addresses that begin so.' },
      tag: { type: 'string', description: 'A word of the header cache.tagHeader.' },
      all: { const: true },
    },
  ),
  CachePurged: object({ ok: { const: true }, removed: count }),
  Channels: object({
    channels: list(
      object({
        route: string,
        version: count,
        order: list(string),
        expiresInSeconds: number,
        changeable: { type: 'boolean', description: 'Whether the order stands in a file of its own.' },
      }),
    ),
  }),
  ChannelChange: object(
    {
      order: list({ type: 'string', description: 'An origin such as https://a.example.com.' }),
      reason: sentence,
    },
    { version: { ...count, description: 'Default one more than the one in force.' } },
  ),
  ChannelChanged: object({ ok: { const: true }, version: count }),
  AccessToken: object({ accessToken: string, expiresAt: instant }),
  Error: object(
    { error: choice(...apiErrorCodes), message: string },
    {
      hint: { type: 'string', description: 'What to do next.' },
      problems: list(string),
      why: ref('Explanation'),
      leader: orNull(ref('Leader')),
      refused: list(object({ unit: string, why: string })),
    },
  ),
  ...failoverSchemas,
  ...processSchemas,
  ...alertSchemas,
  ...rolloutSchemas,
  ...logSchemas,
  ...drillSchemas,
  ...replicationSchemas,
}
