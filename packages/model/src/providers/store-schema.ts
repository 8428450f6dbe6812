import { z } from 'zod'
import { type DurationSchema, exactlyOne, file, integer, matching } from '../config-scalars.ts'
import type { StoreConfig } from './store.ts'

/** The schema of one entry of `stores`. */
export function storeSchema(duration: DurationSchema): z.ZodType<StoreConfig> {
  return exactlyOne<StoreConfig>({ redis: redisSchema(duration).describe('A Redis or Valkey server.') })
}

const urlError = 'a URL such as redis://user:password@127.0.0.1:6379/0, or rediss:// for TLS'

/** User, password, host, port, database: all but the host may be left out. */
const urlPattern =
  /^rediss?:\/\/(?:[^\s/@:]*(?::[^\s/@]*)?@)?(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:\/\d{0,5})?$/

function redisSchema(duration: DurationSchema) {
  return z.strictObject({
    url: matching(urlPattern, urlError).describe(
      '`redis://user:password@host:6379/0`; with TLS `rediss://…`.',
    ),
    ca: z
      .exactOptional(file)
      .describe('Certificate authority, PEM, for `rediss:`. Absent: those of the system.'),
    timeout: duration.or('50ms').describe('A call without an answer by then has failed.'),
    connectTimeout: duration.or('1s').describe('Until a connection is there.'),
    failures: integer(1, 1000).default(3).describe('Failed calls in a row until it counts as away.'),
    probeInterval: duration.or('1s').describe('How often it is looked for while it is away.'),
    keyPrefix: matching(/^[\x21-\x7e]{0,64}$/, 'at most 64 visible ASCII characters')
      .default('budao:')
      .describe('In front of every key.'),
  })
}
