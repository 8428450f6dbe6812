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

const token = parameter('token', 'path', 'As in the message.', { type: 'string' })

/** The paths of alerts. */
export const alertPaths: { readonly [path: string]: { readonly [method: string]: Operation } } = {
  '/api/v1/alerts': {
    get: get('alerts', 'Rules, alerts, silences and receivers', viewer, json('Alerts'), {
      '404': error('alerts-off'),
    }),
  },
  '/api/v1/alerts/acknowledge': {
    post: {
      summary: 'Says that somebody has seen alerts: nobody else is woken for them',
      operationId: 'acknowledgeAlerts',
      security: operator,
      requestBody: body('AlertAck'),
      responses: {
        '200': json('AlertAcked'),
        ...changing,
        '404': error('alerts-off', 'unknown-alert'),
      },
    },
  },
  '/api/v1/alerts/silences': {
    post: {
      summary: 'Keeps messages about some alerts back for a while',
      operationId: 'silence',
      security: operator,
      requestBody: body('SilenceWish'),
      responses: { '200': json('Silence'), ...changing, '404': error('alerts-off') },
    },
  },
  '/api/v1/alerts/silences/{id}': {
    delete: {
      summary: 'Ends a silence',
      operationId: 'endSilence',
      security: operator,
      parameters: [parameter('id', 'path', 'As in the list.', { type: 'string' })],
      responses: {
        '200': json('SilenceEnded'),
        ...changing,
        '404': error('alerts-off', 'unknown-silence'),
      },
    },
  },
  '/api/v1/alerts/links/{token}': {
    get: get(
      'alertLink',
      'A page with a button to acknowledge what a message is about',
      open,
      text('text/html'),
      { '404': error('alerts-off') },
      [token],
    ),
    post: {
      summary: 'Acknowledges what a message is about; the link is the proof',
      operationId: 'acknowledgeByLink',
      security: open,
      parameters: [token],
      responses: { '200': text('text/html'), '404': error('alerts-off') },
    },
  },
}

const texts: Schema = { type: 'object', additionalProperties: string }

/** Their shapes. */
export const alertSchemas: { readonly [name: string]: Schema } = {
  Alerts: object({
    notifies: {
      ...boolean,
      description: 'This process tells people; of several controllers one does.',
    },
    notifier: orNull({
      ...string,
      description: 'The controller that does; null: there is one process, or nobody does.',
    }),
    judgedMs: milliseconds('Since rules were last judged.'),
    rules: list(
      object({
        name: string,
        condition: string,
        severity: string,
        builtIn: boolean,
        state: choice('ok', 'pending', 'firing'),
        notify: list(string),
        problem: { ...string, description: 'Why it cannot be judged; empty: it can.' },
      }),
    ),
    alerts: list(
      object({
        fingerprint: string,
        name: string,
        severity: string,
        state: choice('pending', 'firing', 'resolved'),
        labels: texts,
        annotations: texts,
        value: orNull({ type: 'number' }),
        since: instant,
        endedAt: orNull(instant),
        seenElsewhere: { ...list(string), description: 'Other controllers that see it fire.' },
        muted: orNull(choice('silenced', 'inhibited')),
        acknowledged: orNull(object({ by: string, at: instant, reason: string })),
      }),
    ),
    silences: list(ref('Silence')),
    receivers: list(
      object({
        name: string,
        kind: string,
        waiting: count,
        oldestMs: orNull(milliseconds('Since when the oldest message waits.')),
        delivered: count,
        failed: count,
        retried: count,
        problem: string,
      }),
    ),
  }),
  Silence: object({
    id: string,
    matchers: list(string),
    startsAt: instant,
    endsAt: instant,
    by: string,
    reason: string,
    state: choice('pending', 'active', 'expired'),
  }),
  SilenceWish: object({
    matchers: { ...list(sentence), minItems: 1, maxItems: 20 },
    for: { ...string, description: 'A duration such as 2h.' },
    by: sentence,
    reason: sentence,
  }),
  SilenceEnded: object({ ok: { const: true }, id: string }),
  AlertAck: object({ alert: sentence, by: sentence }, { reason: sentence }),
  AlertAcked: object({ ok: { const: true }, alerts: count }),
}
