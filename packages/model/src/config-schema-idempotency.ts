import { z } from 'zod'
import type { IdempotencyConfig } from './config-idempotency.ts'
import {
  choice,
  type DurationSchema,
  flag,
  integer,
  matching,
  method,
  name,
  size,
  token,
} from './config-scalars.ts'
import { statusRange } from './config-schema-service.ts'

const scopeError = 'user, everybody, openid, header:Name, cookie:name or claim:name'

const scope = matching(
  /^(?:user|everybody|openid|(?:header|cookie):[!#$%&'*+.^_`|~0-9A-Za-z-]+|claim:[^\s]+)$/,
  scopeError,
)

/** The schema of the filter `idempotency`. */
export function idempotencySchema(duration: DurationSchema): z.ZodType<IdempotencyConfig> {
  return z.strictObject({
    header: token
      .default('Idempotency-Key')
      .describe('The request header that holds the key. It goes on to the service.'),
    methods: z
      .array(method, { error: 'a list of methods' })
      .min(1, { error: 'at least one method' })
      .default(['POST', 'PUT', 'PATCH', 'DELETE'])
      .describe('Methods that a key counts for; other requests pass untouched.'),
    required: flag
      .default(false)
      .describe('Whether a request of these methods without a key is refused (400).'),
    by: z
      .union(
        [
          scope.transform((one) => [one]),
          z.array(scope, { error: scopeError }).min(1, { error: 'at least one' }),
        ],
        { error: `${scopeError}, or a list of them` },
      )
      .prefault('user')
      .describe(
        'Whose keys are apart: `user` (the `sub` of a verified token, else the header Authorization), `everybody`, `header:Name`, `cookie:name`, `claim:name`, `openid`, or a list: all of them together.',
      ),
    ttl: duration.or('24h').describe('How long a result answers repeats.'),
    wait: duration
      .or('0s', { min: 0 })
      .describe('How long a repeat waits for the first one that is under way before it gets 409.'),
    bodyBytes: size('1KiB', '64MiB')
      .prefault('1MiB')
      .describe('A keyed request with a longer body is refused (413): it is taken in whole and compared.'),
    answerBytes: size('1KiB', '16MiB')
      .prefault('64KiB')
      .describe('Longer answers are passed on as they come, and only their status is kept.'),
    notKept: z
      .array(statusRange, { error: 'a list of statuses and ranges such as 500-599' })
      .prefault(['401', '408', '425', '429', '500-599'])
      .describe('Statuses that are no result: the same key may try again.'),
    onUncertain: choice(['forward', 'refuse'])
      .default('forward')
      .describe('A repeat whose first one may or may not have been done goes to the service, or gets 409.'),
    onStoreAway: choice(['forward', 'refuse'])
      .default('forward')
      .describe(
        'While keys cannot be kept, because the store is away or full, keyed requests go to the service unkept, or get 503.',
      ),
    endpointsHonourKeys: flag
      .default(false)
      .describe(
        'Whether endpoints themselves do a request with a known key only once: then it is retried as a GET is, whatever its method.',
      ),
    name: z
      .exactOptional(name)
      .describe('Routes of one name share their keys. Default the name of the route.'),
    store: z
      .exactOptional(name)
      .describe('A key of `stores`: kept there for several gateways. Absent: in a file in `dataDir`.'),
    entries: integer(1, 100_000_000)
      .default(1_000_000)
      .describe('Most keys in the file; what is above is treated as while a store is away.'),
    bytes: size('1MiB', '1024GiB')
      .prefault('1GiB')
      .describe('Most bytes of answers in the file; of what is above only the status is kept.'),
  })
}
