import { sendAside } from './aside.ts'
import { redactedPath } from './redacted-path.ts'
import type { EndedCall, Feature } from './feature.ts'
import { idempotencyKey } from './idempotency-key.ts'
import type { Storage } from './storage.ts'
import { profileOf } from './profile.ts'
import { version } from './version.ts'
import { withDefaults } from './with-defaults.ts'

export interface TelemetryOptions {
  /** The mini program's name. */
  readonly app: string
  readonly appVersion: string
  /** Takes the reports. Default `/budao/v1/telemetry`. */
  readonly path: string
  /** Share of good calls that are reported; failed ones all are. Default 10. */
  readonly samplePercent: number
  /** Calls that wait to be reported; the oldest goes first, and is counted. Default 200. */
  readonly callsMax: number
  /** From a call's end to its report. Default 30 s. */
  readonly flushMs: number
}

export const telemetryDefaults: TelemetryOptions = {
  app: '',
  appVersion: '',
  path: '/budao/v1/telemetry',
  samplePercent: 10,
  callsMax: 200,
  flushMs: 30_000,
}

const KEY = 'budao:telemetry'
const BATCH_MAX = 100
/** The gateway takes 64 KiB, names and all. */
const BATCH_SIZE_MAX = 60_000
const SEND_MS = 10_000

/**
 * Reports how calls went, beside them: in batches, behind all calls in the queue for slots, in storage while the mini
 * program is in the background. Never a header's value, a query, a body or a user.
 */
export function telemetry(given: Partial<TelemetryOptions>, storage?: Storage): Feature {
  const options = withDefaults(telemetryDefaults, given)
  const { app, appVersion, path, samplePercent, callsMax, flushMs } = options
  return ({ env }) => {
    const { runtime, channels, parking } = env
    const session = idempotencyKey(runtime.random)
    const platform = channels.active.transport.name
    /** Each as it will be sent. */
    let waiting: string[] = []
    let sending: readonly string[] = []
    let dropped = 0
    let loaded = false
    let stopTimer: (() => void) | null = null

    const keep = (calls: readonly string[]): void => {
      waiting = [...calls, ...waiting]
      const tooMany = Math.max(0, waiting.length - callsMax)
      dropped += tooMany
      waiting.splice(0, tooMany)
      if (waiting.length > 0) stopTimer ??= runtime.after(flushMs, flush)
    }

    const flush = (): void => {
      stopTimer?.()
      stopTimer = null
      if (sending.length > 0 || waiting.length === 0) return
      let size = 0
      const over = waiting.findIndex(
        (call, i) => i === BATCH_MAX || (size += call.length + 1) > BATCH_SIZE_MAX,
      )
      const batch = (sending = waiting.splice(0, over === -1 ? waiting.length : over))
      const told = dropped
      const head = JSON.stringify({ v: 1, app, appVersion, sdk: version, platform, session, dropped: told })
      const json = `${head.slice(0, -1)},"calls":[${batch.join()}]}`
      sendAside(env, channels.active, { path, json, timeoutMs: SEND_MS }, (answer) => {
        const status = answer?.status ?? 0
        sending = []
        // What the gateway calls wrong will not be right another time.
        const done = status >= 200 && status < 500 && status !== 429
        if (done) dropped -= told
        keep(done ? [] : batch)
        if (done && waiting.length >= BATCH_MAX) flush()
        if (!parking.foreground) save()
      })
    }

    const save = (): void => {
      const calls = [...sending, ...waiting]
      if (storage === undefined) return
      void (calls.length === 0 ? storage.remove(KEY) : storage.set(KEY, `[${calls.join()}]`)).catch(() => {})
    }

    /** What an earlier process could not send. */
    const load = async (): Promise<void> => {
      loaded = true
      const kept = await storage?.get(KEY)
      if (kept === undefined) return
      await storage!.remove(KEY)
      try {
        keep((JSON.parse(kept) as object[]).map((call) => JSON.stringify(call)))
      } catch {
        // Not ours, or not whole.
      }
    }

    parking.listen((event) => {
      if (event !== 'network') {
        flush()
        if (event === 'background') save()
        else void storage?.remove(KEY)
      }
    })

    return {
      onCall() {
        if (!loaded) void load()
      },
      onEnd(call) {
        const { code, outcome } = summaryOf(call)
        const failed = code !== '' && code !== 'aborted'
        if (!failed && runtime.random.next() * 100 >= samplePercent) return
        const { options: request, beganAt } = call
        const ms = Math.round(runtime.now() - beganAt)
        waiting.push(
          JSON.stringify({
            at: runtime.wallNow() - ms,
            method: request.method ?? 'GET',
            path: redactedPath(request.path),
            status: outcome.status,
            code,
            errno: outcome.errno ?? 0,
            ms,
            queueMs: Math.round(outcome.queueMs),
            attempts: outcome.attempts,
            channel: outcome.channel,
            source: outcome.source ?? 'network',
            net: parking.network,
            profile: profileOf(outcome.native),
          }),
        )
        keep([])
        if (waiting.length >= BATCH_MAX) flush()
      },
    }
  }
}

/** What answers and errors have in common. */
interface Outcome {
  readonly code?: string
  readonly status: number
  readonly errno?: number
  readonly queueMs: number
  readonly attempts: number
  readonly channel: string
  readonly source?: string
  readonly native: unknown
}

function summaryOf({ outcome }: EndedCall): { code: string; outcome: Outcome } {
  const facts: Outcome = outcome
  return { code: facts.code ?? '', outcome: facts }
}
