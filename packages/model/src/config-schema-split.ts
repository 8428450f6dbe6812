import { z } from 'zod'
import type { ValueMatch } from './config-route.ts'
import { integer, matching, name, text, token } from './config-scalars.ts'
import type { SplitConfig } from './config-split.ts'

const userKeyError = 'openid, ip, header:Name, cookie:name or claim:name'

const userKey = matching(
  /^(?:openid|ip|(?:header|cookie):[!#$%&'*+.^_`|~0-9A-Za-z-]+|claim:[^\s]+)$/,
  userKeyError,
)

const version = matching(/^\d{1,9}(?:\.\d{1,9}){0,4}$/, 'a version such as 3.2.0')

export function splitSchema(headers: z.ZodType<Record<string, ValueMatch>>): z.ZodType<SplitConfig> {
  return z.strictObject({
    releases: z
      .record(name, integer(0, 10_000), { error: 'releases with their shares, of 10 000' })
      .prefault({})
      .describe('Release → share of the users, of 10 000. What is left is for `stable`.'),
    by: z
      .array(userKey, { error: `a list of ${userKeyError}` })
      .min(1, { error: 'at least one' })
      .default(['openid'])
      .describe(
        'What says whose request it is, as in `rateLimit.key`; the first that the request has. Without any it is drawn.',
      ),
    salt: z
      .exactOptional(text())
      .describe(
        'Another one spreads users anew; the same on two routes keeps them together. Default the route’s name.',
      ),
    lane: z
      .exactOptional(token)
      .describe('A header that names a release: where a service has it, the request goes there. Passed on.'),
    overrides: z
      .array(
        z.strictObject({
          release: name.describe('Where such requests go.'),
          headers: headers.prefault({}).describe('With these headers, as in `match`.'),
          users: z
            .exactOptional(z.array(text(), { error: 'a list of users' }).min(1).max(10_000))
            .describe('Of these users, as `by` reads them.'),
          sites: z
            .exactOptional(z.array(name, { error: 'a list of sites' }).min(1))
            .describe('That come to a gateway of these sites.'),
          appVersion: z
            .exactOptional(
              z.strictObject({
                header: token.describe('The header that says the version of the mini program.'),
                from: z.exactOptional(version).describe('This version and later ones.'),
                below: z.exactOptional(version).describe('Versions before this one.'),
              }),
            )
            .describe('Of these versions of the mini program.'),
        }),
        { error: 'a list of overrides' },
      )
      .prefault([])
      .describe(
        'Requests that go to a release whatever its share is. The first that holds; all that is given must.',
      ),
  })
}
