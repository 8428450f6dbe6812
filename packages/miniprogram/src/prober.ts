import { sendAside } from './aside.ts'
import type { CallEnv } from './call.ts'

/** A probe that takes longer has failed: calls that would, too, are not brought back. */
const PROBE_MS = 3_000

/**
 * Asks a channel that was left whether it works again, beside calls that are made anyway: a phone that makes none asks
 * nothing, and neither does one whose first channel works. The function it returns is called at the begin and at the end of every call.
 */
export function prober(env: CallEnv, path: string): () => void {
  let busy = false
  return () => {
    const channel = busy ? null : env.channels.dueProbe(env.runtime.now())
    if (channel === null) return
    busy = true
    sendAside(env, channel, { path, timeoutMs: PROBE_MS }, (answer) => {
      busy = false
      const good = answer !== undefined && answer.status >= 200 && answer.status < 400
      env.channels.onProbe(channel, good, env.runtime.now())
    })
  }
}
