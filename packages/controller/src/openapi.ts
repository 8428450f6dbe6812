import { eventKinds } from '@budao/model'
import { alertPaths } from './openapi-alerts.ts'
import { failoverPaths } from './openapi-failover.ts'
import { replicationPaths } from './openapi-replication.ts'
import { drillPaths } from './openapi-drills.ts'
import { logPaths } from './openapi-logs.ts'
import { rolloutPaths } from './openapi-rollouts.ts'
import { processPaths } from './openapi-processes.ts'
import {
  body,
  changing,
  error,
  get,
  json,
  open,
  operator,
  parameter,
  text,
  viewer,
} from './openapi-operations.ts'
import type { Operation } from './openapi-operations.ts'
import { schemas } from './openapi-schemas.ts'
import type { Schema } from './openapi-shapes.ts'

export interface OpenApi {
  readonly openapi: string
  readonly info: object
  readonly paths: { readonly [path: string]: { readonly [method: string]: Operation } }
  readonly components: {
    readonly schemas: { readonly [name: string]: Schema }
    readonly [kind: string]: object
  }
}

const eventParameters = [
  parameter('after', 'query', 'Only events with a higher seq, oldest first.', {
    type: 'integer',
    minimum: 0,
  }),
  parameter('limit', 'query', 'At most this many; default 100. Without `after`, the newest ones.', {
    type: 'integer',
    minimum: 1,
    maximum: 2000,
  }),
  parameter('kind', 'query', 'Only events of this kind, or of a group such as `alert.*`.', {
    type: 'string',
    enum: [...eventKinds, ...new Set(eventKinds.map((kind) => `${kind.split('.')[0]}.*`))],
  }),
]

const servicePath = parameter('service', 'path', 'Name of the service.', { type: 'string' })
const addressPath = parameter('address', 'path', 'host:port with a literal host, percent-encoded.', {
  type: 'string',
})

