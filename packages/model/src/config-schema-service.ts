import { z } from 'zod'
import type { RetryOn, ServiceConfig } from './config.ts'
import {
  choice,
  type DurationSchema,
  exactlyOne,
  flag,
  integer,
  matching,
  number,
  percent,
  text,
  token,
} from './config-scalars.ts'
import { proxyProtocolVersion } from './config-schema-l4.ts'
import { upstreamTlsSchema } from './config-schema-tls.ts'
import { endpointSchema, registrationSchema } from './config-schema-endpoint.ts'
import { detectionSchema, failoverSchema, objectivesSchema } from './config-schema-failover.ts'
import { hedgeSchema, limitsSchema } from './config-schema-limits.ts'
import { dataSchema, ownershipSchema } from './config-schema-ownership.ts'
import { statusRangePattern } from './config-status.ts'

const retryReasons = ['connect-failure', 'reset-before-request', 'reset', 'timeout'] as const

const retryOnError = `${retryReasons.join(', ')}, or a status from 400 to 599`

/** YAML reads an unquoted 502 as a number: both are meant. */
const status = integer(400, 599).transform((code) => `${code}` as const)

const retryOn: z.ZodType<RetryOn> = z.union(
  [
    z.enum(retryReasons),
    z
      .string()
      .regex(/^[45]\d\d$/)
      .transform((code) => code as `${number}`),
    status,
  ],
  { error: retryOnError },
)

const statusRangeError = 'a status such as 204, or a range such as 200-399'

/** One status, also as a number, or a range. */
export const statusRange: z.ZodType<string> = z.union(
  [z.string().regex(statusRangePattern), integer(100, 599).transform(String)],
  { error: statusRangeError },
)

