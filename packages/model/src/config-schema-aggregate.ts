import { z } from 'zod'
import type { AggregateConfig, PartConfig } from './config-aggregate.ts'
import {
  choice,
  type DurationSchema,
  flag,
  headerValue,
  integer,
  matching,
  name,
  text,
  token,
} from './config-scalars.ts'

const PARTS_MAX = 32

export function aggregateSchema(duration: DurationSchema): z.ZodType<AggregateConfig> {
  return z.strictObject({
    parts: z
      .record(memberName, partSchema(duration), { error: 'names of members with what each is made of' })
      .refine((parts) => Object.keys(parts).length > 0, { error: 'at least one part' })
      .refine((parts) => Object.keys(parts).length <= PARTS_MAX, { error: `at most ${PARTS_MAX} parts` })
      .describe('What the answer is made of, by the name of the member each part becomes; at most 32.'),
    timeout: duration.or('3s').describe('Until all parts must be there, all attempts included.'),
    onFailure: choice(['partial', 'fail'])
      .default('partial')
      .describe('A part that fails is left out (`partial`), or nothing is answered (`fail`).'),
    passHeaders: z
      .array(token, { error: 'a list of header names' })
      .transform((names) => names.map((each) => each.toLowerCase()))
      .prefault(['accept-language', 'user-agent'])
      .describe(
        'Headers of the client that every part gets; no others, `Authorization` and `Cookie` included.',
      ),
    bytes: integer(1, 67_108_864).default(4_194_304).describe('Longest answer, all parts together.'),
    concurrency: integer(1, PARTS_MAX).default(8).describe('Most calls of one request at once.'),
    cacheControl: headerValue
      .default('no-store')
      .describe('Cache-Control of a complete answer; one that is not complete has `no-store`.'),
  })
}

const memberName = matching(
  /^[A-Za-z_][A-Za-z0-9_-]{0,62}$/,
  'a letter, then letters, digits, - or _, at most 63',
)

function partSchema(duration: DurationSchema): z.ZodType<PartConfig> {
  return z.strictObject({
    service: name.describe('A key of `services`.'),
    method: choice(['GET', 'POST'])
      .default('GET')
      .describe('POST is not repeated when it may have been done.'),
    path: matching(/^\/[^\s?#]*$/, 'a path that starts with /').describe(
      'What is asked for; may hold values.',
    ),
    query: z
      .record(text(), z.string({ error: 'a text' }), { error: 'parameters with their values' })
      .default({})
      .describe('Query parameter → value; may hold values, and is left out where one is absent.'),
    headers: z
      .record(token, headerValue, { error: 'header names with their values' })
      .default({})
      .describe('Header → value; the same.'),
    json: z.exactOptional(z.json()).describe('Body of a POST, as it stands here.'),
    pick: z
      .union(
        [
          text().transform((path) => path.split('.')),
          z.array(text(), { error: 'members down to the value' }),
        ],
        { error: 'members down to the value, such as data.items, or a list of them' },
      )
      .prefault([])
      .describe('Members of the answer, `data.items`, down to the value that is taken. Absent: all of it.'),
    required: z
      .exactOptional(flag)
      .describe('Whether nothing is answered without it. Absent: as `onFailure` says.'),
    default: z
      .exactOptional(z.json())
      .describe('Stands for the part when it fails; it is still named as missing.'),
    timeout: z.exactOptional(duration.of()).describe('Less time than the others have.'),
    bytes: integer(1, 67_108_864).default(1_048_576).describe('A longer answer counts as failed.'),
    passStatus: z
      .array(integer(400, 499), { error: 'a list of statuses' })
      .default([401, 403, 404])
      .describe('Statuses of a required part that the client gets instead of 502.'),
  })
}