/** What the admin address answers, in OpenAPI 3.1. Served as `/api/v1/openapi.json`; a test compares it with the routes. */
export const openapi: OpenApi = {
  openapi: '3.1.0',
  info: {
    title: 'Budao admin API',
    version: '1',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    description:
      'Reading needs the viewer token, changing the operator token; on a loopback address without configured ' +
      'tokens neither does. Every GET also answers HEAD. Every refusal has the shape Error.',
  },
  paths: {
    '/healthz': { get: get('healthz', 'Answers while the process lives', open, json('Ok')) },
    '/readyz': {
      get: get('readyz', 'Whether new requests are welcome here', open, json('Ok'), {
        '503': error('not-ready'),
      }),
    },
    '/metrics': { get: get('metrics', 'Metrics in Prometheus text format', viewer, text('text/plain')) },
    '/api/v1/status': { get: get('status', 'The state of now', viewer, json('Report')) },
    '/api/v1/services': { get: get('services', 'Services with their endpoints', viewer, json('Services')) },
    '/api/v1/series': {
      get: get('series', 'The last minutes of each site, a point each 5 s', viewer, json('Series')),
    },
    '/api/v1/events': {
      get: get(
        'events',
        'What was done and seen, with the evidence',
        viewer,
        json('Events'),
        {},
        eventParameters,
      ),
    },
    '/api/v1/events/stream': {
      get: get(
        'followEvents',
        'The same as server-sent events, those to come first unless told where to resume',
        viewer,
        text('text/event-stream'),
        { '503': error('too-many-streams') },
        [
          ...eventParameters,
          parameter('Last-Event-ID', 'header', 'Resume after this seq.', { type: 'integer' }),
        ],
      ),
    },
    '/api/v1/config': {
      get: get('config', 'The configuration in force, secrets redacted', viewer, {
        description: 'Configuration.',
        content: { 'application/json': { schema: { type: 'object' } } },
      }),
    },
    '/api/v1/reload': {
      post: {
        summary: 'Reads the configuration again, and applies it whole or not at all',
        operationId: 'reload',
        security: operator,
        requestBody: { content: { 'application/json': { schema: { type: 'object' } } } },
        responses: {
          '200': json('Reloaded'),
          '422': error('config-refused'),
          ...changing,
        },
      },
    },
    '/api/v1/services/{service}/breaker': {
      post: {
        summary: 'Forces a breaker open or closed, or gives it back to its rules',
        operationId: 'forceBreaker',
        security: operator,
        parameters: [servicePath],
        requestBody: body('BreakerChange'),
        responses: {
          '200': json('BreakerChanged'),
          ...changing,
          '404': error('unknown-service', 'unknown-endpoint'),
        },
      },
    },
    '/api/v1/services/{service}/endpoints': {
      get: get(
        'endpoints',
        'The endpoints of a service: configured, resolved and registered',
        viewer,
        json('Endpoints'),
        { '404': error('unknown-service'), '503': error('too-many-streams') },
        [
          servicePath,
          parameter('after', 'query', 'Wait until the version is another one.', { type: 'string' }),
          parameter('wait', 'query', 'How long at most, with after.', { type: 'string', default: '30s' }),
        ],
      ),
    },
    '/api/v1/services/{service}/endpoints/{address}': {
      put: {
        summary: 'Registers an endpoint for the time of a lease; the same again renews and changes it',
        operationId: 'registerEndpoint',
        security: operator,
        parameters: [servicePath, addressPath],
        requestBody: body('Registration'),
        responses: {
          '200': json('DirectoryChanged'),
          '201': json('DirectoryChanged'),
          ...changing,
          '404': error('unknown-service', 'unknown-site'),
          '409': error('registration-off', 'endpoint-configured', 'too-many-endpoints'),
          '422': error('lease-too-long'),
          '503': error('not-applied'),
        },
      },
      delete: {
        summary: 'Takes a registered endpoint away',
        operationId: 'deregisterEndpoint',
        security: operator,
        parameters: [
          servicePath,
          addressPath,
          parameter('force', 'query', 'Even if it is the last usable one; needs a reason.', {
            type: 'boolean',
          }),
          parameter('reason', 'query', 'Why, for the events.', {
            type: 'string',
            minLength: 1,
            maxLength: 500,
          }),
        ],
        responses: {
          '200': json('DirectoryChanged'),
          ...changing,
          '404': error('unknown-service', 'unknown-endpoint'),
          '409': error('last-usable'),
          '503': error('not-applied'),
        },
      },
    },
    '/api/v1/services/{service}/endpoints/{address}/renew': {
      post: {
        summary: 'The lease of a registered endpoint begins anew',
        operationId: 'renewEndpoint',
        security: operator,
        parameters: [servicePath, addressPath],
        responses: {
          '200': json('DirectoryChanged'),
          ...changing,
          '404': error('unknown-service', 'unknown-endpoint'),
        },
      },
    },
    '/api/v1/drains': {
      get: get('drains', 'What is drained, and how far', viewer, json('Drains')),
      post: {
        summary: 'Takes a site or an endpoint out of the traffic, or puts it back',
        operationId: 'drain',
        security: operator,
        requestBody: body('DrainChange'),
        responses: {
          '200': json('DirectoryChanged'),
          ...changing,
          '404': error('unknown-service', 'unknown-endpoint', 'unknown-site'),
          '409': error('last-usable', 'too-many-drains'),
        },
      },
    },
    '/api/v1/cache/purge': {
      post: {
        summary: 'Forgets answers that are kept for others',
        operationId: 'purgeCache',
        security: operator,
        requestBody: body('CachePurge'),
        responses: { '200': json('CachePurged'), ...changing, '503': error('store-away') },
      },
    },
    '/api/v1/channels': {
      get: get('channels', 'The channel lists that apps are told', viewer, json('Channels')),
    },
    '/api/v1/channels/{route}': {
      put: {
        summary: 'Tells apps another order of their channels, without a reload',
        operationId: 'setChannels',
        security: operator,
        parameters: [parameter('route', 'path', 'Name of the route.', { type: 'string' })],
        requestBody: body('ChannelChange'),
        responses: {
          '200': json('ChannelChanged'),
          ...changing,
          '404': error('unknown-route'),
          '409': error('order-configured'),
          '422': error('order-refused'),
          '503': error('not-applied'),
        },
      },
    },
    '/api/v1/identity/{name}/access-token': {
      get: get(
        'accessToken',
        'The access token of a provider, for backends',
        operator,
        json('AccessToken'),
        {
          '403': error('operator-required', 'host-refused'),
          '404': error('unknown-provider'),
          '503': error('no-access-token'),
        },
        [parameter('name', 'path', 'A key of identity.', { type: 'string' })],
      ),
    },
    '/api/v1/dns': {
      get: get('dns', 'What each name is answered with, and from where', viewer, json('Dns'), {
        '404': error('dns-off'),
      }),
    },
    '/api/v1/dns/mute': {
      post: {
        summary: 'For a drill: DNS answers nothing for so long',
        operationId: 'muteDns',
        security: operator,
        requestBody: body('DnsMute'),
        responses: { '200': json('DnsMuted'), ...changing, '404': error('dns-off') },
      },
    },
    '/api/v1/dns/explain': {
      get: get(
        'explainDns',
        'What a client would be answered for a name, and why',
        viewer,
        json('DnsExplanation'),
        { '404': error('dns-off', 'unknown-name') },
        [
          {
            ...parameter('name', 'query', 'A name that follows the sites.', { type: 'string' }),
            required: true,
          },
          parameter('client', 'query', 'Address of the client; default that of who asks here.', {
            type: 'string',
          }),
        ],
      ),
    },
    ...failoverPaths,
    ...processPaths,
    ...alertPaths,
    ...rolloutPaths,
    ...logPaths,
    ...drillPaths,
    ...replicationPaths,
    '/api/v1/openapi.json': {
      get: get('openapi', 'This description', open, {
        description: 'OpenAPI 3.1.',
        content: { 'application/json': { schema: { type: 'object' } } },
      }),
    },
    '/': { get: get('console', 'The console', open, text('text/html'), { '404': error('not-found') }) },
    '/assets/{name}': {
      get: get(
        'asset',
        'A file of the console',
        open,
        text('text/javascript'),
        { '404': error('not-found') },
        [parameter('name', 'path', 'Name of the file.', { type: 'string' })],
      ),
    },
  },
  components: {
    schemas,
    securitySchemes: {
      viewer: { type: 'http', scheme: 'bearer', description: 'admin.tokens.viewer' },
      operator: { type: 'http', scheme: 'bearer', description: 'admin.tokens.operator' },
    },
  },
}
