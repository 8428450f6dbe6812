import { z } from 'zod'
import type {
  FilterConfig,
  MatchConfig,
  PathMatch,
  RouteConfig,
  TextMatch,
  ValueMatch,
} from './config-route.ts'
import { aggregateSchema } from './config-schema-aggregate.ts'
import { redirectSchema, respondSchema } from './config-schema-answer.ts'
import { routeCacheSchema } from './config-schema-cache.ts'
import { idempotencySchema } from './config-schema-idempotency.ts'
import { jwtSchema } from './config-schema-jwt.ts'
import { serveSchema } from './config-schema-serve.ts'
import { splitSchema } from './config-schema-split.ts'
import { faultSchema, mirrorSchema, stickySchema } from './config-schema-traffic.ts'
import {
  authority,
  choice,
  type DurationSchema,
  exactlyOne,
  file,
  flag,
  headerValue,
  integer,
  matching,
  method,
  name,
  pathText,
  regexText,
  text,
  token,
} from './config-scalars.ts'
import { prioritySchema } from './config-schema-limits.ts'

export function routeSchema(duration: DurationSchema): z.ZodType<RouteConfig> {
  return z
    .strictObject({
      name: name.describe('Name in reports, logs and metrics.'),
      hosts: z
        .array(host, { error: 'a list of host names' })
        .min(1, { error: 'at least one host name, or "*"' })
        .default(['*'])
        .describe('`*`, exact names, or `*.example.com` for every name below.'),
      listeners: z
        .exactOptional(
          z.array(name, { error: 'a list of listeners' }).min(1, { error: 'at least one listener' }),
        )
        .describe('Only requests that came in by these listeners. Absent: all.'),
      match: z
        .array(matchSchema(), { error: 'a list of conditions' })
        .min(1, { error: 'at least one condition' })
        .prefault([{}])
        .describe('Any of these suffices; in each, all that is given must hold. Default: everything.'),
      filters: z
        .array(filterSchema(duration), { error: 'a list of filters' })
        .prefault([])
        .describe('Steps on the way, in this order.'),
      backends: z
        .array(
          z.strictObject({
            service: name.describe('A key of `services`.'),
            weight: integer(0, 10_000)
              .default(100)
              .describe('Share of the sum of all weights; 0 gets nothing.'),
          }),
          { error: 'a list of backends' },
        )
        .default([])
        .describe('Services that answer.'),
      respond: z.exactOptional(respondSchema()).describe('Instead of `backends`: this answer.'),
      redirect: z
        .exactOptional(redirectSchema())
        .describe('Instead of `backends`: sends the client elsewhere.'),
      aggregate: z
        .exactOptional(aggregateSchema(duration))
        .describe('Instead of `backends`: several calls at once, whose answers become one JSON object.'),
      serve: z
        .exactOptional(serveSchema(duration))
        .describe(
          'Instead of `backends`: what apps and operators ask the gateway itself for; exactly one key.',
        ),
      sticky: z
        .exactOptional(stickySchema(duration))
        .describe('Keeps a user at the same backend. Absent: each request is drawn anew.'),
      split: z
        .exactOptional(splitSchema(headerMatches))
        .describe('Which release of its services a request goes to. Absent: releases are only names.'),
      mirror: z
        .exactOptional(mirrorSchema(duration))
        .describe('Shows requests to another service too, whose answers nobody gets.'),
      rewrite: z
        .exactOptional(
          z.strictObject({
            prefix: z
              .exactOptional(pathText)
              .describe('Takes the place of the matched prefix, or of the whole path.'),
            path: z.exactOptional(pathText).describe('Takes the place of the whole path.'),
            host: z.exactOptional(authority).describe('The Host that endpoints get.'),
          }),
        )
        .describe('Changes what endpoints are asked for.'),
      priority: prioritySchema()
        .default('normal')
        .describe('Class of its requests: `critical`, `high`, `normal` or `low`, or what a header says.'),
      upgrade: z
        .array(upgradeProtocol, { error: 'a list of protocols' })
        .default(['websocket'])
        .describe('Protocols that clients may turn to with the header `Upgrade`; `[]` for none.'),
      timeout: z.exactOptional(duration.of()).describe('Instead of the service’s `timeouts.request`.'),
      perTry: z
        .exactOptional(duration.of())
        .describe('Instead of the service’s `timeouts.perTry`. Default half of `timeout`, if that is given.'),
      cache: z
        .exactOptional(routeCacheSchema(duration))
        .describe('Answers are kept for others. Absent: they are not, but for `fallback.stale`.'),
      fallback: z
        .exactOptional(
          z.strictObject({
            stale: z
              .exactOptional(duration.of())
              .describe('First: the last good answer to the same request, if not older than this.'),
            staleBytes: integer(1, 67_108_864)
              .default(1_048_576)
              .describe('Answers larger than this, in bytes, are not kept.'),
            service: z.exactOptional(name).describe('Second: another service.'),
            status: integer(200, 599).default(200).describe('Status of the JSON answer.'),
            json: z.exactOptional(z.json()).describe('Last: this answer.'),
          }),
        )
        .describe('What to answer when no endpoint does.'),
    })
    .transform((route) =>
      route.timeout === undefined ? route : { perTry: Math.ceil(route.timeout / 2), ...route },
    )
}

