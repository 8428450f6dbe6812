import { z } from 'zod'
import type {
  DetectionConfig,
  FailoverConfig,
  ObjectivesConfig,
  SlowConfig,
  StandbyConfig,
} from './config-failover.ts'
import { choice, type DurationSchema, integer, name, number } from './config-scalars.ts'

export function detectionSchema(duration: DurationSchema): z.ZodType<DetectionConfig> {
  return z
    .strictObject({
      mode: choice(['literal', 'accelerated'])
        .default('accelerated')
        .describe(
          '`literal`: the plain heartbeat alone; `accelerated`: earlier evidence may decide earlier.',
        ),
      interval: duration.or('3s').describe('Between two plain heartbeats.'),
      timeout: z
        .exactOptional(duration.of())
        .describe(
          'A plain heartbeat later than this is missed. Default 2s, or `interval` if that is shorter.',
        ),
      misses: integer(1, 100).default(3).describe('Missed in a row until the site is down.'),
      budget: duration.or('5s').describe('Longest time the verdict may take: `budao check` warns beyond.'),
      beat: duration.or('500ms').describe('Between two beats that the serving event loop echoes.'),
      phi: number(1, 16).default(8).describe('Suspicion level from which silence is suspect.'),
      pause: duration.or('400ms', { min: 0 }).describe('Silence that is always allowed on top.'),
      probes: integer(1, 10).default(3).describe('Probes that must all fail before a suspect is down.'),
      probeEvery: duration.or('150ms').describe('Between two such probes.'),
      blip: duration
        .or('1s', { min: 0 })
        .describe('Shorter trouble makes no site down, unless its process is surely gone.'),
      rise: integer(1, 100)
        .default(3)
        .describe('Good answers in a row until a site that was down may be up.'),
      stable: duration
        .or('30s', { min: 0 })
        .describe('It must have been well for so long, too; one that was slow, fast for so long.'),
      slow: z
        .union([slowSchema(duration), z.literal(false)], { error: 'settings, or false' })
        .prefault({})
        .describe('When a site that answers is slow: it sheds weight. `false`: never.'),
    })
    .transform((detection) => ({ timeout: Math.min(2000, detection.interval), ...detection }))
}

function slowSchema(duration: DurationSchema): z.ZodType<SlowConfig> {
  return z.strictObject({
    factor: number(1.5, 100)
      .default(3)
      .describe('Slower than the other sites, and than it was itself, by this factor.'),
    atLeast: duration.or('50ms', { min: 0 }).describe('And by so much.'),
    hold: duration.or('10s').describe('For so long.'),
    weightPercent: integer(1, 100)
      .default(10)
      .describe('What it keeps of its weight meanwhile, percent; 100: it is only told.'),
  })
}

export function objectivesSchema(duration: DurationSchema): z.ZodType<ObjectivesConfig> {
  return z.strictObject({
    rto: z
      .exactOptional(duration.of({ min: 0 }))
      .describe('Time a recovery may take: `budao check` warns where it cannot be held.'),
    rpo: z
      .exactOptional(duration.of({ min: 0 }))
      .describe('Time whose writes may be lost: no failover by itself to a site further behind.'),
  })
}

export function failoverSchema(duration: DurationSchema): z.ZodType<FailoverConfig> {
  return z.strictObject({
    automation: choice(['on', 'advise', 'off'])
      .default('on')
      .describe('`on`: by itself; `advise`: says what it would do; `off`: nothing.'),
    order: z
      .exactOptional(z.array(name, { error: 'a list of sites' }).min(1, { error: 'at least one site' }))
      .describe('Sites, the preferred one first. Absent: the order of `sites`.'),
    lease: duration.or('2500ms').describe('How long the right to write holds without being renewed.'),
    guard: duration
      .or('250ms')
      .describe('The holder stops so much before its end, the next one starts so much after.'),
    fence: choice(['lease', 'process'])
      .default('lease')
      .describe(
        'When the old site has surely stopped: its lease ended or it said so; `process`: or its kernel refuses connections.',
      ),
    every: duration
      .or('1h', { min: 0 })
      .describe('At most one failover by itself in this time, unless a person acknowledges.'),
    priority: integer(0, 100)
      .default(50)
      .describe('Of several services that fail at once the highest goes first.'),
    lagMax: z
      .exactOptional(duration.of({ min: 0 }))
      .describe('No failover by itself to data further behind. Absent: `objectives.rpo`, or no limit.'),
    minSites: integer(1, 100).default(1).describe('Never fewer sites are left in service.'),
    minCapacityPercent: integer(0, 1000)
      .default(0)
      .describe('Never less capacity is left, percent of what is needed; 0: not looked at.'),
    failback: choice(['manual', 'automatic'])
      .default('manual')
      .describe('Whether a site that came back clean gets its work back by itself.'),
    shadow: duration
      .or('30s', { min: 0 })
      .describe('A site that came back must have stayed caught up for so long to be ready.'),
    rest: duration.or('1m', { min: 0 }).describe('After a move nothing goes back by itself for so long.'),
    startGrace: duration
      .or('15s', { min: 0 })
      .describe(
        'A site that was not well since the controller began is not given up for so long: it may be starting.',
      ),
    standby: standbySchema(duration),
  })
}

function standbySchema(duration: DurationSchema): z.ZodPrefault<z.ZodType<StandbyConfig>> {
  const schema: z.ZodType<StandbyConfig> = z.strictObject({
    startTimeout: duration
      .or('60s')
      .describe('From the order to start a cold standby until it is well; then the next site is tried.'),
    stopAfter: z
      .union([duration.or('5m', { min: 0 }), z.literal('never')], {
        error: 'a duration such as 5m, or never',
      })
      .describe(
        'What a controller had started is stopped when it was not needed for so long; `never`: left.',
      ),
  })
  return schema
    .prefault({})
    .describe('Processes with `standby: true` that agents start when the work goes to their site.')
}
