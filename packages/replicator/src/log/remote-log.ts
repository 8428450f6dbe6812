import { setTimeout as sleep } from 'node:timers/promises'
import {
  type LogBounds,
  type LogPosition,
  type LogReader,
  LogTruncatedError,
  type ReadOptions,
} from '@budao/model'
import { FrameReader } from './frame-reader.ts'
import { waitMsMax } from './log-routes.ts'

/** Where a peer's log is. */
export interface RemoteLogOptions {
  /** Such as `http://10.0.1.5:9910`. */
  readonly url: string
  readonly token?: string
}

const retryMsMin = 50
const retryMsMax = 1000
/** A question that is not answered so long after it should be is asked again, milliseconds. */
const overdueMs = 1000
/** Once it is being answered there is more time: the way may be narrow, milliseconds. */
const answerMsMax = 25_000
const boundsMsMax = 5000

/** A peer's embedded log, read over HTTP: each question waits at the peer until there is something to answer. */
export class RemoteLog {
  readonly #options: RemoteLogOptions

  constructor(options: RemoteLogOptions) {
    this.#options = options
  }

  /** Where it begins and ends. Rejects when the peer cannot be asked. */
  async bounds(): Promise<LogBounds> {
    const response = await this.#ask('/v1/log/bounds', AbortSignal.timeout(boundsMsMax))
    if (!response.ok) throw new Error(await failure(response))
    return (await response.json()) as LogBounds
  }

  read(from: LogPosition, { bytesMax = 1024 * 1024 }: ReadOptions = {}): LogReader {
    return new FrameReader({ from, bytesMax, frames: (at, bytes, signal) => this.#frames(at, bytes, signal) })
  }

  async #frames(from: LogPosition, bytes: number, signal: AbortSignal): Promise<Buffer> {
    const query = `/v1/log?logId=${encodeURIComponent(from.logId)}&offset=${from.offset}&bytes=${bytes}`
    for (let retryMs = retryMsMin; !signal.aborted; retryMs = Math.min(retryMsMax, retryMs * 2)) {
      const overdue = new AbortController()
      let timer = setTimeout(() => overdue.abort(), waitMsMax + overdueMs)
      try {
        const response = await this.#ask(query, AbortSignal.any([signal, overdue.signal]))
        clearTimeout(timer)
        timer = setTimeout(() => overdue.abort(), answerMsMax)
        if (response.status === 200 || response.status === 204) {
          return Buffer.from(await response.arrayBuffer())
        }
        if (response.status === 410) {
          throw new LogTruncatedError(from, ((await response.json()) as { found: LogBounds }).found)
        }
        throw new Error(await failure(response))
      } catch (error) {
        if (error instanceof LogTruncatedError) throw error
        if (signal.aborted) break
        await sleep(retryMs, undefined, { signal }).catch(() => {})
      } finally {
        clearTimeout(timer)
      }
    }
    return Buffer.alloc(0)
  }

  #ask(path: string, signal: AbortSignal): Promise<Response> {
    const { url, token } = this.#options
    return fetch(url + path, {
      signal,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    })
  }
}

async function failure(response: Response): Promise<string> {
  return `the peer answers ${response.status}: ${(await response.text()).slice(0, 200)}`
}
