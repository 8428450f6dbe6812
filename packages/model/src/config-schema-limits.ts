import { z } from 'zod'
import type { RouteConfig } from './config-route.ts'
import { priorityNames, type HedgeConfig, type OverloadConfig, type ServiceLimits } from './config.ts'
import { choice, type DurationSchema, integer, token } from './config-scalars.ts'

const quantiles = ['p50', 'p90', 'p95', 'p99'] as const

/** What one service may take up, and what becomes of the rest. */
export function limitsSchema(duration: DurationSchema): z.ZodType<ServiceLimits> {
  return z.strictObject({
    concurrency: integer(1, 1_000_000).default(1024).describe('Most requests in flight.'),
    pending: integer(0, 1_000_000).default(1024).describe('Most requests waiting for a connection.'),
    connections: integer(1, 65_535).default(512).describe('Most connections to one endpoint.'),
    adaptive: z
      .exactOptional(
        z.strictObject({
          min: integer(1, 1_000_000).default(4).describe('The limit is never below this.'),
          bufferPercent: integer(0, 1_000)
            .default(25)
            .describe('So much above the latency without a queue is not yet a queue, percent.'),
          measureEvery: duration
            .or('30s')
            .describe('The latency without a queue is measured at least so often.'),
        }),
      )
      .describe('A limit below `concurrency`, found by latency; `{}` turns it on. Absent: off.'),
    queue: z
      .exactOptional(
        z.strictObject({
          size: integer(1, 100_000).default(100).describe('Most that wait, over all threads.'),
          timeout: duration.or('500ms').describe('Nobody waits longer; at most `timeouts.request`.'),
        }),
      )
      .describe('Who finds no place waits for one, best class first. Absent: nobody waits.'),
    shares: z
      .strictObject({
        critical: share('Default 100.'),
        high: share('Default 95, or that of `critical` if that is less.'),
        normal: share('Default 90, or that of `high` if that is less.'),
        low: share('Default 70, or that of `normal` if that is less.'),
      })
      .transform(({ critical = 100, high, normal, low }) => {
        const second = high ?? Math.min(95, critical)
        const third = normal ?? Math.min(90, second)
        return { critical, high: second, normal: third, low: low ?? Math.min(70, third) }
      })
      .prefault({})
      .describe('Share of the limit that each class may take, where any route has a `priority`.'),
    retryAfter: duration
      .or('1s')
      .describe('`Retry-After` for who was turned away: in whole seconds, drawn from this to twice of it.'),
  })
}

function share(fallback: string) {
  return z.exactOptional(integer(1, 100)).describe(`Percent. ${fallback}`)
}

/** `retry.hedge`. */
export function hedgeSchema(duration: DurationSchema): z.ZodType<HedgeConfig> {
  return z.strictObject({
    after: z
      .union([choice(quantiles), duration.of()], {
        error: `a duration such as 50ms, or ${quantiles.join(', ')}`,
      })
      .describe('An answer is late after this time, or after that quantile of recent latencies.'),
    max: integer(1, 3).default(1).describe('Most such attempts for one request.'),
  })
}

/** `priority` of a route. */
export function prioritySchema(): z.ZodType<RouteConfig['priority']> {
  return z.union(
    [
      choice(priorityNames),
      z.strictObject({
        header: token.describe('A request header with one of these words.'),
        max: choice(priorityNames).default('high').describe('The best class a request may say it has.'),
        default: choice(priorityNames)
          .default('normal')
          .describe('The class of requests that do not say one of these words.'),
      }),
    ],
    { error: `${priorityNames.join(', ')}, or { header, max, default }` },
  )
}

/** `overload`. */
export function overloadSchema(duration: DurationSchema): z.ZodType<OverloadConfig> {
  return z.strictObject({
    loopDelay: duration.or('100ms').describe('How late a thread may be with its work.'),
    heapPercent: integer(1, 100).default(90).describe('How much of its heap a thread may use, percent.'),
  })
}
