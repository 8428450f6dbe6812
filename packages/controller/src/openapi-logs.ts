import { error, get, json, parameter, text, viewer } from './openapi-operations.ts'
import type { Operation } from './openapi-operations.ts'
import { boolean, count, list, object, orNull, ref, string } from './openapi-shapes.ts'
import type { Schema } from './openapi-shapes.ts'

const filter = parameter('filter', 'query', 'Which records; empty: all.', { type: 'string', maxLength: 4000 })
const from = parameter('from', 'query', 'A time, or how long ago such as 15m. Default: the oldest.', {
  type: 'string',
})
const to = parameter('to', 'query', 'The same. Default: the latest.', { type: 'string' })
const off = { '404': error('logs-off') }

/** The paths of collected logs. */
export const logPaths: { readonly [path: string]: { readonly [method: string]: Operation } } = {
  '/api/v1/logs': {
    get: get('logs', 'Log records that pass a filter, the latest first', viewer, json('Logs'), off, [
      filter,
      from,
      to,
      parameter('limit', 'query', 'At most this many; default 100.', {
        type: 'integer',
        minimum: 1,
        maximum: 5000,
      }),
    ]),
  },
  '/api/v1/logs/histogram': {
    get: get('logsHistogram', 'How many records pass, by level and time', viewer, json('LogsTally'), off, [
      filter,
      from,
      to,
      parameter('bars', 'query', 'Into so many bars of equal width; default 60.', {
        type: 'integer',
        minimum: 1,
        maximum: 200,
      }),
    ]),
  },
  '/api/v1/logs/status': {
    get: get('logsStatus', 'How logs are read and passed on', viewer, json('LogsStatus'), off),
  },
  '/api/v1/logs/stream': {
    get: get(
      'followLogs',
      'Log records to come as server-sent events; an event `missed` counts those that were too many',
      viewer,
      text('text/event-stream'),
      { ...off, '503': error('too-many-streams') },
      [filter],
    ),
  },
}

const number: Schema = { type: 'number' }
const values: Schema = {
  type: 'object',
  additionalProperties: { type: ['string', 'number', 'boolean', 'null'] },
}

/** Their shapes. */
export const logSchemas: { readonly [name: string]: Schema } = {
  Logs: object({
    records: list(ref('LogRecord')),
    complete: { ...boolean, description: 'False: older records may pass too.' },
    read: ref('LogsRead'),
  }),
  LogsRead: object({ blocks: count, skipped: count, bytes: count, lines: count }),
  LogsTally: object({
    from: { ...number, description: 'Where the first bar begins, milliseconds since 1970.' },
    stepMs: { ...number, description: 'Width of a bar.' },
    levels: {
      type: 'object',
      additionalProperties: list(count),
      description: 'By level (trace to fatal, none), one number a bar.',
    },
    total: count,
    complete: { ...boolean, description: 'False: older bars are too low.' },
    read: ref('LogsRead'),
  }),
  LogRecord: object(
    {
      timestamp: { ...number, description: 'Milliseconds since 1970, by whoever wrote it.' },
      observed: { ...number, description: 'Milliseconds since 1970, when Budao first saw it.' },
      severityNumber: { ...count, description: '1 to 24 as in OpenTelemetry; 0: not said.' },
      severityText: string,
      body: string,
      resource: values,
      attributes: values,
    },
    { traceId: string, spanId: string },
  ),
  LogsStatus: object({ intake: orNull(ref('LogIntake')), sinks: list(ref('LogSink')) }),
  LogIntake: object({
    lines: count,
    bytes: count,
    truncated: count,
    damaged: count,
    failed: count,
    files: count,
    opened: count,
    rotated: count,
    truncations: count,
    waiting: count,
    unreadable: { ...count, description: 'Files that cannot be opened or read now.' },
    storeBytes: count,
    segments: count,
    droppedBytes: count,
    unwatched: count,
    problem: orNull(string),
  }),
  LogSink: object({
    name: string,
    sent: count,
    refused: count,
    refusal: { ...orNull(string), description: 'Why, of the last of them.' },
    retries: count,
    segment: count,
    problem: orNull(string),
  }),
}
