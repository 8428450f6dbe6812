import { z } from 'zod'
import type { RolloutConfig } from './config-rollout.ts'
import { type DurationSchema, flag, integer, name, number } from './config-scalars.ts'

/** As many as people watch, and no more than evidence is kept for. */
const stepsMax = 20

export function rolloutSchema(duration: DurationSchema): z.ZodType<RolloutConfig> {
  return z.strictObject({
    route: name.describe('A route with `split`.'),
    release: name.describe('The release that is rolled out.'),
    steps: z
      .array(
        z.strictObject({
          basisPoints: integer(1, 10_000).describe('Share of the users, of 10 000.'),
          for: duration.of({ min: 0 }).describe('Least time at it.'),
          requests: integer(0, 100_000_000)
            .default(200)
            .describe('Requests of the release that the step needs. Fewer hold it for as long as it takes.'),
          pause: flag.default(false).describe('A person goes on from here: `budao rollout resume`.'),
        }),
        { error: 'a list of steps' },
      )
      .min(1, { error: 'at least one step' })
      .max(stepsMax, { error: `at most ${stepsMax} steps` })
      .prefault([
        { basisPoints: 100, for: '2m' },
        { basisPoints: 500, for: '5m' },
        { basisPoints: 2_000, for: '10m' },
        { basisPoints: 5_000, for: '10m' },
        { basisPoints: 10_000, for: '10m' },
      ] as never)
      .describe('Shares that rise. Default 1 % for 2m, 5 % for 5m, 20 %, 50 % and 100 % for 10m each.'),
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
