import type { CallEnv } from './call.ts'
import type { Channel } from './channel.ts'
import type { TransportAnswer } from './transport.ts'

/** Something that nobody waits for: a probe, a report. */
export interface AsideRequest {
  readonly path: string
  /** Sent as JSON by POST; without it, a GET. */
  readonly json?: string
  readonly timeoutMs: number
}

/**
 * Sends a request beside the calls: behind all of them in the queue for slots, once, and without a word to retry
 * budget, breaker or failover. `end` is told the answer, or undefined where there is none.
 */
export function sendAside(
  env: CallEnv,
  channel: Channel,
  { path, json, timeoutMs }: AsideRequest,
  end: (answer: TransportAnswer | undefined) => void,
): void {
  const begin = (): void => {
    let over = false
    const finish = (answer?: TransportAnswer): void => {
      if (over) return
      over = true
      stopTimer()
      env.scheduler.release()
      end(answer)
    }
    const stopTimer = env.runtime.after(timeoutMs, () => {
      breakOff()
      finish()
    })
    const breakOff = channel.transport.send(
      {
        method: json === undefined ? 'GET' : 'POST',
        url: channel.baseUrl + path,
        headers: json === undefined ? {} : { 'Content-Type': 'application/json' },
        body: json,
        timeoutMs,
        responseType: 'text',
        native: undefined,
      },
      { onAnswer: finish, onFailure: () => finish() },
    )
  }
  if (env.scheduler.acquire('low', begin) === null) end(undefined)
}
