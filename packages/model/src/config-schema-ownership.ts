import { z } from 'zod'
import type { DataConfig, OwnershipConfig, OwnershipKey } from './config-ownership.ts'
import {
  choice,
  type DurationSchema,
  exactlyOne,
  matching,
  name,
  secret,
  text,
  token,
} from './config-scalars.ts'

export function ownershipSchema(duration: DurationSchema): z.ZodType<OwnershipConfig> {
  return z.strictObject({
    key: z
      .exactOptional(
        exactlyOne<OwnershipKey>({
          header: token.describe('A request header.'),
          cookie: token.describe('A cookie.'),
          query: text('a query parameter').describe('A query parameter.'),
          claim: text('a claim').describe(
            'A claim of the token that a `jwt` filter of the route has passed.',
          ),
        }),
      )
      .describe('What of a request chooses its unit. Absent: all belong to `home`.'),
    units: choice(['hash', 'modulo', 'site'])
      .default('hash')
      .describe(
        '`hash`: the value is hashed over the sites; `modulo`: a number’s rest by their number; `site`: it is a site’s name.',
      ),
    home: z
      .exactOptional(name)
      .describe('The site of a request without such a value. Absent: the first one that has endpoints.'),
    wait: duration
      .or('0s', { min: 0 })
      .describe(
        'How long a write waits for somebody to accept it, within its own time; `0s`: refused at once.',
      ),
  })
}

const replicatorUrl = matching(/^https?:\/\/[^\s/]+$/, 'an address such as http://127.0.0.1:9910')
const url = matching(
  /^https?:\/\/[^\s/?#@]+(?:[/?][^\s#]*)?$/,
  'a URL such as http://127.0.0.1:7001/_budao/data',
)

const kinds = ['shared', 'replicator', 'hook', 'command'] as const

export const dataSchema: z.ZodType<DataConfig> = z
  .strictObject({
    shared: z
      .exactOptional(z.literal(true, { error: 'true' }))
      .describe('All sites write to one database: nothing is ever behind. `shared: true`.'),
    replicator: z
      .exactOptional(replicatorUrl)
      .describe('The replicator of this site: it knows how far the data is, and keeps epochs with it.'),
    token: z.exactOptional(secret).describe('With `replicator`: its `replication.token`.'),
    hook: z
      .exactOptional(url)
      .describe('A URL at this site that answers questions about the data, posted as JSON.'),
    command: z
      .exactOptional(
        z
          .array(text('a program or an argument'), { error: 'a program and its arguments' })
          .min(1, { error: 'a program and its arguments' }),
      )
      .describe('A program and its arguments: the question on its input, the answer on its output.'),
  })
  .refine((value) => kinds.filter((kind) => value[kind] !== undefined).length === 1, {
    error: `exactly one of ${kinds.join(', ')}`,
  })
  .refine(({ token: given, replicator }) => given === undefined || replicator !== undefined, {
    path: ['token'],
    error: 'replicator beside it, whose token it is',
  })
  // The checks above are what makes it one of the union.
  .transform((value) => value as DataConfig)
