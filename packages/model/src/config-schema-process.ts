import { z } from 'zod'
import type { ProcessConfig, ProcessHealthConfig } from './config-process.ts'
import {
  address,
  choice,
  type DurationSchema,
  file,
  flag,
  integer,
  matching,
  name,
  size,
} from './config-scalars.ts'

// What goes to another program must not end early: a NUL would cut it.
// oxlint-disable-next-line no-control-regex
const argument = matching(/^[^\u0000]*$/, 'a text')
const words = z
  .array(argument, { error: 'a list: program, then arguments' })
  .min(1, { error: 'at least the program' })
  .refine(([program]) => program !== '', { error: 'at least the program' })

/** The schema of one entry of `processes`. */
export function processSchema(duration: DurationSchema): z.ZodType<ProcessConfig> {
  return z.strictObject({
    command: words.describe('Program and arguments; no shell reads them.'),
    cwd: z
      .exactOptional(file)
      .describe('Working folder, relative to this file. Absent: the folder of this file.'),
    env: z
      .record(matching(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of a variable'), argument, {
        error: 'variables with their values',
      })
      .default({})
      .describe('Added to the environment of the agent.'),
    user: z
      .exactOptional(matching(/^[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?$/, 'the name of a user'))
      .describe('Whom it runs as. Only an agent that runs as root can choose.'),
    service: z.exactOptional(name).describe('The service that it serves at this site: a key of `services`.'),
    address: z.exactOptional(address({ portMin: 1 })).describe('`host:port` where it serves.'),
    node: z.exactOptional(name).describe('Its `node.name`, where it is a gateway of Budao.'),
    after: z
      .array(name, { error: 'a list of processes' })
      .default([])
      .describe('Processes that must be ready before it starts; they are stopped after it.'),
    standby: flag.default(false).describe('Not started until a person or a controller says so.'),
    restart: z
      .strictObject({
        min: duration.or('100ms').describe('The first wait; it doubles with each end in a row.'),
        max: duration.or('30s').describe('The longest wait.'),
        stable: duration.or('30s').describe('Who lived so long begins with `min` again.'),
        limit: integer(0, 1000)
          .default(10)
          .describe('Restarts allowed within `window`; one end more is a crash loop. 0: no limit.'),
        window: duration.or('5m').describe('What `limit` looks back at.'),
      })
      .prefault({})
      .describe('When it is started again after it has ended.'),
    health: z
      .exactOptional(healthSchema(duration))
      .describe('Finds out whether it hangs. Absent: ready once started, and only its end is noticed.'),
    stop: z
      .strictObject({
        signal: choice(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'])
          .default('SIGTERM')
          .describe('What asks it to end, with all processes of its group.'),
        grace: duration.or('10s', { min: 0 }).describe('From the signal until SIGKILL.'),
      })
      .prefault({})
      .describe('How it is ended.'),
    output: z
      .union(
        [
          z.strictObject({
            fileBytes: size('64KiB', '1GiB').prefault('10MiB').describe('A file is put aside at this size.'),
            files: integer(1, 100).default(5).describe('Files kept, the current one included.'),
          }),
          z.literal('passed'),
        ],
        { error: 'settings, or passed' },
      )
      .prefault({})
      .describe('Files in `dataDir/processes` for what it writes; `passed`: where the agent writes.'),
    memoryMax: z
      .exactOptional(size('8MiB', '1023GiB'))
      .describe('Resident memory beyond which it is stopped and started again. Absent: no limit.'),
  })
}

function healthSchema(duration: DurationSchema): z.ZodType<ProcessHealthConfig> {
  return z
    .strictObject({
      type: choice(['http', 'tcp', 'exec']).describe(
        '`http` asks for a path, `tcp` only connects, `exec` runs a program.',
      ),
      address: z
        .exactOptional(address({ portMin: 1 }))
        .describe('Of http and tcp. Absent: `address` of the process.'),
      path: matching(/^\/[^\s#]*$/, 'a path that starts with /')
        .default('/')
        .describe('What http asks for; 200 to 399 passes.'),
      command: z.exactOptional(words).describe('Of exec: all is well when it exits with 0.'),
      interval: duration.or('1s').describe('Between two checks.'),
      timeout: z
        .exactOptional(duration.of())
        .describe('A check that takes longer has failed. Default 500ms, or `interval` if that is shorter.'),
      unhealthyAfter: integer(1, 1000).default(3).describe('Failed checks in a row until it is killed.'),
      startTimeout: duration.or('1m').describe('It is killed when no check has passed until then.'),
    })
    .transform((health) => ({ timeout: Math.min(500, health.interval), ...health }))
}
