import type { CallEnv } from './call.ts'

/** A probe that takes longer has failed: calls that would, too, are not brought back. */
const PROBE_MS = 3_000

/**
 * Asks a channel that was left whether it works again, beside calls that are made anyway: a phone that makes none asks
 * nothing, and neither does one whose first channel works.
 */
export class Prober {
  readonly #env: CallEnv
  readonly #path: string
  #busy = false

  constructor(env: CallEnv, path: string) {
    this.#env = env
    this.#path = path
  }

  look(): void {
    const { channels, runtime, scheduler } = this.#env
    if (this.#busy) return
    const channel = channels.dueProbe(runtime.now())
    if (channel === null) return
    this.#busy = true
    const place = scheduler.acquire('low', () => {
      let over = false
      const end = (good: boolean): void => {
        if (over) return
        over = true
        stopTimer()
        this.#busy = false
        scheduler.release()
        channels.onProbe(channel, good, runtime.now())
      }
      const stopTimer = runtime.after(PROBE_MS, () => {
        breakOff()
        end(false)
      })
      const breakOff = channel.transport.send(
        {
          method: 'GET',
          url: channel.baseUrl + this.#path,
          headers: {},
          body: undefined,
          timeoutMs: PROBE_MS,
          responseType: 'text',
          native: undefined,
        },
        { onAnswer: ({ status }) => end(status >= 200 && status < 400), onFailure: () => end(false) },
      )
    })
    if (place === null) this.#busy = false
  }
}
