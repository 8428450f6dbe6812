import { changing, error, get, json, operator, parameter, viewer } from './openapi-operations.ts'
import type { Operation } from './openapi-operations.ts'
import { ref } from './openapi-shapes.ts'

const unitPath = parameter('unit', 'path', 'Name of the unit, percent-encoded: shop, or shop%2Feast.', {
  type: 'string',
})
const off = { '404': error('failover-off') }
const refused = { '409': error('wish-refused', 'not-leader') }

/** The paths of failover. */
export const failoverPaths: { readonly [path: string]: { readonly [method: string]: Operation } } = {
  '/api/v1/failover': {
    get: get('failover', 'Units, their owners and epochs, and who leads', viewer, json('Failover'), off),
  },
  '/api/v1/failover/nodes': {
    get: get(
      'nodes',
      'Nodes, their links, the leader and the store, as this node sees them',
      viewer,
      json('Nodes'),
      off,
    ),
  },
  '/api/v1/failover/units/{unit}': {
    get: get(
      'unit',
      'One unit: verdicts vote by vote, the last move step by step, and why it is as it is',
      viewer,
      json('Unit'),
      { '404': error('failover-off', 'unknown-unit') },
      [unitPath],
    ),
  },
  '/api/v1/failover/units/{unit}/move': {
    post: {
      ...post('moveUnit', 'Moves a unit to another site', 'Move'),
      parameters: [unitPath],
      responses: {
        '202': json('Moving'),
        ...changing,
        '404': error('failover-off', 'unknown-unit', 'unknown-site'),
        ...refused,
      },
    },
  },
  '/api/v1/failover/units/{unit}/acknowledge': {
    post: {
      ...post(
        'acknowledge',
        'The last failover by itself was seen: the next one need not wait',
        'Acknowledgement',
      ),
      parameters: [unitPath],
      responses: {
        '200': json('Wish'),
        ...changing,
        '404': error('failover-off', 'unknown-unit'),
        ...refused,
      },
    },
  },
  '/api/v1/failover/automation': {
    post: {
      ...post(
        'setAutomation',
        'What may be done about a site that is down: on, advise or off',
        'AutomationChange',
      ),
      responses: {
        '200': json('Wish'),
        ...changing,
        '404': error('failover-off', 'unknown-unit', 'unknown-service'),
        ...refused,
      },
    },
  },
  '/api/v1/failover/drains': {
    get: get('siteDrains', 'Sites that are drained of units, and how far', viewer, json('SiteDrains'), off),
    post: {
      ...post(
        'drainSite',
        'Moves every unit away from a site and keeps it out, or lets it in again',
        'SiteDrainChange',
      ),
      responses: {
        '200': json('Wish'),
        '202': json('SiteDrainTaken'),
        ...changing,
        '404': error('failover-off', 'unknown-site'),
        ...refused,
      },
    },
  },
  '/api/v1/failover/audit': {
    get: get(
      'audit',
      'What was decided, by whom and why; each record holds the hash of the one before',
      viewer,
      json('AuditRecords'),
      off,
      [
        parameter('subject', 'query', 'Only of this unit, service or site.', { type: 'string' }),
        parameter('after', 'query', 'Only records with a higher seq, oldest first.', {
          type: 'integer',
          minimum: 0,
        }),
        parameter(
          'limit',
          'query',
          'At most this many; default 100, as ndjson all. Without `after`, the newest.',
          {
            type: 'integer',
            minimum: 1,
            maximum: 2000,
          },
        ),
        parameter('format', 'query', 'ndjson: one AuditRecord a line, without the wrapper.', {
          type: 'string',
          enum: ['json', 'ndjson'],
          default: 'json',
        }),
      ],
    ),
  },
  '/api/v1/failover/cut': {
    post: {
      ...post(
        'cutLinks',
        'For a drill: what passes between this node and others is lost for so long',
        'LinkCut',
      ),
      responses: { '200': json('LinksCut'), ...changing, '404': error('cuts-off') },
    },
  },
  '/api/v1/failover/audit/verify': {
    get: get(
      'verifyAudit',
      'Reads the whole log again and follows its hashes',
      viewer,
      json('AuditVerdict'),
      off,
    ),
  },
}

function post(operationId: string, summary: string, body: string): Omit<Operation, 'responses'> {
  const schema = ref(body)
  return {
    summary,
    operationId,
    security: operator,
    requestBody: { required: true, content: { 'application/json': { schema } } },
  }
}
