import { z } from 'zod'
import {
  type DurationSchema,
  exactlyOne,
  file,
  hostName,
  integer,
  matching,
  name,
  number,
  text,
} from './config-scalars.ts'
import type {
  ChannelsConfig,
  RefreshConfig,
  SecretConfig,
  ServeConfig,
  SessionConfig,
  TelemetryConfig,
  UserIdConfig,
} from './config-serve.ts'

export function serveSchema(duration: DurationSchema): z.ZodType<ServeConfig> {
  return exactlyOne<ServeConfig>({
    ping: z.strictObject({}).describe('204 to whoever asks whether the gateway is there.'),
    telemetry: telemetrySchema().describe('Takes what apps have seen of their calls.'),
    channels: channelsSchema(duration).describe('The signed order in which apps try their channels.'),
    session: sessionSchema(duration).describe('Login: a code of the platform against a token.'),
    jwks: z
      .strictObject({ key: file.describe('As `session.token.key`.') })
      .describe('The public part of keys that sign tokens, as a JWKS.'),
    accessToken: z
      .strictObject({ provider: name.describe('A key of `identity`.') })
      .describe('Gives the platform’s access token to backends.'),
  })
}

/** Where a secret is. */
export function secretSchema(): z.ZodType<SecretConfig> {
  return exactlyOne<SecretConfig>({
    file: file.describe('A file; white space around the secret is no part of it.'),
    env: matching(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of a variable').describe(
      'A variable of the environment.',
    ),
  })
}

function telemetrySchema(): z.ZodType<TelemetryConfig> {
  return z.strictObject({
    path: z
      .exactOptional(file)
      .describe('A file of JSON lines, opened again when it was moved away. Absent: calls are only counted.'),
    sampleRatio: number(0, 1)
      .default(1)
      .describe('Share of the calls that is written, 0 to 1; those that failed always are.'),
    bytes: integer(1_024, 1_048_576).default(65_536).describe('Largest batch, bytes.'),
    calls: integer(1, 1_000).default(100).describe('Most calls in a batch.'),
    rate: integer(1, 1_000_000)
      .default(1_000)
      .describe('Batches a second, all workers together; what is above gets 429.'),
    channels: z
      .array(hostName, { error: 'a list of host names' })
      .max(16, { error: 'at most 16 hosts' })
      .default([])
      .describe('Hosts of channels that are counted by name; all others are `other`.'),
  })
}

/** An origin as apps have it built in: no path, no slash at the end. */
const origin = matching(
  /^https?:\/\/[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::\d{1,5})?$/,
  'an origin in lower case, such as https://a.example.com',
)

function channelsSchema(duration: DurationSchema): z.ZodType<ChannelsConfig> {
  return z.strictObject({
    key: file.describe('Private RSA key in PEM, at least 2048 bits; for nothing else.'),
    order: z
      .exactOptional(
        z
          .array(origin, { error: 'a list of origins' })
          .min(1, { error: 'at least one origin' })
          .max(16, { error: 'at most 16 origins' }),
      )
      .describe('Origins, best first.'),
    version: z
      .exactOptional(integer(1, 2_147_483_647))
      .describe('Goes with `order`, and rises with every change of it: apps refuse a lower one.'),
    file: z
      .exactOptional(file)
      .describe('Instead of both: JSON such as `{ "version": 3, "order": […] }`, looked at every 5 s.'),
    ttl: duration.or('1h').describe('How long a signed list is good; signed anew at half of it.'),
  })
}

function sessionSchema(duration: DurationSchema): z.ZodType<SessionConfig> {
  return z.strictObject({
    provider: z
      .union(
        [
          name.transform((one) => [one]),
          z
            .array(name, { error: 'a key of identity, or a list' })
            .min(1, { error: 'at least one' })
            .max(8, { error: 'at most 8' }),
        ],
        { error: 'a key of identity, or a list of them' },
      )
      .describe('A key of `identity` or a list; a request names one of them.'),
    token: z
      .strictObject({
        key: file.describe(
          'Private keys in PEM (RSA of at least 2048 bits, P-256, P-384 or Ed25519): the first signs, all are published.',
        ),
        ttl: duration.or('30m').describe('How long a token is good.'),
        issuer: z.exactOptional(text()).describe('Its `iss`.'),
        audience: z.exactOptional(text()).describe('Its `aud`.'),
      })
      .describe('What is issued.'),
    user: exactlyOne<UserIdConfig>({
      hash: secretSchema().describe('A keyed hash of it, with this secret of at least 16 characters.'),
      plain: z.literal(true, { error: 'true' }).describe('It itself: `plain: true`.'),
    }).describe('What stands in `sub` for what the provider calls the user.'),
    refresh: z
      .union([refreshSchema(), z.literal(false)], { error: 'settings, or false' })
      .prefault({})
      .describe('Tokens that renew a session without a new code; `false`: none.'),
  })
}

function refreshSchema(): z.ZodType<RefreshConfig> {
  return z.strictObject({
    idleDays: integer(1, 365).default(14).describe('Days until one that is not used ends.'),
    maxDays: integer(1, 3_650).default(90).describe('Days since the login behind which none helps.'),
  })
}
