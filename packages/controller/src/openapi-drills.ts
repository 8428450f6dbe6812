import { drillScenarios } from '@budao/model'
import { drillPhases } from './admin-source.ts'
import { body, changing, error, get, json, operator, parameter, viewer } from './openapi-operations.ts'
import type { Operation } from './openapi-operations.ts'
import {
  boolean,
  choice,
  count,
  flat,
  instant,
  list,
  milliseconds,
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
    get: get('drills', 'Drills that are planned, and those that were run', viewer, json('Drills'), {
      '404': error('drills-off'),
    }),
    post: {
      summary: 'Leaves a step of a drill in the events',
      operationId: 'recordDrill',
      security: operator,
      requestBody: body('DrillNote'),
      responses: { '200': json('DrillRecorded'), ...changing, '404': error('unknown-site') },
    },
  },
  '/api/v1/drills/start': {
    post: {
      summary: 'Looks whether a drill is ready, or begins it',
      operationId: 'startDrill',
      security: operator,
      requestBody: body('DrillStart'),
      responses: {
        '200': json('DrillReadiness'),
        '202': json('DrillStarted'),
        ...changing,
        '404': error('drills-off'),
        '409': error('drill-running'),
      },
    },
  },
  '/api/v1/drills/abort': {
    post: {
      summary: 'Ends the drill that was begun here; what it broke is taken back',
      operationId: 'abortDrill',
      security: operator,
      requestBody: body('DrillAbort'),
      responses: { '200': json('DrillAborted'), ...changing, '404': error('drills-off') },
    },
  },
  '/api/v1/drills/{id}/page': {
    get: {
      ...get(
        'drillPage',
        'The report of a drill as a page for people',
        viewer,
        json('DrillReport'),
        {
          '404': error('unknown-drill', 'drills-off'),
        },
        [parameter('id', 'path', 'As in the list.', { type: 'string' })],
      ),
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
    current: orNull(ref('CurrentDrill')),
  }),
  CurrentDrill: object({
    scenario,
    site: string,
    by: string,
    at: instant,
    progress: list(string),
    outcome: orNull(string),
    about: orNull(string),
  }),
  DrillStart: object(
    { scenario, site: string },
    {
      dryRun: { ...boolean, default: true, description: 'Only look; with false it begins.' },
      confirm: { type: 'string', description: 'The name of the site: whoever is on call knows.' },
      faultFor: { ...milliseconds('How long the fault lasts.'), default: 6000 },
      duration: milliseconds('How long the load lasts.'),
      rate: { ...count, default: 50 },
      path: { type: 'string', default: '/' },
      by: { type: 'string', default: 'operator' },
      force: { ...sentence, description: 'Why what may be overruled is.' },
    },
  ),
  DrillReadiness: object({
    started: { const: false },
    ready: boolean,
    checks: list(object({ name: string, ready: boolean, found: string, todo: string, forceable: boolean })),
    problem: string,
  }),
  DrillStarted: object({ started: { const: true } }),
  DrillAbort: object({ reason: sentence }, { by: string }),
  DrillAborted: object({ ok: { const: true }, running: boolean }),
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
