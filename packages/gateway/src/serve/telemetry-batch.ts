import { z } from 'zod'

// Bounds are wide: what is beyond them is a mistake or an attack, not an app on a bad day.
const text = (max: number): z.ZodString => z.string().max(max)
const count = (max: number): z.ZodInt => z.int().min(0).max(max)
const ms: z.ZodNumber = z.number().min(0).max(86_400_000)
/** What `Date` can hold. */
const instant: z.ZodInt = z.int().min(0).max(8_640_000_000_000_000)

/** Times of one call as the platform gives them, in milliseconds. */
export interface CallProfile {
  readonly dns?: number
  readonly connect?: number
  readonly tls?: number
  readonly ttfb?: number
  readonly reused?: boolean
  readonly protocol?: string
  /** Repetitions by the platform itself. */
  readonly nativeRetries: number
}

/** One call of an app, as its SDK tells of it. Times in milliseconds. */
export interface TelemetryCall {
  /** Since 1970, by the phone's clock. */
  readonly at: number
  readonly method: string
  readonly path: string
  /** 0 when no answer came. */
  readonly status: number
  /** Empty when it went well. */
  readonly code: string
  readonly errno: number
  readonly ms: number
  readonly queueMs: number
  readonly attempts: number
  readonly channel: string
  readonly source: string
  readonly net: string
  readonly profile: CallProfile
}

export interface TelemetryBatch {
  readonly app: string
  readonly appVersion: string
  readonly sdk: string
  readonly platform: string
  readonly session: string
  /** Calls that the app had no room for. */
  readonly dropped: number
  readonly calls: readonly TelemetryCall[]
}

const profileSchema: z.ZodType<CallProfile> = z.object({
  dns: z.exactOptional(ms),
  connect: z.exactOptional(ms),
  tls: z.exactOptional(ms),
  ttfb: z.exactOptional(ms),
  reused: z.exactOptional(z.boolean()),
  protocol: z.exactOptional(text(16)),
  nativeRetries: count(1_000).default(0),
})

const callSchema: z.ZodType<TelemetryCall> = z.object({
  at: instant,
  method: text(16),
  path: text(512),
  status: count(999),
  code: text(64).default(''),
  errno: z.int().default(0),
  ms,
  queueMs: ms.default(0),
  attempts: count(1_000).default(1),
  channel: text(255).default(''),
  source: text(16).default('network'),
  net: text(16).default(''),
  profile: profileSchema.prefault({}),
})

const batchSchema: z.ZodType<TelemetryBatch> = z.object({
  v: z.literal(1),
  app: text(64),
  appVersion: text(64).default(''),
  sdk: text(32).default(''),
  platform: text(32).default(''),
  session: text(64).default(''),
  dropped: count(1_000_000_000).default(0),
  calls: z.array(callSchema).max(1_000),
})

/** Reads a batch; members that are not known are left out. A text says what is wrong with it, for people. */
export function parseBatch(body: Buffer, callsMax: number): TelemetryBatch | string {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    return 'expected JSON in UTF-8'
  }
  const read = batchSchema.safeParse(value)
  if (!read.success) {
    const { path, message } = read.error.issues[0]!
    return `${path.length === 0 ? 'the body' : z.core.toDotPath(path)}: ${message}`
  }
  const { length } = read.data.calls
  return length > callsMax ? `calls: expected at most ${callsMax}, got ${length}` : read.data
}
