import { z } from 'zod'
import {
  drillScenarios,
  type BlockWindowConfig,
  type DrillScheduleConfig,
  type DrillsConfig,
  type DrillWritesConfig,
  type RelaysConfig,
  weekdays,
} from './config-drills.ts'
import {
  address,
  choice,
  type DurationSchema,
  file,
  headerValue,
  integer,
  matching,
  method,
  name,
  text,
  token,
} from './config-scalars.ts'

/** The schema of `drills`. */
export function drillsSchema(duration: DurationSchema): z.ZodType<DrillsConfig> {
  return z.strictObject({
    timezone: timezone.default('UTC').describe('Of all days and times here, such as Asia/Shanghai.'),
    blockWindows: z
      .array(blockWindowSchema(), { error: 'a list of windows' })
      .max(100, { error: 'at most 100 windows' })
      .default([])
      .describe('When no drill begins, by hand or by itself.'),
    abort: z
      .strictObject({
        failedPercent: integer(1, 100)
          .default(50)
          .describe('Share of failed requests, of the drill’s or of all users’, that ends a drill, percent.'),
        over: duration.or('10s').describe('The time it is taken over.'),
      })
      .prefault({})
      .describe('When a drill is broken off and what it broke taken back.'),
    writes: z
      .exactOptional(writesSchema())
      .describe('Writes beside the reads; `{id}` is each one’s own id. Absent: drills only read.'),
    relays: z
      .exactOptional(relaysSchema())
      .describe('Relays in front of endpoints. Absent: packets are lost by rules of the kernel (nft, root).'),
    controllersPidFile: z
      .exactOptional(file)
      .describe(
        'File with one `PID name` a line: what `controller-loss` kills; `leader-loss` the one that leads.',
      ),
    controlLinks: z
      .boolean({ error: 'true or false' })
      .default(false)
      .describe('Whether drills may cut this node’s links with other nodes; without it nobody may.'),
    failback: z
      .boolean({ error: 'true or false' })
      .default(false)
      .describe('Whether a drill that moved units away asks for failback once the site is whole again.'),
    gateway: z
      .exactOptional(
        z.strictObject({
          admin: origin.describe('Origin of its admin API.'),
          url: origin.describe('Where users reach it.'),
        }),
      )
      .describe('The gateway that is drilled, where this process is none. Absent: this one.'),
    dnsServers: z
      .array(address({ portMin: 1 }), { error: 'a list of addresses' })
      .max(16, { error: 'at most 16 addresses' })
      .default([])
      .describe(
        'Other DNS servers for the same names: who asks goes on to them when `dns-loss` silences this one.',
      ),
    schedule: z
      .array(scheduleSchema(duration), { error: 'a list of drills' })
      .max(50, { error: 'at most 50 drills' })
      .default([])
      .describe('Drills that begin by themselves.'),
  })
}

const timezoneError = 'a time zone such as UTC or Asia/Shanghai'
const timezone = z.string({ error: timezoneError }).refine(isTimezone, { error: timezoneError })
const date = matching(/^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/, 'a day such as 2026-11-11')
const time = matching(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'a time such as "09:30"')
const timeOrEnd = matching(/^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/, 'a time such as "09:30", or "24:00"')
const days = z.array(choice(weekdays), { error: 'a list of days' }).min(1, { error: 'at least one day' })

function blockWindowSchema(): z.ZodType<BlockWindowConfig> {
  const error = 'dates, days or times'
  return z
    .strictObject({
      reason: z.exactOptional(text()).describe('Why, for people.'),
      dates: z
        .exactOptional(
          z.strictObject({
            from: date.describe('The first day.'),
            to: date.describe('The last day, included.'),
          }),
        )
        .describe('Only on these dates.'),
      days: z.exactOptional(days).describe('Only on these days of the week.'),
      times: z
        .exactOptional(
          z.strictObject({
            from: time.describe('Included.'),
            to: timeOrEnd.describe('Not included; the next day’s where it is earlier than `from`.'),
          }),
        )
        .describe('Only at these times of the day.'),
    })
    .refine((window) => window.dates ?? window.days ?? window.times, { error })
}

function writesSchema(): z.ZodType<DrillWritesConfig> {
  const headers = z.record(token, headerValue, { error: 'names of headers with their values' })
  return z.strictObject({
    method: method.default('POST').describe('Method of a write.'),
    path: requestTarget.describe('Path and query of a write.'),
    headers: headers.prefault({}).describe('Its headers.'),
    body: z.exactOptional(z.string({ error: 'a text' })).describe('Its body. Absent: none.'),
    rate: integer(1, 1000).default(20).describe('Writes a second.'),
    readBack: z
      .exactOptional(
        z.strictObject({
          path: requestTarget.describe('Path and query of a GET that shows the write.'),
          headers: headers.prefault({}).describe('Its headers.'),
          contains: text().describe('What is in its answer when the write is there, and only then.'),
        }),
      )
      .describe('How an acknowledged write is found again. Absent: nobody looks.'),
  })
}

const origin = matching(/^https?:\/\/[^\s/?#@]+$/, 'an origin such as http://10.0.1.1:9900')
const requestTarget = matching(/^\/(?!\/)[^\s#]*$/, 'a path that starts with one /')

function relaysSchema(): z.ZodType<RelaysConfig> {
  return z.strictObject({
    control: address({ portMin: 1 }).describe('Where they are told what to do; loopback.'),
    links: z
      .array(
        z.strictObject({
          listen: address({ portMin: 1 }).describe('The address that services name as an endpoint.'),
          to: address({ portMin: 1 }).describe('Where the endpoint is.'),
        }),
        { error: 'a list of relays' },
      )
      .min(1, { error: 'at least one relay' })
      .max(1000, { error: 'at most 1000 relays' })
      .describe('One for each endpoint.'),
  })
}

function scheduleSchema(duration: DurationSchema): z.ZodType<DrillScheduleConfig> {
  return z.strictObject({
    name: name.describe('Of this drill, for reports and status.'),
    scenario: choice(drillScenarios).describe('What is failed.'),
    site: name.describe('The site it is done to.'),
    days: z.exactOptional(days).describe('Days of the week. Absent: every day.'),
    monthDays: z
      .exactOptional(
        z.array(integer(1, 28), { error: 'a list of days' }).min(1, { error: 'at least one day' }),
      )
      .describe('Days of the month. Absent: every one.'),
    at: time.describe('When it begins.'),
    faultFor: duration.or('6s').describe('How long the fault lasts.'),
    duration: duration.or('20s').describe('How long the load lasts.'),
    rate: integer(1, 20_000).default(50).describe('Reads a second.'),
    path: requestTarget.default('/').describe('What is read, with GET.'),
    notify: z
      .array(matching(/^https?:\/\/[^\s/]+(?:\/\S*)?$/, 'an address such as https://chat.example/hook'), {
        error: 'a list of addresses',
      })
      .max(10, { error: 'at most 10 addresses' })
      .default([])
      .describe('Where the result is sent with POST, as JSON.'),
  })
}

function isTimezone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }) instanceof Intl.DateTimeFormat
  } catch {
    return false
  }
}
