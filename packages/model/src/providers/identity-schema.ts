import { z } from 'zod'
import {
  type DurationSchema,
  exactlyOne,
  file,
  flag,
  integer,
  matching,
  regexText,
} from '../config-scalars.ts'
import { secretSchema } from '../config-schema-serve.ts'
import type { IdentityConfig } from './identity.ts'

/** The schema of one entry of `identity`. */
export function identitySchema(duration: DurationSchema): z.ZodType<IdentityConfig> {
  return exactlyOne<IdentityConfig>({
    weixin: weixinSchema(duration).describe('A WeChat mini program.'),
    test: testSchema().describe('Takes codes that tests make up.'),
  })
}

const url = matching(
  /^https?:\/\/(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/,
  'an origin such as https://api.weixin.qq.com',
)

function weixinSchema(duration: DurationSchema) {
  return z.strictObject({
    appId: matching(/^[A-Za-z0-9_-]{1,64}$/, 'an AppID').describe('Its AppID.'),
    secret: secretSchema().describe('Where its AppSecret is; never in this file.'),
    urls: z
      .array(url, { error: 'a list of origins' })
      .min(1, { error: 'at least one origin' })
      .max(4, { error: 'at most 4 origins' })
      .default(['https://api.weixin.qq.com', 'https://api2.weixin.qq.com'])
      .describe('Asked in this order: the next when one cannot be reached.'),
    caFile: z
      .exactOptional(file)
      .describe('Certificate authority, PEM, for `https:`. Absent: those of the system.'),
    connectTimeout: duration.or('1s').describe('Until a connection is there.'),
    timeout: duration.or('3s').describe('One request to one of them, its connection included.'),
    concurrency: integer(1, 10_000)
      .default(200)
      .describe('Most logins under way in each worker; what is above gets 503.'),
    accessToken: flag
      .default(false)
      .describe('Keeps the app’s access token also where no route gives it out: for the admin API.'),
  })
}

function testSchema() {
  return z.strictObject({
    code: regexText
      .default('test-(?<user>[A-Za-z0-9]{1,32})(?:-[A-Za-z0-9]{1,32})?')
      .describe('What a code must look like, as a whole; its group `user` is who it is.'),
    onNetwork: flag
      .default(false)
      .describe('Also where not all listeners of the route are on loopback: everybody can be anybody.'),
  })
}
