import { rolloutActions, rolloutStrategies, schemaPhases } from '@budao/model'
import { releaseFaultKinds } from '@budao/resilience'
import { body, changing, error, get, json, operator, parameter, viewer } from './openapi-operations.ts'
import type { Operation } from './openapi-operations.ts'
import {
  boolean,
  choice,
  count,
  instant,
  list,
  object,
  orNull,
  ref,
  sentence,
  string,
} from './openapi-shapes.ts'
import type { Schema } from './openapi-shapes.ts'

const namePath = parameter('name', 'path', 'Name of the rollout.', { type: 'string' })
const off = { '404': error('rollouts-off') }
const unknown = { '404': error('rollouts-off', 'unknown-rollout') }

/** The paths of rollouts. */
export const rolloutPaths: { readonly [path: string]: { readonly [method: string]: Operation } } = {
  '/api/v1/rollouts': {
    get: get(
      'rollouts',
      'Rollouts, their steps and the last verdict with its numbers',
      viewer,
      json('Rollouts'),
      off,
    ),
  },
  '/api/v1/rollouts/{name}': {
    get: get('rollout', 'One rollout', viewer, json('Rollout'), unknown, [namePath]),
    post: {
      summary:
        'Starts, pauses, resumes, promotes, aborts or tries again; an abort holds at this gateway before it is stored',
      operationId: 'changeRollout',
      security: operator,
      parameters: [namePath],
      requestBody: body('RolloutChange'),
      responses: { '200': json('Rollout'), ...changing, ...unknown, '409': error('wish-refused') },
    },
  },
  '/api/v1/rollouts/{name}/fault': {
    post: {
      summary: 'For drills: makes the release a bad one at every gateway for so long; forMs 0 ends it',
      operationId: 'faultRelease',
      security: operator,
      parameters: [namePath],
      requestBody: body('ReleaseFault'),
      responses: { '200': json('ReleaseFaultTaken'), ...changing, ...unknown, '409': error('wish-refused') },
    },
  },
}

/** Their shapes. */
export const rolloutSchemas: { readonly [name: string]: Schema } = {
  Rollouts: object({ rollouts: list(ref('Rollout')) }),
  Rollout: object({
    name: string,
    route: string,
    release: string,
    phase: orNull(choice('running', 'paused', 'promoted', 'aborted')),
    step: count,
    steps: count,
    basisPoints: count,
    mirrorBasisPoints: count,
    strategy: choice(...rolloutStrategies),
    schema: orNull(object({ phase: choice(...schemaPhases), change: string }, { after: string })),
    analysis: list(ref('RolloutAnalysis')),
    blocked: boolean,
    startedAt: orNull(instant),
    stepAt: orNull(instant),
    generation: count,
    holder: orNull(string),
    by: string,
    why: string,
    verdict: orNull(
      object({
        kind: choice('abort', 'hold', 'pass'),
        cause: string,
        numbers: { type: 'object', additionalProperties: { type: 'number' } },
      }),
    ),
  }),
  ReleaseFault: object({ forMs: count }, { kind: choice(...releaseFaultKinds) }),
  ReleaseFaultTaken: object({ ok: { type: 'boolean' }, forMs: count }),
  RolloutAnalysis: object({
    name: string,
    outcome: choice('none', 'within', 'outside', 'silent'),
    value: orNull({ type: 'number' }),
    stable: orNull({ type: 'number' }),
    failures: count,
    failuresMax: count,
    at: orNull(instant),
    why: string,
  }),
  RolloutChange: object(
    { action: choice(...rolloutActions) },
    { by: sentence, reason: sentence, force: boolean },
  ),
}
