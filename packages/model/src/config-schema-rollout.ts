import { z } from 'zod'
import {
  rolloutStrategies,
  schemaPhases,
  type AnalysisConfig,
  type RolloutConfig,
  type RolloutStepConfig,
  type SchemaChangeConfig,
} from './config-rollout.ts'
import { choice, type DurationSchema, flag, integer, matching, name, number, text } from './config-scalars.ts'
import { secretSchema } from './config-schema-serve.ts'

/** As many as people watch, and no more than evidence is kept for. */
const stepsMax = 20
/** Each is asked by one gateway, side by side. */
const analysesMax = 20

const url = matching(/^https?:\/\/[^\s/]+(?:\/\S*)?$/, 'a URL such as http://127.0.0.1:9090')
const limit = z.number({ error: 'a number' })

export function rolloutSchema(duration: DurationSchema): z.ZodType<RolloutConfig> {
  return z.strictObject({
    route: name.describe('A route with `split`.'),
    release: name.describe('The release that is rolled out.'),
    strategy: choice(rolloutStrategies)
      .default('steps')
      .describe(
        '`steps`: its share rises. `blueGreen`: it has nothing until `budao rollout promote`, and everything at once then.',
      ),
    steps: z
      .exactOptional(
        z
          .array(stepSchema(duration), { error: 'a list of steps' })
          .min(1, { error: 'at least one step' })
          .max(stepsMax, { error: `at most ${stepsMax} steps` }),
      )
      .describe(
        'Shares that rise. Absent, with `steps`: 1 % for 2m, 5 % for 5m, 20 %, 50 % and 100 % for 10m each; with `blueGreen`: none until a person promotes it, 100 % for 10m.',
      ),
    analysis: z
      .record(name, analysisSchema(duration), { error: 'names with their settings' })
      .refine((all) => Object.keys(all).length <= analysesMax, { error: `at most ${analysesMax}` })
      .prefault({})
      .describe('Numbers that must be within limits at every step, by name.'),
    schema: z
      .exactOptional(changeSchema())
      .describe('What the release does to data that the one before it reads and writes.'),
    lease: duration
      .or('10s')
      .describe(
        'A gateway that hears nothing of the rollout for so long gives the release nothing any more.',
      ),
    falseAbortsPercent: number(0.01, 50)
      .default(1)
      .describe('How often, at most, a release as good as stable is sent back, whoever looks how often.'),
  })
}

function stepSchema(duration: DurationSchema): z.ZodType<RolloutStepConfig> {
  return z.strictObject({
    basisPoints: integer(0, 10_000).default(0).describe('Share of the users, of 10 000.'),
    mirrorBasisPoints: integer(0, 10_000)
      .default(0)
      .describe(
        'Before the first share: of 10 000 GET, HEAD and OPTIONS requests to stable so many are shown to the release too, whose answers nobody gets.',
      ),
    for: duration.of({ min: 0 }).describe('Least time at it.'),
    requests: integer(0, 100_000_000)
      .default(200)
      .describe(
        'Requests of the release that the step needs, with a share or a mirror. Fewer hold it for as long as it takes.',
      ),
    pause: flag.default(false).describe('A person goes on from here: `budao rollout resume`.'),
  })
}

function analysisSchema(duration: DurationSchema): z.ZodType<AnalysisConfig> {
  const within = { min: z.exactOptional(limit), max: z.exactOptional(limit) }
  return z.strictObject({
    prometheus: z.exactOptional(
      z.strictObject({
        url: url.describe('Of a server with the HTTP API of Prometheus.'),
        query: text('a query')
          .refine((query) => query.length <= 4_000, { error: 'at most 4000 characters' })
          .describe('PromQL with one number as its answer; `$release` is the release asked about.'),
        token: z.exactOptional(secretSchema()).describe('Sent as a bearer token. Absent: none.'),
      }),
    ),
    webhook: z.exactOptional(
      z.strictObject({
        url: url.describe('Is posted `rollout`, `release`, `route`, `step`, and answers `{"value": 0.98}`.'),
        token: z.exactOptional(secretSchema()).describe('Sent as a bearer token. Absent: none.'),
      }),
    ),
    log: z
      .exactOptional(text('a condition'))
      .describe(
        'A condition of [alerts](alerts.md#conditions) over the logs of the gateway that looks after the rollout; it must not hold. `$release` is the release asked about.',
      ),
    min: within.min.describe('At least.'),
    max: within.max.describe('At most.'),
    ofStable: z
      .exactOptional(
        z.strictObject({
          min: within.min.describe('At least this part of what it is for stable.'),
          max: within.max.describe('At most this part.'),
        }),
      )
      .describe('The same is asked about stable, at the same time.'),
    interval: duration.or('1m').describe('How often it is asked. The first time so long into a step.'),
    timeout: duration.or('5s').describe('Later answers are none.'),
    failures: integer(0, 1_000)
      .default(0)
      .describe('Measurements of one step that may be outside. One more sends the release back.'),
  })
}

function changeSchema(): z.ZodType<SchemaChangeConfig> {
  return z.strictObject({
    phase: choice(schemaPhases).describe(
      '`expand`, `migrate`: both releases can work with the data. `contract`: the one before cannot any more.',
    ),
    change: text('a text').describe('What it is, for people.'),
    after: z
      .exactOptional(name)
      .describe(
        'A rollout whose release must have everything before this one starts. `contract` needs one. It may have left the configuration meanwhile.',
      ),
  })
}
