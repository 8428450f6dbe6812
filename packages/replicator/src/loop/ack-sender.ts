import type { LogPosition } from '@budao/model'
import { untilItHolds } from './backoff.ts'

/** Where a peer is told what was applied of its log. */
export interface AckSenderOptions {
  readonly url: string
  readonly token?: string
  /** This site. */
  readonly site: string
  /** A mark of this moment, which comes back with a heartbeat of the peer. */
  readonly mark?: () => string
  /** Epochs of the peer that have ended here, by unit; '': of all that it writes. Said before anything is refused for it. */
  readonly ended?: () => Promise<Readonly<Record<string, number>>>
  readonly onError: (error: Error) => void
}

/** Longest an answer may take, milliseconds: writes wait for it at the peer, and a connection may be dead. */
const ackMsMax = 1500

/** Tells a peer how far its log was applied: the latest word only, one at a time. */
export class AckSender {
  readonly #options: AckSenderOptions
  readonly #stop: AbortController = new AbortController()
  readonly #latest: Map<number, LogPosition> = new Map()
  #sending: Promise<void> | null = null

  constructor(options: AckSenderOptions) {
    this.#options = options
  }

  send(next: LogPosition): void {
    this.#latest.set(next.partition, next)
    this.#sending ??= this.#sendAll()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#sending
  }

  async #sendAll(): Promise<void> {
    const { signal } = this.#stop
    while (this.#latest.size > 0 && !signal.aborted) {
      const positions = [...this.#latest.values()]
      this.#latest.clear()
      const sent = await untilItHolds(
        signal,
        async () => {
          // What came meanwhile is newer.
          const newest = positions.map((each) => this.#latest.get(each.partition) ?? each)
          await this.#post(newest)
          return true
        },
        this.#options.onError,
      )
      if (sent === null) break
    }
    this.#sending = null
  }

  async #post(positions: readonly LogPosition[]): Promise<void> {
    const { url, token, site, mark, ended } = this.#options
    const response = await fetch(`${url}/v1/applied`, {
      method: 'POST',
      signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(ackMsMax)]),
      headers: {
        'content-type': 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({
        site,
        positions,
        ...(mark !== undefined && { mark: mark() }),
        ...(ended !== undefined && { ended: await ended() }),
      }),
    })
    await response.arrayBuffer()
    if (!response.ok) throw new Error(`the peer answers ${response.status} to what was applied`)
  }
}
