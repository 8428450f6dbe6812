import { setTimeout as sleep } from 'node:timers/promises'
import { freshScript, scriptAfter, type ScriptThresholds } from '@budao/model/vrrp'
import type { Readiness } from './readiness.ts'

/** What a watch needs of the outside. */
export interface WatchOptions extends ScriptThresholds {
  readonly intervalMs: number
  ask(): Promise<Readiness>
  /** Hands the verdict on. Called at the start, at each change and at the end. */
  publish(fails: boolean): void
  /** Called with the answer that made a change, and with the first one. */
  tell(answer: Readiness): void
  readonly signal: AbortSignal
}

/**
 * Asks a gateway over and over and publishes each change of its state, until the signal ends it. Who is not yet asked
 * or no longer watched does not fail: then the check alone decides.
 */
export async function watchReadiness(options: WatchOptions): Promise<void> {
  const { intervalMs, ask, publish, tell, signal } = options
  let state = freshScript
  publish(false)
  try {
    while (!signal.aborted) {
      const askedAt = performance.now()
      const answer = await ask()
      // An answer that was still on its way when the watch ended proves nothing.
      if (signal.aborted) break
      const { well: before, fresh } = state
      state = scriptAfter(state, answer.ready, options)
      if (state.well !== before) publish(!state.well)
      if (state.well !== before || fresh) tell(answer)
      const leftMs = Math.max(0, intervalMs - (performance.now() - askedAt))
      await sleep(leftMs, undefined, { signal }).catch(() => {})
    }
  } finally {
    publish(false)
  }
}
