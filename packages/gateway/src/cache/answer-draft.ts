import { ChunkScanner } from '../http/chunk-scanner.ts'
import type { StoredAnswer } from './stored-answer.ts'

/** An answer to keep of which the body is still arriving, on its way to the client. */
export class AnswerDraft {
  readonly #head: Omit<StoredAnswer, 'body'>
  readonly #bytesMax: number
  readonly #scanner: ChunkScanner | null
  #body = ''

  constructor(head: Omit<StoredAnswer, 'body'>, bytesMax: number, chunked: boolean) {
    this.#head = head
    this.#bytesMax = bytesMax
    this.#scanner = chunked ? new ChunkScanner({ allowExtensions: true }) : null
  }

  /** Takes a part as `onUpstreamBody` gives it. False once there is more than may be kept. */
  take(text: string | undefined, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#scanner === null) this.#body += text ?? latin1(bytes, start, end)
    else this.#scanner.scan(bytes, start, end, (from, to) => (this.#body += latin1(bytes, from, to)))
    return this.#body.length <= this.#bytesMax
  }

  /** The last byte has been taken. */
  complete(): StoredAnswer {
    return { ...this.#head, body: this.#body }
  }
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1')
}
