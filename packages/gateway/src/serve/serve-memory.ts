import type { Config, TelemetryConfig } from '@budao/model'
import { RateLimiter, type RateLimitOptions } from '@budao/resilience'
import { identityOrigins } from '../providers/open-identity.ts'
import { type ArenaLayout, floatsOf } from '../threads/arena.ts'
import type { RuntimePlan } from '../threads/runtime.ts'
import { IdentityMetrics, type IdentityCounts, readIdentity } from './identity-metrics.ts'
import { identityWatchCells } from './identity-watch.ts'
import { SdkCounts, SdkMetrics } from './sdk-metrics.ts'

/** Calls that got an answer, and those that did not. */
const channelFields = 2

/** The names of a thread's numbers: those of all calls, and of each channel that is counted by name. */
export const sdkNumbers = 'sdk'
export function channelNumbers(channel: string): string {
  return `sdk/channel/${channel}`
}

/** Those of one provider of identities. */
export function identityNumbers(provider: string): string {
  return `identity/${provider}`
}

/** What all threads know of one provider. */
export function identityWatchName(provider: string): string {
  return `serve/identity/${provider}/watch`
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
  for (const name of Object.keys(config.identity)) {
    cells.set(identityWatchName(name), identityWatchCells)
    numbers(identityNumbers(name), IdentityMetrics.fields)
  }
  for (const channel of channelsOf(config)) numbers(channelNumbers(channel), channelFields)
  return cells
}

/** What the threads have counted for routes with `serve`. */
export function servedReport(
  plan: RuntimePlan | null,
  memory: Int32Array,
): { readonly sdk: SdkReport | null; readonly identity: readonly IdentityReport[] } {
  return {
    sdk: plan === null ? null : sdkReport(plan, memory),
    identity: plan === null ? [] : identityReport(plan, memory),
  }
}

/** What became of logins by one provider. */
export interface IdentityReport {
  readonly provider: string
  /** Where it is asked. */
  readonly origins: readonly string[]
  readonly counts: IdentityCounts
}

function identityReport({ snapshot, layout, workers }: RuntimePlan, memory: Int32Array): IdentityReport[] {
  return Object.entries(snapshot.config.identity).map(([provider, identity]) => ({
    provider,
    origins: identityOrigins(identity),
    counts: readIdentity(threadNumbers(memory, layout, workers, identityNumbers(provider))),
  }))
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
function sdkReport({ snapshot, layout, workers }: RuntimePlan, memory: Int32Array): SdkReport | null {
  const channels = channelsOf(snapshot.config)
  if (channels.length === 0) return null
  const read = (name: string): Float64Array[] => threadNumbers(memory, layout, workers, name)
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

function threadNumbers(
  memory: Int32Array,
  layout: ArenaLayout,
  workers: number,
  name: string,
): Float64Array[] {
  return Array.from({ length: workers }, (_, worker) => floatsOf(memory, layout, numbersName(name, worker)))
}

/** All that any route counts by name, and the rest; none where no route takes what apps tell. */
function channelsOf({ routes }: Config): string[] {
  const named = routes.flatMap(({ serve }) =>
    serve !== undefined && 'telemetry' in serve ? [...serve.telemetry.channels, 'other'] : [],
  )
  return [...new Set(named)]
}
