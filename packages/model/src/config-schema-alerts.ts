import { z } from 'zod'
import type { AlertsConfig, EscalationConfig, InhibitConfig } from './config-alerts.ts'
import { choice, type DurationSchema, file, flag, matching, name, text } from './config-scalars.ts'
import { secretSchema } from './config-schema-serve.ts'
import { alertLanguages } from './providers/receiver.ts'
import { receiverSchema, smtpSchema } from './providers/receiver-schema.ts'

const url = matching(/^https?:\/\/[^\s/]+(?:\/\S*)?$/, 'a URL such as http://127.0.0.1:9901/metrics')
const label = matching(/^(?:[a-zA-Z_][a-zA-Z0-9_]*|\.\.\.)$/, 'the name of a label')
const notify = text('the name of a receiver, or a mail address')

/** The schema of `alerts`. */
export function alertsSchema(duration: DurationSchema): z.ZodType<AlertsConfig> {
  return z.strictObject({
    rules: z
      .array(file, { error: 'a list of files' })
      .max(100, { error: 'at most 100 files' })
      .default([])
      .describe('Files with rules, JSON or YAML, relative to this file.'),
    builtIn: flag.default(true).describe('Judge the rules that come with Budao too.'),
    interval: duration.or('5s').describe('How often metrics are read, and rules over them judged.'),
    scrape: z
      .array(
        z.strictObject({
          url: url.describe('Where they are, such as http://127.0.0.1:9901/metrics.'),
          token: z.exactOptional(secretSchema()).describe('Sent as a bearer token. Absent: none.'),
        }),
        { error: 'a list of addresses' },
      )
      .max(100, { error: 'at most 100 addresses' })
      .default([])
      .describe('Other processes whose metrics are judged, besides this one’s.'),
    receivers: z
      .record(name, receiverSchema(), { error: 'names of receivers with their settings' })
      .refine((all) => Object.keys(all).length <= 100, { error: 'at most 100 receivers' })
      .prefault({})
      .describe('Where alerts are sent to, by name.'),
    notify: z
      .array(notify, { error: 'a list of receivers' })
      .max(20, { error: 'at most 20 receivers' })
      .default([])
      .describe('Receivers of built-in rules and of rules that name nobody.'),
    language: choice(alertLanguages).default('en').describe('Of messages.'),
    group: z
      .strictObject({
        by: z
          .array(label, { error: 'a list of labels' })
          .max(20, { error: 'at most 20 labels' })
          .default(['alertname'])
          .describe('Labels whose alerts share a message; `...`: every alert has its own.'),
        wait: duration.or('1s', { min: 0 }).describe('From the first alert of a group to its first message.'),
        interval: duration.or('5m').describe('From one message of a group to the next about something new.'),
        repeat: duration.or('4h').describe('Until it is told again that a group still fires.'),
      })
      .prefault({}),
    inhibit: z
      .array(inhibitSchema(), { error: 'a list of rules' })
      .max(100, { error: 'at most 100 rules' })
      .default([])
      .describe('Which alerts are not told while others fire.'),
    escalation: z
      .exactOptional(escalationSchema(duration))
      .describe('Who hears when nobody acknowledges. Absent: nobody.'),
    retryFor: duration.or('1h').describe('How long a message is tried where a receiver does not take it.'),
    smtp: z
      .exactOptional(smtpSchema())
      .describe('Where mail leaves. Needed where a receiver is a mail address.'),
    publicUrl: z
      .exactOptional(matching(/^https?:\/\/[^\s/]+$/, 'an origin such as https://budao.example'))
      .describe('Where people reach the admin address: links in messages. Absent: no links.'),
    ackSecret: z
      .exactOptional(secretSchema())
      .describe(
        'What links to acknowledge are signed with, at least 16 characters; the same for all controllers. Absent: with `control` made of its token, otherwise at the first start and kept in `dataDir`.',
      ),
  })
}

function inhibitSchema(): z.ZodType<InhibitConfig> {
  const matchers = z
    .array(text('a matcher such as severity="P1"'), { error: 'a list of matchers' })
    .min(1, { error: 'at least one matcher' })
  return z.strictObject({
    source: matchers.describe('Matchers of the alert that keeps others quiet.'),
    target: matchers.describe('Matchers of those that it keeps quiet.'),
    equal: z
      .array(label, { error: 'a list of labels' })
      .default([])
      .describe('Labels that both must have alike; one that is missing is empty.'),
  })
}

function escalationSchema(duration: DurationSchema): z.ZodType<EscalationConfig> {
  return z.strictObject({
    after: duration.or('5m').describe('From the first message until then.'),
    to: z
      .array(notify, { error: 'a list of receivers' })
      .min(1, { error: 'at least one receiver' })
      .describe('Receivers, or mail addresses.'),
    severities: z
      .array(text('a severity such as P1'), { error: 'a list of severities' })
      .default(['P1', 'critical'])
      .describe('Of these alerts.'),
  })
}
