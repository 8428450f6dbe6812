import type { Socket } from 'node:net'
import type { HardCause } from '@budao/resilience'

/** Unsent bytes above which a peer is too slow to be talked to. */
const unsentBytesMax = 4 * 1_048_576

/** What a `LineSocket` tells; `ended` last, once. */
export interface LineReader {
  line(text: string): void
  /** The kernel’s word that nobody is there any more, or null: it was ended here, or broke otherwise. */
  ended(cause: HardCause | null, why: string): void
}

/** Lines over a connection, with a limit to what is kept of one that has not ended and of what was not sent yet. */
export class LineSocket {
  readonly #socket: Socket
  #reader: LineReader | null = null
  #lineBytesMax: number
  #parts: Buffer[] = []
  #bytes = 0
  #ended = false

  constructor(socket: Socket, lineBytesMax: number) {
    this.#socket = socket
    this.#lineBytesMax = lineBytesMax
    socket.setNoDelay(true)
  }

  /** Tells that one from now on, and takes longer lines. */
  read(reader: LineReader, lineBytesMax: number = this.#lineBytesMax): void {
    const begins = this.#reader === null
    this.#reader = reader
    this.#lineBytesMax = lineBytesMax
    if (!begins) return
    const socket = this.#socket
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('end', () => this.#end('closed', 'the other side closed it'))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const cause = error.code === 'ECONNRESET' || error.code === 'EPIPE' ? 'reset' : null
      this.#end(cause, error.message)
    })
    socket.on('close', () => this.#end(null, 'it ended'))
  }

  /** False, and the connection ends, when the other side takes nothing in. */
  send(line: string): boolean {
    if (this.#ended) return false
    if (this.#socket.writableLength > unsentBytesMax) {
      this.destroy(`the other side takes nothing in: ${this.#socket.writableLength} bytes wait`)
      return false
    }
    this.#socket.write(`${line}\n`)
    return true
  }

  /** Ends it after what was sent; nothing more is told but `ended`. */
  end(why: string): void {
    if (this.#ended) return
    this.#socket.end()
    // A peer that does not close its side does not keep ours.
    const timer = setTimeout(() => this.#socket.destroy(), 1_000)
    timer.unref()
    this.#socket.once('close', () => clearTimeout(timer))
    this.#finish(null, why)
  }

  destroy(why: string): void {
    this.#end(null, why)
  }

  #read(chunk: Buffer): void {
    let from = 0
    while (!this.#ended) {
      const at = chunk.indexOf(0x0a, from)
      const part = chunk.subarray(from, at === -1 ? undefined : at)
      this.#bytes += part.length
      if (this.#bytes > this.#lineBytesMax)
        return this.#end(null, `a line is longer than ${this.#lineBytesMax} bytes`)
      this.#parts.push(part)
      if (at === -1) return
      const text = Buffer.concat(this.#parts).toString()
      this.#parts = []
      this.#bytes = 0
      from = at + 1
      this.#reader!.line(text)
    }
  }

  #end(cause: HardCause | null, why: string): void {
    if (this.#ended) return
    this.#socket.destroy()
    this.#finish(cause, why)
  }

  #finish(cause: HardCause | null, why: string): void {
    this.#ended = true
    this.#parts = []
    this.#reader?.ended(cause, why)
  }
}
