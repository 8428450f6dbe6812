import { z } from 'zod'
import type { CacheConfig, RouteCacheConfig } from './config-cache.ts'
import { type DurationSchema, flag, name, size, text, token } from './config-scalars.ts'

/** The schema of one entry of `caches`. */
export function cacheSchema(): z.ZodType<CacheConfig> {
  return z.strictObject({
    bytes: size('1MiB', '16GiB')
      .prefault('64MiB')
      .describe('Of the whole cache, in the memory that all workers share, taken as it fills.'),
    entryBytes: size('1KiB', '64MiB').prefault('1MiB').describe('Larger answers are not kept.'),
    store: z.exactOptional(name).describe('A key of `stores`: kept there instead, for several gateways.'),
  })
}

/** The schema of a route's `cache`. */
export function routeCacheSchema(duration: DurationSchema): z.ZodType<RouteCacheConfig> {
  return z.strictObject({
    in: name.default('default').describe('A key of `caches`; `default` is there without being named.'),
    ttl: z
      .exactOptional(duration.of())
      .describe('In place of every lifetime the origin gives, for answers 200, 203, 301 and 308.'),
    defaultTtl: z
      .exactOptional(duration.of())
      .describe(
        'The same, only where the origin gives no lifetime. Absent: such answers are asked for each time.',
      ),
    staleWhileRevalidate: duration
      .or('0s', { min: 0 })
      .describe(
        'Given at once for so long behind its lifetime, and fetched anew meanwhile, unless the origin says.',
      ),
    staleIfError: duration
      .or('0s', { min: 0 })
      .describe('Given instead of an error for so long behind its lifetime, unless the origin says.'),
    key: z
      .strictObject({
        host: flag.default(true).describe('Whether hosts differ.'),
        query: flag.default(true).describe('Whether queries differ.'),
        ignoreQuery: z
          .array(text(), { error: 'a list of query parameters' })
          .default([])
          .describe('Query parameters that make no difference; `utm_*` is every one that begins so.'),
        headers: headerList().describe(
          'Request headers that make a difference, also where the origin says no Vary.',
        ),
      })
      .prefault({})
      .describe('What makes a request another one, beside route, scheme and path.'),
    bypass: z
      .strictObject({
        headers: headerList().describe('Requests with any of these headers.'),
        cookies: z
          .array(token, { error: 'a list of cookie names' })
          .default([])
          .describe('Requests with any of these cookies.'),
      })
      .prefault({})
      .describe('Requests that go past the cache.'),
    credentials: headerList()
      .prefault(['Cookie'])
      .describe('Headers beside Authorization that say who asks: answers to them are kept only if `public`.'),
    clientControl: flag.default(true).describe('Whether a client’s Cache-Control may ask past the cache.'),
    coalesceWait: duration
      .or('5s', { min: 0 })
      .describe(
        'How long a request waits for the answer to an equal one before it asks by itself; 0s: not at all.',
      ),
    tagHeader: token
      .transform((header) => header.toLowerCase())
      .prefault('Cache-Tag')
      .describe('Header of an answer with the words it can be purged by.'),
  })
}

function headerList() {
  return z
    .array(token, { error: 'a list of header names' })
    .transform((headers) => headers.map((header) => header.toLowerCase()))
    .prefault([])
}
