import { z } from 'zod'
import { choice, type DurationSchema, file, matching, text } from '../config-scalars.ts'
import { secretSchema } from '../config-schema-serve.ts'
import type { CoordinationConfig } from './coordination.ts'

const url = matching(
  /^https?:\/\/(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/,
  'an origin such as http://10.0.0.1:2379',
)

/** The schema of `control.store`. */
export function coordinationSchema(duration: DurationSchema): z.ZodType<CoordinationConfig> {
  return z
    .strictObject({
      type: choice(['sqlite', 'etcd']).describe(
        '`sqlite`: a file, for nodes of one machine; `etcd`: version 3, for nodes of several.',
      ),
      path: z
        .exactOptional(file)
        .describe('With sqlite: the file that all nodes open, relative to this one. Required then.'),
      endpoints: z
        .exactOptional(
          z
            .array(url, { error: 'a list of origins' })
            .min(1, { error: 'at least one origin' })
            .max(9, { error: 'at most 9 origins' }),
        )
        .describe('With etcd: its members, one of this machine is asked first. Required then.'),
      prefix: z
        .exactOptional(matching(/^[\x21-\x7e]{1,64}$/, 'at most 64 visible ASCII characters'))
        .describe('With etcd: in front of every key. Default `budao/`.'),
      timeout: z
        .exactOptional(duration.of())
        .describe(
          'With etcd: how long an answer is waited for. After 30 % of it the next member is asked too. Default 500ms.',
        ),
      user: z.exactOptional(text()).describe('With etcd: who asks. Absent: nobody in particular.'),
      password: z.exactOptional(secretSchema()).describe('With etcd: where the password of `user` is.'),
      tls: z
        .exactOptional(
          z.strictObject({
            ca: z.exactOptional(file).describe('Certificate authority, PEM. Absent: those of the system.'),
            cert: z.exactOptional(file).describe('Certificate of this node, PEM, where members ask for one.'),
            key: z.exactOptional(file).describe('Its key, PEM.'),
          }),
        )
        .describe('With etcd and `https:`.'),
    })
    .transform((store): CoordinationConfig => {
      // What is missing, or too much, is said by the checks with its place.
      if (store.type === 'sqlite') return { ...store, type: 'sqlite', path: store.path ?? '' }
      const { endpoints = [], prefix = 'budao/', timeout = 500 } = store
      return { ...store, type: 'etcd', endpoints, prefix, timeout }
    })
}
