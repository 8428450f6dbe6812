import { z } from 'zod'
import type { JwtConfig, TokenPlace } from './config-jwt.ts'
import { choice, type DurationSchema, exactlyOne, matching, text, token } from './config-scalars.ts'

export function jwtSchema(duration: DurationSchema): z.ZodType<JwtConfig> {
  return z.strictObject({
    jwks: z
      .exactOptional(keys)
      .describe('Public keys: a JWKS file, keys in PEM, or a URL. Absent: see `issuers`.'),
    issuer: z.exactOptional(text()).describe('Required `iss`. Absent: not checked.'),
    audience: z
      .exactOptional(audience)
      .describe('A name or a list: one must be in `aud`. Absent: not checked.'),
    algorithms,
    issuers: z
      .array(
        z.strictObject({
          jwks: keys.describe('Its public keys: a JWKS file, or a URL.'),
          issuer: z.exactOptional(text()).describe('Its `iss`. Absent: takes tokens of all others.'),
          audience: z.exactOptional(audience).describe('As above, for its tokens.'),
          algorithms,
        }),
        { error: 'a list of issuers' },
      )
      .max(16, { error: 'at most 16 issuers' })
      .prefault([])
      .describe('More who may sign tokens; the `iss` of a token chooses.'),
    from: z
      .array(
        exactlyOne<TokenPlace>({
          header: token.describe('A header, with or without `Bearer`.'),
          cookie: token.describe('A cookie.'),
          query: text('a query parameter').describe('A query parameter.'),
        }),
        { error: 'a list of places' },
      )
      .min(1, { error: 'at least one place' })
      .prefault([{ header: 'Authorization' }])
      .describe('Where a token is looked for; the first that has one counts.'),
    clockSkew: duration.or('30s', { min: 0 }).describe('Allowed difference between clocks.'),
    requireClaims: z
      .record(text(), oneOrMore, { error: 'claims with the values they must have' })
      .default({})
      .describe('Claim → value or list: it must have one of them, as it is, in a list, or among words.'),
    forwardClaims: z
      .record(text(), token, { error: 'claims with the header each goes to' })
      .default({})
      .describe('Claim → header of the forwarded request; that header of the client is removed.'),
    fetch: z
      .strictObject({
        interval: duration.or('5m').describe('Between two fetches.'),
        timeout: duration.or('5s').describe('For all of one fetch (jose: 5s).'),
        cooldown: duration
          .or('30s')
          .describe('Least time between fetches for keys not known, and after a failed one (jose: 30s).'),
      })
      .prefault({})
      .describe('How keys of URLs are fetched.'),
  })
}

const keys = matching(/^(?:https?:\/\/[^\s/?#]+[^\s]*|(?!https?:)[^\r\n]+)$/, 'the path of a file, or a URL')

const algorithms = z
  .array(choice(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']), {
    error: 'a list of algorithms',
  })
  .min(1, { error: 'at least one algorithm' })
  .default(['RS256', 'ES256'])
  .describe('Accepted signatures; nothing else is.')

const oneOrMore = z.union(
  [
    text().transform((one) => [one]),
    z.array(text(), { error: 'a text or a list' }).min(1, { error: 'at least one' }),
  ],
  { error: 'a text or a list of them' },
)

const audience = oneOrMore