const requestTarget = matching(/^\/[^\s#]*$/, 'a path that starts with /')

export function serviceSchema(duration: DurationSchema): z.ZodType<ServiceConfig> {
  return z
    .strictObject({
      mode: choice(['active-standby', 'active-active', 'multi-active'])
        .default('multi-active')
        .describe('How sites share the work.'),
      endpoints: z
        .array(endpointSchema(), { error: 'a list of endpoints' })
        .describe('Addresses that serve it; empty where all register.'),
      registration: registrationSchema(duration),
      balance: choice([
        'round-robin',
        'least-request',
        'least-connections',
        'peak-ewma',
        'random',
        'ring-hash',
        'maglev',
      ])
        .default('least-request')
        .describe('How an endpoint is chosen.'),
      hashOn: exactlyOne<ServiceConfig['hashOn']>({
        header: token.describe('A request header.'),
        cookie: token.describe('A cookie.'),
        query: text('a query parameter').describe('A query parameter.'),
        ip: z.literal(true, { error: 'true' }).describe('The client’s address: `ip: true`.'),
      })
        .prefault({ ip: true })
        .describe('What `ring-hash` and `maglev` hash.'),
      cookieTtl: z
        .exactOptional(duration.of({ min: 0 }))
        .describe(
          'With `hashOn.cookie`: who has none is given one for so long; `0s`: while the browser is open.',
        ),
      healthCheck: z.exactOptional(healthCheckSchema(duration)).describe('Active checks; absent: none.'),
      outlier: z
        .union(
          [
            z.strictObject({
              maxFails: integer(1, 1000)
                .default(3)
                .describe('Failures in a row until an endpoint is ejected.'),
              failTimeout: duration.or('30s').describe('How long it stays ejected.'),
            }),
            z.literal(false),
          ],
          { error: 'settings, or false' },
        )
        .prefault({})
        .describe('Passive ejection; `false` turns it off.'),
      breaker: z
        .union([breakerSchema(duration), z.literal(false)], { error: 'settings, or false' })
        .prefault({})
        .describe('Circuit breaker of the service and of each endpoint; `false` turns it off.'),
      timeouts: z
        .strictObject({
          connect: duration.or('1s').describe('Until an upstream connection is there.'),
          tlsHandshake: duration.or('1s').describe('Until its TLS handshake is done.'),
          request: duration
            .or('3s')
            .describe(
              'From the end of the request to the head of the answer, all attempts included; then the longest silence within the answer.',
            ),
          perTry: z
            .exactOptional(duration.of())
            .describe(
              'One attempt where another may follow. Default half of `request`; all of it without retries.',
            ),
          announce: flag
            .default(false)
            .describe('Tell endpoints by `X-Budao-Timeout` how long an answer is awaited.'),
          idle: duration.or('5m').describe('How long an upstream connection is kept unused.'),
          tunnel: duration
            .or('5m')
            .describe(
              'How long an upgraded connection, such as a WebSocket, may be silent in both directions.',
            ),
        })
        .prefault({}),
      proxyProtocol: z
        .exactOptional(proxyProtocolVersion)
        .describe('`v1` or `v2`: endpoints get a PROXY header, from tcp and tls-passthrough listeners.'),
      tls: z.exactOptional(upstreamTlsSchema()).describe('TLS to the endpoints. Absent: plain connections.'),
      retry: z
        .strictObject({
          attempts: integer(0, 10).default(1).describe('Most attempts after the first.'),
          budgetPercent: integer(0, 100)
            .default(20)
            .describe('Retries may be this share of requests, percent.'),
          budgetMin: integer(0, 10_000).default(3).describe('So many retries are always possible.'),
          bodyBytes: integer(0, 16_777_216)
            .default(65_536)
            .describe('A request body up to this size, in bytes, is kept for another attempt.'),
          on: z
            .array(retryOn, { error: `a list of ${retryOnError}` })
            .prefault([...retryReasons, '502', '503', '504'])
            .describe(`What makes another attempt: ${retryOnError}.`),
          backoff: z
            .strictObject({
              base: duration
                .or('25ms', { min: 0 })
                .describe('First wait at most; doubled with each attempt.'),
              max: duration.or('250ms', { min: 0 }).describe('Longest wait.'),
            })
            .prefault({}),
          hedge: z
            .exactOptional(hedgeSchema(duration))
            .describe('Another attempt elsewhere while the first still runs; absent: none.'),
        })
        .prefault({}),
      slowStart: z
        .exactOptional(
          z.strictObject({
            window: duration
              .of()
              .describe('Time until an endpoint that came, or came back, has its full weight.'),
            minWeightPercent: integer(1, 100).default(10).describe('Its weight at first, percent.'),
            aggression: number(0.1, 10).default(1).describe('1 is linear; above 1 starts faster.'),
          }),
        )
        .describe('Absent: full weight at once.'),
      priority: z
        .strictObject({
          overprovisioningPercent: integer(100, 1000)
            .default(140)
            .describe('A site keeps its load until its healthy share × this is below 100, percent.'),
          panicPercent: percent.default(50).describe('Below this healthy share health is ignored, percent.'),
        })
        .prefault({}),
      limits: limitsSchema(duration).prefault({}),
      detection: z
        .exactOptional(detectionSchema(duration))
        .describe('How a dead site is noticed. Absent: the defaults.'),
      objectives: z.exactOptional(objectivesSchema(duration)).describe('What is to be held.'),
      failover: z
        .exactOptional(failoverSchema(duration))
        .describe('What a controller may do when a site is down. Absent: writes need no lease.'),
      ownership: z
        .exactOptional(ownershipSchema(duration))
        .describe(
          'Which unit a request belongs to, with `multi-active`. Absent: all belong to the first site.',
        ),
      data: z
        .exactOptional(dataSchema)
        .describe(
          'Who says how far the data of this site is. Absent: nobody, and what a failover loses is unknown.',
        ),
    })
    .transform(({ breaker, timeouts, ...service }) => {
      const perTry = service.retry.attempts === 0 ? timeouts.request : Math.ceil(timeouts.request / 2)
      // A trial must be able to end in its own time: its late result would not decide.
      const trialLease = Math.max(5000, timeouts.request)
      return {
        ...service,
        breaker: breaker === false ? breaker : { trialLease, ...breaker },
        timeouts: { perTry, ...timeouts },
      }
    })
}

function healthCheckSchema(duration: DurationSchema) {
  return z
    .strictObject({
      type: choice(['http', 'tcp']).describe('`http` asks for a path; `tcp` only connects.'),
      path: requestTarget.default('/').describe('What an http check asks for.'),
      host: z.exactOptional(text()).describe('Host header of an http check. Default the endpoint’s address.'),
      interval: duration.or('1s').describe('Between two checks of an endpoint.'),
      timeout: z
        .exactOptional(duration.of())
        .describe(
          'A check that takes longer has failed; at most `interval`. Default 500ms, or `interval` if that is shorter.',
        ),
      unhealthyAfter: integer(1, 100).default(3).describe('Failed checks in a row until it gets no traffic.'),
      healthyAfter: integer(1, 100)
        .default(2)
        .describe('Passed checks in a row until it gets traffic again.'),
      expectStatus: z
        .array(statusRange, { error: `a list of ${statusRangeError}` })
        .min(1, { error: statusRangeError })
        .prefault(['200-399'])
        .describe('Statuses that pass: codes and ranges.'),
    })
    .transform((check) => ({ timeout: Math.min(500, check.interval), ...check }))
}

function breakerSchema(duration: DurationSchema) {
  return z.strictObject({
    window: duration.or('5s').describe('The rolling window.'),
    buckets: integer(1, 100).default(10).describe('Parts the window moves by.'),
    requestVolumeThreshold: integer(1, 1_000_000)
      .default(20)
      .describe('Fewer calls in the window than this never open it.'),
    errorThresholdPercentage: integer(1, 100)
      .default(50)
      .describe('Opens at this share of failures or more, percent.'),
    sleepWindow: duration.or('5s').describe('How long it stays open before a trial.'),
    trialLease: z
      .exactOptional(duration.of())
      .describe('When a hung trial gives its permit back. Default the longer of 5s and `timeouts.request`.'),
    slowCall: z
      .exactOptional(duration.of())
      .describe('A call that takes longer is slow. Absent: not judged.'),
    slowCallPercentage: integer(1, 100)
      .default(50)
      .describe('Opens at this share of slow calls or more, percent.'),
  })
}
