import { fileURLToPath } from 'node:url'
import type { LoadSummary } from './load-summary.ts'
import type { Stage } from './stage.ts'
import type { LoadResult } from './wrk.ts'

export interface OpenLoadOptions {
  readonly url: string
  /** Requests a second. */
  readonly rate: number
  readonly seconds: number
  /** Not measured, before. */
  readonly warmupSeconds: number
  readonly core: number
}

/**
 * Requests by a fixed schedule, from a process of its own; a request that has to wait for its turn has waited since it
 * was due. Rejects when it does not end in time.
 */
export async function runOpenLoad(stage: Stage, options: OpenLoadOptions): Promise<LoadResult> {
  const { url, rate, seconds, warmupSeconds, core } = options
  const file = fileURLToPath(new URL('open-load-process.ts', import.meta.url))
  const load = stage.startNode('load', [file, url, String(rate), String(seconds), String(warmupSeconds)], {
    core,
  })
  const limitMs = (seconds + warmupSeconds) * 1_000 + 20_000
  const summary: LoadSummary = JSON.parse((await load.waitForOutput(/^RESULT (.*)$/m, limitMs))[1]!)
  await load.exited()
  const { sent, failed, p50Ms, p99Ms, maxMs, failures } = summary
  const { timeout = 0, connect = 0 } = failures
  const errors = { connect, timeout, read: failed - timeout - connect, write: 0, status: 0 }
  return { requests: sent - failed, seconds, p50Ms, p99Ms, maxMs, errors }
}
