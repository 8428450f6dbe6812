import type { LogRecord } from '@budao/model'
import { Refusal } from './admin-client.ts'
import type { AdminClient } from './admin-client.ts'

/** What is heard of a stream: records as they came, how many were too many, and how the line is. */
export interface LogListener {
  records(records: readonly LogRecord[], missed: number): void
  /** Null: it is open. */
  away(problem: string | null): void
  /** The stream was refused: asking again would be in vain. */
  refused(error: Refusal): void
}

const retryMs = 1_000

/** Follows records that pass a filter, and asks again when the line breaks: what came meanwhile is not there. */
export class LogFollow {
  readonly #end = new AbortController()

  constructor(client: Pick<AdminClient, 'stream'>, filter: string, listener: LogListener) {
    void this.#run(client, filter, listener)
  }

  close(): void {
    this.#end.abort()
  }

  async #run(client: Pick<AdminClient, 'stream'>, filter: string, listener: LogListener): Promise<void> {
    const { signal } = this.#end
    const path = `/api/v1/logs/stream?${new URLSearchParams({ filter }).toString()}`
    while (!signal.aborted) {
      try {
        for await (const { kind, data } of client.stream(path, signal)) {
          listener.away(null)
          if (kind === 'missed') listener.records([], Number(data))
          else if (kind === 'message') listener.records([JSON.parse(data) as LogRecord], 0)
        }
        listener.away('')
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof Refusal && error.status < 500) return listener.refused(error)
        listener.away(error instanceof Error ? error.message : String(error))
      }
      await new Promise((resolve) => setTimeout(resolve, retryMs))
    }
  }
}
