import { resolve } from 'node:path'
import type { TelemetryConfig } from '@budao/model'
import { RateLimiter } from '@budao/resilience'
import type { OnWorkEnd, OwnWork, WorkRequest, WorkUnderWay } from '../exchange/own-work.ts'
import { errorReply, wrongMethod } from '../exchange/reply.ts'
import type { FilterRequest, Reply } from '../filters/filter.ts'
import { AccessLog } from '../logs/access-log.ts'
import { SdkMetrics, type SdkOutcome, sdkOutcomes } from './sdk-metrics.ts'
import { channelNumbers, rateName, rateOf, sdkNumbers } from './serve-memory.ts'
import type { Served, ServeEnv } from './served.ts'
import { badBody } from './serve-replies.ts'
import { parseBatch, type TelemetryBatch, type TelemetryCall } from './telemetry-batch.ts'
import { telemetryLines } from './telemetry-line.ts'

/** Rejects when the file cannot be opened. */
export async function openTelemetry(config: TelemetryConfig, env: ServeEnv): Promise<Served> {
  const log =
    config.path === undefined
      ? null
      : await AccessLog.open(resolve(env.baseDir, config.path), {
          now: () => env.now(),
          wallNow: () => env.wallNow(),
          warn: (message) => env.warn(`telemetry of route ${env.route}: ${message}`),
        })
  const work = new Telemetry(config, env, log)
  return { answer: null, work, ...(log === null ? {} : { close: () => log.close() }) }
}

/** Takes batches of what apps have seen of their calls: counts all, and writes down those it is to. */
class Telemetry implements OwnWork {
  readonly answeredBy = 'route'
  readonly bodyBytes: number
  readonly #config: TelemetryConfig
  readonly #env: ServeEnv
  readonly #log: AccessLog | null
  readonly #limiter: RateLimiter
  readonly #metrics: SdkMetrics
  readonly #channels: ReadonlyMap<string, Float64Array>

  constructor(config: TelemetryConfig, env: ServeEnv, log: AccessLog | null) {
    this.bodyBytes = config.bytes
    this.#config = config
    this.#env = env
    this.#log = log
    this.#limiter = new RateLimiter(env.cells(rateName(env.route, config)), rateOf(config))
    this.#metrics = new SdkMetrics(env.numbers(sdkNumbers))
    this.#channels = new Map(
      [...config.channels, 'other'].map((name) => [name, env.numbers(channelNumbers(name))]),
    )
  }

  /** Before the body is read: a flood costs a head each. */
  refusal({ method, now }: FilterRequest): Reply | null {
    if (method !== 'POST') return postOnly
    const waitMs = this.#limiter.take('', now)
    if (waitMs === 0) return null
    this.#metrics.batch('limited')
    const retryAfter = Math.max(1, Math.ceil(waitMs / 1_000))
    return errorReply(
      429,
      'rate_limited',
      `More than ${this.#config.rate} batches a second; try again in ${retryAfter} s.`,
      [['Retry-After', String(retryAfter)]],
      { retryAfter },
    )
  }

  begin(_plane: unknown, { body }: WorkRequest, onEnd: OnWorkEnd): WorkUnderWay {
    return { start: () => this.#take(body.payload(), onEnd), cancel: () => {} }
  }

  #take(body: Buffer, onEnd: OnWorkEnd): void {
    const batch = parseBatch(body, this.#config.calls)
    if (typeof batch === 'string') {
      this.#metrics.batch('malformed')
      return onEnd(badBody(batch), 'bad_body')
    }
    this.#metrics.batch('accepted')
    this.#metrics.dropped(batch.dropped)
    for (const call of batch.calls) this.#count(batch.platform, call)
    if (this.#log !== null) this.#write(batch, this.#log)
    onEnd(taken, '')
  }

  #count(platform: string, call: TelemetryCall): void {
    const { source, ms, queueMs, attempts, profile, channel } = call
    const outcome = outcomeOf(call)
    const { nativeRetries } = profile
    this.#metrics.call({ platform, outcome, source, durationMs: ms, queueMs, attempts, nativeRetries })
    if (source !== 'network') return
    const counts = this.#channels.get(channel.toLowerCase()) ?? this.#channels.get('other')!
    counts[call.status === 0 ? 1 : 0]!++
  }

  #write(batch: TelemetryBatch, log: AccessLog): void {
    const { sampleRatio } = this.#config
    const line = telemetryLines(batch, this.#env, this.#env.wallNow())
    for (const call of batch.calls)
      if (call.code !== '' || sampleRatio === 1 || this.#env.random() < sampleRatio) log.write(line(call))
  }
}

const taken: Reply = { status: 204, headers: [['Cache-Control', 'no-store']], body: '' }
const postOnly = wrongMethod('POST')

/** A status says more than the code that stands for any status. */
function outcomeOf({ status, code }: TelemetryCall): SdkOutcome {
  if (code === '' || code === 'http') {
    const known = status >= 200 && status <= 599
    return known ? sdkOutcomes[Math.floor(status / 100) - 2]! : 'other'
  }
  return sdkOutcomes.find((outcome) => outcome === code) ?? 'other'
}
