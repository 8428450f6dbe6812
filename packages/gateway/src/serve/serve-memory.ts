import type { Config, TelemetryConfig } from '@budao/model'
import { RateLimiter, type RateLimitOptions } from '@budao/resilience'
import { floatsOf } from '../threads/arena.ts'
import type { RuntimePlan } from '../threads/runtime.ts'
import { SdkCounts, SdkMetrics } from './sdk-metrics.ts'

/** Calls that got an answer, and those that did not. */
const channelFields = 2

/** The names of a thread's numbers: those of all calls, and of each channel that is counted by name. */
export const sdkNumbers = 'sdk'
export function channelNumbers(channel: string): string {
  return `sdk/channel/${channel}`
}

/** A batch costs one of so many a second. */
export function rateOf({ rate }: TelemetryConfig): RateLimitOptions {
  return { requests: rate, perMs: 1_000, keysMax: 4 }
}

/** The memory of a route's rate, of all threads. Another rate begins anew: its ticks are of another length. */
export function rateName(route: string, { rate }: TelemetryConfig): string {
  return `serve/${route}/rate/${rate}`
}

/** The name of one thread's numbers in the shared memory. */
export function numbersName(name: string, worker: number): string {
  return `serve/${name}/worker/${worker}`
}

/** The shared memory that routes with `serve` take, by name. */
export function serveCells(config: Config, workers: number): Map<string, number> {
  const cells = new Map<string, number>()
  const numbers = (name: string, fields: number): void => {
    // Two cells are a number.
    for (let worker = 0; worker < workers; worker++) cells.set(numbersName(name, worker), fields * 2)
  }
  for (const { name, serve } of config.routes) {
    if (serve === undefined || !('telemetry' in serve)) continue
    cells.set(rateName(name, serve.telemetry), RateLimiter.cellsFor(rateOf(serve.telemetry)))
    numbers(sdkNumbers, SdkMetrics.fields)
  }
  for (const channel of channelsOf(config)) numbers(channelNumbers(channel), channelFields)
  return cells
}

/** What apps have told. */
export interface SdkReport {
  readonly counts: SdkCounts
  readonly channels: readonly {
    readonly channel: string
    readonly answered: number
    readonly failed: number
  }[]
}

/** Null where no route takes it. */
export function sdkReport({ snapshot, layout, workers }: RuntimePlan, memory: Int32Array): SdkReport | null {
  const channels = channelsOf(snapshot.config)
  if (channels.length === 0) return null
  const read = (name: string): Float64Array[] =>
    Array.from({ length: workers }, (_, worker) => floatsOf(memory, layout, numbersName(name, worker)))
  const sum = (threads: readonly Float64Array[], field: number): number =>
    threads.reduce((all, values) => all + values[field]!, 0)
  return {
    counts: new SdkCounts(read(sdkNumbers)),
    channels: channels.map((channel) => {
      const threads = read(channelNumbers(channel))
      return { channel, answered: sum(threads, 0), failed: sum(threads, 1) }
    }),
  }
}

/** All that any route counts by name, and the rest; none where no route takes what apps tell. */
function channelsOf({ routes }: Config): string[] {
  const named = routes.flatMap(({ serve }) =>
    serve !== undefined && 'telemetry' in serve ? [...serve.telemetry.channels, 'other'] : [],
  )
  return [...new Set(named)]
}
