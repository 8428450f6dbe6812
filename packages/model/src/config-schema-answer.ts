import { z } from 'zod'
import type { RedirectConfig, RespondConfig } from './config-answer.ts'
import { choiceOf, flag, headerValue, hostName, integer, pathText, token } from './config-scalars.ts'

export function respondSchema(): z.ZodType<RespondConfig> {
  return z.strictObject({
    status: integer(200, 599).default(200).describe('Its status.'),
    headers: z
      .record(token, headerValue, { error: 'header names with their values' })
      .default({})
      .describe('Header → value.'),
    body: z.exactOptional(z.string({ error: 'a text' })).describe('A text: `text/plain` in UTF-8.'),
    json: z.exactOptional(z.json()).describe('Instead of `body`: any JSON.'),
  })
}

export function redirectSchema(): z.ZodType<RedirectConfig> {
  return z.strictObject({
    scheme: z.exactOptional(choiceOf(['http', 'https'])).describe('Another scheme.'),
    host: z.exactOptional(hostName).describe('Another host.'),
    port: z
      .exactOptional(integer(1, 65_535))
      .describe('Another port. Absent: the client’s; where `scheme` or `host` is given, the scheme’s own.'),
    path: z.exactOptional(pathText).describe('Instead of the whole path.'),
    prefix: z.exactOptional(pathText).describe('Instead of the prefix that matched.'),
    keepQuery: flag.default(true).describe('Whether the query goes along.'),
    status: choiceOf([301, 302, 303, 307, 308])
      .default(302)
      .describe('301 and 308 are for good; 307 and 308 keep the method.'),
  })
}
