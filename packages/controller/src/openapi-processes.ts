import { body, changing, error, get, json, operator, parameter, viewer } from './openapi-operations.ts'
import type { Operation } from './openapi-operations.ts'
import {
  boolean,
  choice,
  count,
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

/** The paths of supervised processes. */
export const processPaths: { readonly [path: string]: { readonly [method: string]: Operation } } = {
  '/api/v1/processes': {
    get: get('processes', 'What each supervised process does, and why', viewer, json('Processes'), {
      '404': error('agent-off'),
    }),
  },
  '/api/v1/processes/{name}': {
    post: {
      summary: 'Starts, stops or restarts a process',
      operationId: 'changeProcess',
      security: operator,
      parameters: [parameter('name', 'path', 'A key of processes.', { type: 'string' })],
      requestBody: body('ProcessChange'),
      responses: {
        '200': json('ProcessChanged'),
        ...changing,
        '404': error('agent-off', 'unknown-process'),
      },
    },
  },
}

/** Their shapes. */
export const processSchemas: { readonly [name: string]: Schema } = {
  Processes: object({ processes: list(ref('Process')) }),
  Process: object({
    name: string,
    state: choice(
      'stopped',
      'waiting',
      'starting',
      'running',
      'stopping',
      'clearing',
      'backing-off',
      'crash-loop',
    ),
    wanted: { ...boolean, description: 'Whether it is to run.' },
    why: { ...string, description: 'Why it is in its state.' },
    sinceMs: milliseconds('Since it is in its state.'),
    pid: orNull(count),
    adopted: { ...boolean, description: 'It was found running when the agent began.' },
    upMs: orNull(milliseconds('How long it has been living.')),
    nextMs: orNull(milliseconds('Until it is started again, or killed.')),
    service: orNull(string),
    address: orNull(string),
    node: orNull(string),
    standby: boolean,
    restarts: count,
    hangs: { ...count, description: 'Times it was killed because it failed its checks.' },
    crashes: { ...count, description: 'Lives that ended and were not to.' },
    memoryBytes: orNull(count),
    lastExit: orNull(
      object({
        at: instant,
        cause: choice('itself', 'asked', 'restarted', 'hung', 'not-ready', 'too-large', 'unstartable'),
        code: orNull(count),
        signal: orNull(string),
      }),
    ),
  }),
  ProcessChange: object({ action: choice('start', 'stop', 'restart') }, { reason: sentence }),
  ProcessChanged: object({ ok: boolean, process: ref('Process') }),
}
