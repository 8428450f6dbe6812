import { z } from 'zod'
import { address, headerValue, matching, text, token } from '../config-scalars.ts'
import { brokerAccessShape } from './broker-access-schema.ts'
import type { LogSinkKind } from './log-sink.ts'

const headers = z
  .record(token, headerValue, { error: 'headers with their values' })
  .default({})
  .describe('Sent with each request, such as `authorization`.')

const url = (example: string): z.ZodType<string, string> =>
  matching(/^https?:\/\/[^\s]+$/, `an address such as ${example}`)

/** The keys of a sink that say which product it is. */
export const logSinkShape: Readonly<Record<keyof LogSinkKind, z.ZodType>> = {
  kafka: z
    .exactOptional(
      z.strictObject({
        brokers: z
          .array(address({ portMin: 1 }), { error: 'a list of brokers' })
          .min(1, { error: 'at least one broker' })
          .describe('Some of the cluster, as `host:port`.'),
        topic: matching(/^[\w.-]{1,200}$/, 'the name of a topic')
          .default('budao-logs')
          .describe('It has to be there.'),
        ...brokerAccessShape,
      }),
    )
    .describe('A topic, one message a record.'),
  elasticsearch: z
    .exactOptional(
      z.strictObject({
        url: url('http://10.0.1.5:9200').describe('Of the cluster, without path.'),
        index: text('the name of an index')
          .default('budao-logs-{yyyy.MM.dd}')
          .describe('`{yyyy.MM.dd}` is the day of the record in UTC.'),
        headers,
      }),
    )
    .describe('`_bulk`, which OpenSearch takes too.'),
  loki: z
    .exactOptional(
      z.strictObject({
        url: url('http://10.0.1.5:3100').describe('Of the server, without path.'),
        labels: z
          .array(text('the name of a field'), { error: 'a list of fields' })
          .max(15, { error: 'at most 15 labels' })
          .default(['service.name', 'log.level'])
          .describe('Fields that become labels; few values each.'),
        headers,
      }),
    )
    .describe('`/loki/api/v1/push`.'),
  otlp: z
    .exactOptional(
      z.strictObject({
        url: url('http://127.0.0.1:4318/v1/logs').describe(
          'With its path, such as `http://127.0.0.1:4318/v1/logs`.',
        ),
        headers,
      }),
    )
    .describe('OTLP over HTTP, as JSON.'),
}

/** Names of the products. */
export const logSinkKinds: readonly string[] = Object.keys(logSinkShape)
