import { z } from 'zod'
import { type DurationSchema, integer, method, name, text, token } from './config-scalars.ts'
import type { ValueMatch } from './config-route.ts'
import type { FaultConfig, MirrorConfig, StickyConfig } from './config-traffic.ts'

const share = 'Share of the requests, of 10 000.'

export function mirrorSchema(duration: DurationSchema): z.ZodType<MirrorConfig> {
  return z.strictObject({
    service: name.describe('A key of `services`, none of those that answer here.'),
    basisPoints: integer(0, 10_000).default(10_000).describe(share),
    methods: z
      .array(method, { error: 'a list of methods' })
      .min(1, { error: 'at least one method' })
      .default(['GET', 'HEAD', 'OPTIONS'])
      .describe('What is shown. Add others only where doing it twice does no harm.'),
    bodyBytes: integer(0, 1_048_576)
      .default(65_536)
      .describe('A request with a longer body, in bytes, is not shown.'),
    timeout: duration.or('3s').describe('Until the whole answer must be there.'),
    concurrency: integer(1, 10_000)
      .default(64)
      .describe('Most under way at once in each worker; what is above is not shown.'),
  })
}

export function stickySchema(duration: DurationSchema): z.ZodType<StickyConfig> {
  return z.strictObject({
    header: z.exactOptional(token).describe('A request header says who it is.'),
    cookie: z.exactOptional(token).describe('A cookie does.'),
    query: z.exactOptional(text('a query parameter')).describe('A query parameter does.'),
    claim: z
      .exactOptional(text('a claim'))
      .describe('A claim of the token does; the route has a `jwt` filter.'),
    ip: z.exactOptional(z.literal(true, { error: 'true' })).describe('The client’s address: `ip: true`.'),
    salt: z
      .exactOptional(text())
      .describe(
        'Another one spreads users anew; the same on two routes keeps them together. Default the route’s name.',
      ),
    ttl: z
      .exactOptional(duration.of({ min: 0 }))
      .describe('With `cookie`: who has none is given one for so long; `0s`: while the browser is open.'),
  })
}

export function faultSchema(
  duration: DurationSchema,
  headers: z.ZodType<Record<string, ValueMatch>>,
): z.ZodType<FaultConfig> {
  return z.strictObject({
    headers: headers.prefault({}).describe('Only requests with these headers, as in `match`. Absent: all.'),
    delay: z
      .exactOptional(
        z.strictObject({
          basisPoints: integer(0, 10_000).describe(share),
          fixed: duration.of().describe('How long they wait.'),
          concurrency: integer(1, 100_000)
            .default(1_024)
            .describe('Most that wait at once in each worker; what is above goes on at once.'),
        }),
      )
      .describe('Requests that wait.'),
    abort: z
      .exactOptional(
        z.strictObject({
          basisPoints: integer(0, 10_000).describe(share),
          status: integer(400, 599).describe('Status they are answered with.'),
        }),
      )
      .describe('Requests that fail, behind their delay if they have one.'),
    seed: z
      .exactOptional(integer(0, 4_294_967_295))
      .describe('Makes the draws of each worker the same in each run.'),
  })
}