const host = matching(
  /^(?:\*|(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])$/,
  '"*", a host name without port, or "*.example.com"',
).overwrite((value) => value.toLowerCase())

/** HTTP in other clothes is left out: a tunnel of requests would pass every rule by. */
const upgradeProtocol = matching(
  /^(?!(?:h2c?|http|https|tls)(?:\/|$))[a-z0-9!#$%&'*+.^_`|~-]+$/i,
  'a protocol such as websocket, other than HTTP',
).overwrite((value) => value.toLowerCase())

function matchSchema(): z.ZodType<MatchConfig> {
  return z.strictObject({
    path: z
      .exactOptional(
        exactlyOne<PathMatch>({
          exact: pathText.describe('The whole path.'),
          prefix: pathText.describe(
            'How the path starts, in whole segments: `/api` holds for `/api` and `/api/x`, not for `/apix`.',
          ),
          regex: regexText.describe('A JavaScript regular expression for the whole path.'),
        }),
      )
      .describe('The path, without query.'),
    method: z
      .exactOptional(
        z.union(
          [
            method.transform((one) => [one]),
            z
              .array(method, { error: 'a method in capitals, or a list' })
              .min(1, { error: 'at least one method' }),
          ],
          { error: 'a method in capitals, such as GET, or a list of them' },
        ),
      )
      .describe('A method or a list. Absent: all.'),
    headers: headerMatches
      .prefault({})
      .describe('Header → value, `{ prefix }`, `{ regex }`, `{ present }` or `{ not }`.'),
    query: valueMatches(text()).prefault({}).describe('Query parameter → the same.'),
    cookies: valueMatches(token).prefault({}).describe('Cookie → the same.'),
  })
}

const textMatch = {
  exact: z.string({ error: 'a text' }).describe('The value is this.'),
  prefix: text().describe('The value begins like this.'),
  regex: regexText.describe('A JavaScript regular expression matches the whole value.'),
}
const textMatches = [z.string().transform((exact) => ({ exact }))] as const

function valueMatches(key: z.ZodType<string, string>): z.ZodType<Record<string, ValueMatch>> {
  const value = z.union(
    [
      ...textMatches,
      exactlyOne<ValueMatch>({
        ...textMatch,
        present: flag.describe('`true`: it is there, with any value; `false`: it is not.'),
        not: z
          .union([...textMatches, exactlyOne<TextMatch>(textMatch)], {
            error: 'a text, { exact }, { prefix } or { regex }',
          })
          .describe('The value is another, or absent.'),
      }),
    ],
    { error: 'a text, { exact }, { prefix }, { regex }, { present } or { not }' },
  )
  return z.record(key, value, { error: 'names with the values they must have' })
}

const headerMatches = valueMatches(token).transform((matches) =>
  mapKeys(matches, (header) => header.toLowerCase()),
)

function mapKeys<T>(entries: Readonly<Record<string, T>>, to: (key: string) => string): Record<string, T> {
  return Object.fromEntries(Object.entries(entries).map(([key, value]) => [to(key), value]))
}

function filterSchema(duration: DurationSchema): z.ZodType<FilterConfig> {
  return exactlyOne<FilterConfig>({
    jwt: jwtSchema(duration).describe('401 without a token, 403 with a bad one.'),
    rateLimit: rateLimitSchema(duration).describe('429 with Retry-After above the limit.'),
    accessLog: z
      .strictObject({
        path: z.exactOptional(file).describe('A file to append to. Absent: standard output.'),
        format: choice(['json', 'combined'])
          .default('json')
          .describe('`json`, or `combined` as web servers have it.'),
        template: z
          .exactOptional(text())
          .describe(
            'Instead of `format`: a text with fields between braces, such as `{client.address} {url}`.',
          ),
      })
      .describe('One line for each exchange.'),
    cors: corsSchema(duration).describe('Answers preflights and adds the headers of CORS.'),
    headers: z
      .strictObject({
        request: headerEditSchema().describe('On the way to the service.'),
        response: headerEditSchema().describe('On the way to the client.'),
      })
      .describe('Sets, adds and removes headers.'),
    fault: faultSchema(duration, headerMatches).describe('Trouble on purpose, for drills.'),
    idempotency: idempotencySchema(duration).describe(
      'Repeats of a keyed write are answered from its first result.',
    ),
    module: z
      .strictObject({
        path: file.describe('A JavaScript or TypeScript file that exports a filter.'),
        options: z.exactOptional(z.json()).describe('Handed to the module as it is.'),
      })
      .describe('A filter of your own.'),
  })
}

const limitKeyError = 'ip, route, openid, header:Name, cookie:name or claim:name'

const limitKey = matching(
  /^(?:ip|route|openid|(?:header|cookie):[!#$%&'*+.^_`|~0-9A-Za-z-]+|claim:[^\s]+)$/,
  limitKeyError,
)

function rateLimitSchema(duration: DurationSchema) {
  return z
    .strictObject({
      key: z
        .union(
          [
            limitKey.transform((one) => [one]),
            z.array(limitKey, { error: limitKeyError }).min(1, { error: 'at least one' }),
          ],
          { error: `${limitKeyError}, or a list of them` },
        )
        .prefault('ip')
        .describe(
          'Who shares one limit: `ip`, `route` (everybody), `header:Name`, `cookie:name`, `claim:name`, `openid`, or a list: all of them together.',
        ),
      requests: integer(1, 10_000_000).describe('So many requests in each `per`.'),
      per: duration.of().describe('The time `requests` is for.'),
      burst: z.exactOptional(integer(1, 10_000_000)).describe('So many at once. Default `requests`.'),
      keysMax: integer(1, 1_048_576).default(16_384).describe('Most keys remembered.'),
      store: z
        .exactOptional(name)
        .describe('A key of `stores`: gateways count together there. Absent: each for itself.'),
      name: z
        .exactOptional(name)
        .describe('Limits of one name in one store are one. Default: one for each route and filter.'),
      onStoreFailure: choice(['local', 'allow', 'deny'])
        .default('local')
        .describe('While the store is away: each gateway counts for itself, all pass, or none (503).'),
      headers: flag.default(false).describe('Answers say how much is left: RateLimit, RateLimit-Policy.'),
    })
    .transform((limit) => ({ burst: limit.requests, ...limit }))
}

function corsSchema(duration: DurationSchema) {
  return z.strictObject({
    origins: z
      .array(
        matching(/^(?:\*|[a-z][a-z0-9+.-]*:\/\/[^\s/]+)$/, '"*" or an origin such as https://shop.example'),
        {
          error: 'a list of origins',
        },
      )
      .min(1, { error: 'at least one origin' })
      .default(['*'])
      .describe('Origins that may call.'),
    methods: z
      .array(method, { error: 'a list of methods' })
      .default(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])
      .describe('Methods they may use.'),
    headers: z
      .array(token, { error: 'a list of header names' })
      .default([])
      .describe('Request headers they may send; empty: those a preflight asks for.'),
    credentials: flag.default(false).describe('Whether cookies may be sent; not with origin `*`.'),
    maxAge: duration.or('10m', { min: 0 }).describe('How long a browser keeps a preflight’s answer.'),
  })
}

function headerEditSchema() {
  return z
    .strictObject({
      set: z
        .record(token, headerValue, { error: 'header names with their values' })
        .default({})
        .describe('Header → value, in place of what is there.'),
      add: z
        .record(token, headerValue, { error: 'header names with their values' })
        .default({})
        .describe('Header → value, as one more line behind what is there.'),
      remove: z
        .array(token, { error: 'a list of header names' })
        .default([])
        .describe('Headers to take away.'),
    })
    .prefault({})
}
