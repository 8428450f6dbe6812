import { drillScenarios } from '@budao/model'
import { drillPhases } from './admin-source.ts'
import { changing, error, get, json, operator, parameter, viewer } from './openapi-operations.ts'
import type { Operation } from './openapi-operations.ts'
import {
  boolean,
  choice,
  flat,
  instant,
  list,
  object,
  orNull,
  ref,
  sentence,
  string,
} from './openapi-shapes.ts'
import type { Schema } from './openapi-shapes.ts'

/** The paths of drills. */
export const drillPaths: { readonly [path: string]: { readonly [method: string]: Operation } } = {
  '/api/v1/drills': {
    get: get('drills', 'Drills that are planned, and those that were run', viewer, json('Drills')),
    post: {
      summary: 'Leaves a step of a drill in the events',
      operationId: 'recordDrill',
      security: operator,
      requestBody: { required: true, content: { 'application/json': { schema: ref('DrillNote') } } },
      responses: { '200': json('DrillRecorded'), ...changing, '404': error('unknown-site') },
    },
  },
  '/api/v1/drills/{id}': {
    get: get(
      'drill',
      'The report of a drill',
      viewer,
      json('DrillReport'),
      { '404': error('unknown-drill') },
      [parameter('id', 'path', 'As in the list.', { type: 'string' })],
    ),
  },
}

const scenario = choice(...drillScenarios)

/** Their shapes. */
export const drillSchemas: { readonly [name: string]: Schema } = {
  Drills: object({
    open: orNull(object({ id: string, scenario, running: boolean })),
    schedule: list(
      object({
        name: string,
        scenario,
        site: string,
        nextAt: orNull(instant),
        nextLocal: orNull(string),
        blocked: { ...boolean, description: 'A window is in its way then: it will be skipped.' },
        last: orNull(object({ at: instant, outcome: string, about: string })),
      }),
    ),
    drills: list(
      object({
        id: string,
        at: instant,
        scenario,
        site: string,
        verdict: choice('passed', 'failed', 'aborted', 'interrupted', 'broken off'),
      }),
    ),
  }),
  DrillReport: {
    type: 'object',
    properties: { schema: { const: 1 }, id: string, scenario, site: string, at: instant, passed: boolean },
    required: ['schema', 'id', 'scenario', 'site', 'at', 'passed'],
    description: 'Everything that was measured: docs/reference/drills.md names the fields.',
  },
  DrillNote: object(
    {
      phase: choice(...drillPhases),
      site: { type: 'string', description: 'One of the sites of the report.' },
      message: sentence,
      evidence: { type: 'object', additionalProperties: flat, maxProperties: 40 },
    },
    { reason: sentence },
  ),
  DrillRecorded: object({
    ok: { const: true },
    kind: choice(...drillPhases.map((phase) => `drill.${phase}`)),
  }),
}
