import type { LogEntry, LogPosition, LogReader } from '@budao/model'
import { readTransaction } from './entry-text.ts'
import { decodeFrame } from './frame.ts'

/** Where frames come from: the files, or the peer that has them. */
export interface FrameReaderOptions {
  readonly from: LogPosition
  readonly bytesMax: number
  /** At least one frame from there on, or nothing once `signal` says so. */
  readonly frames: (from: LogPosition, bytesMax: number, signal: AbortSignal) => Promise<Buffer>
}

/** Reads entries in order, fetching the next batch while the last one is worked on. */
export class FrameReader implements LogReader {
  readonly #options: FrameReaderOptions
  readonly #stop: AbortController = new AbortController()
  #at: LogPosition
  #ahead: Promise<readonly LogEntry[]> | null = null

  constructor(options: FrameReaderOptions) {
    this.#options = options
    this.#at = options.from
  }

  async next(): Promise<readonly LogEntry[] | null> {
    for (;;) {
      const ahead = this.#ahead ?? this.#fetch()
      this.#ahead = null
      const entries = await ahead
      if (this.#stop.signal.aborted) return null
      if (entries.length === 0) continue
      this.#ahead = this.#fetch()
      // Who asks next gets the error.
      this.#ahead.catch(() => {})
      return entries
    }
  }

  close(): void {
    this.#stop.abort()
  }

  async #fetch(): Promise<readonly LogEntry[]> {
    const bytes = await this.#options.frames(this.#at, this.#options.bytesMax, this.#stop.signal)
    const entries: LogEntry[] = []
    for (let at = 0; at < bytes.length;) {
      const frame = decodeFrame(bytes, at)
      if (typeof frame === 'string')
        throw new Error(`entry ${this.#at.offset}: ${frame} on its way from the log`)
      entries.push(readTransaction(frame.offset, frame.body.toString()))
      at += frame.size
    }
    const last = entries.at(-1)
    if (last !== undefined) this.#at = { ...this.#at, offset: last.offset + 1 }
    return entries
  }
}
