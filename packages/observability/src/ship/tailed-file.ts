import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { ChunkReader, ChunkTexts } from './chunk-lines.ts'
import { beginsAs, headMark, type HeadMark, readHead } from './file-head.ts'
import type { LogInput } from './log-input.ts'

/** What is remembered of a file, in the same append as its lines. */
export interface FilePosition extends HeadMark {
  readonly path: string
  readonly dev: number
  readonly ino: number
  /** Read up to here. */
  readonly offset: number
  /** Here is inside of a line that has been cut. */
  readonly skipping?: true
}

/** What a look at a file found: as it was, or no longer what it was. */
export type FileLook = 'same' | 'truncated'

/** So that what is made of a piece is small beside the caches, and gone before the next. */
const pieceBytes = 65_536

/** One open file, read from its position on. */
export class TailedFile {
  readonly id: string
  readonly input: LogInput
  path: string
  /** The name it had before any rotation. */
  base: string
  /** Number of its lines’ source; 0 before its first. */
  source = 0
  readonly dev: number
  readonly ino: number
  readonly #file: number
  readonly #reader: ChunkReader
  #head: Buffer
  #mark: HeadMark
  #offset: number
  #skipping: boolean
  #size = 0
  /** Since when nothing came, on the clock of `turn`. */
  #quietSince: number
  /** Its size when it was read last: a partial line is not read over and over. */
  #readSize = -1
  #isReplaced = false
  unlinked = false

  /** Opens a file; undefined when it is gone. */
  static open(
    id: string,
    path: string,
    input: LogInput,
    from: { readonly offset: number; readonly skipping?: true } | 'end',
    now: number,
  ): TailedFile | undefined {
    let file: number
    try {
      file = openSync(path, 'r')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
    try {
      return new TailedFile(id, path, input, file, from, now)
    } catch (error) {
      closeSync(file)
      throw error
    }
  }

  private constructor(
    id: string,
    path: string,
    input: LogInput,
    file: number,
    from: { readonly offset: number; readonly skipping?: true } | 'end',
    now: number,
  ) {
    const { dev, ino, size } = fstatSync(file)
    this.id = id
    this.path = path
    this.base = path
    this.input = input
    this.dev = dev
    this.ino = ino
    this.#file = file
    this.#reader = input.reader
    this.#head = readHead(file)
    this.#mark = headMark(this.#head)
    this.#size = size
    this.#offset = from === 'end' ? size : from.offset
    // The end may be in the middle of a line.
    this.#skipping = from === 'end' ? false : from.skipping === true
    this.#quietSince = now
  }

  get head(): Buffer {
    return this.#head
  }

  /** As of the last look. */
  get size(): number {
    return this.#size
  }

  get unread(): number {
    return this.#size - this.#offset
  }

  get position(): FilePosition {
    return {
      path: this.path,
      dev: this.dev,
      ino: this.ino,
      offset: this.#offset,
      ...this.#mark,
      ...(this.#skipping ? { skipping: true } : {}),
    }
  }

  /** Looks at its size and its beginning. */
  look(now: number): FileLook {
    const { size, nlink } = fstatSync(this.#file)
    this.unlinked = nlink === 0
    if (size < this.#offset || this.#isReplaced) return 'truncated'
    if (size === this.#size && this.#mark.headBytes > 0) return 'same'
    this.#size = size
    this.#quietSince = now
    const head = readHead(this.#file)
    // Truncated, and already longer than before.
    if (this.#mark.headBytes > 0 && !beginsAs(head, this.#mark)) return 'truncated'
    if (head.length > this.#mark.headBytes) {
      this.#head = Buffer.from(head)
      this.#mark = headMark(head)
    }
    return 'same'
  }

  /** How long nothing has come. */
  quietMs(now: number): number {
    return now - this.#quietSince
  }

  /** Texts from where it stands; null when there are none now. `last`: nothing more will come, ever. */
  read(buffer: Buffer, now: number, last: boolean): ChunkTexts | null {
    const quiet = this.input.multilineQuietMs !== null && this.quietMs(now) >= this.input.multilineQuietMs
    if (this.#offset >= this.#size) return null
    if (this.#readSize === this.#size && !last && !quiet) return null
    let isEnd = true
    let read: ChunkTexts | null = null
    // Little at a time, and as much as a line may take where that holds no whole one.
    for (let length = Math.min(pieceBytes, buffer.length); ; length = buffer.length) {
      const bytes = readSync(this.#file, buffer, 0, length, this.#offset)
      if (bytes === 0) return null
      // Truncated since the last look, and longer than before by now: these bytes are not what came behind those read before.
      if (!this.#beginsAsBefore()) {
        this.#isReplaced = true
        return null
      }
      isEnd = bytes < length
      read = this.#reader.read(buffer.subarray(0, bytes), {
        skipping: this.#skipping,
        last: last && isEnd,
        quiet: quiet && isEnd,
      })
      if (read.consumed > 0 || isEnd || length === buffer.length) break
    }
    this.#offset += read.consumed
    this.#skipping = read.skipping
    if (this.#offset > this.#size) this.#size = this.#offset
    this.#readSize = isEnd || read.consumed === 0 ? this.#size : -1
    return read
  }

  close(): void {
    closeSync(this.#file)
  }

  /** Asked after a read: what was truncated before it is found so. */
  #beginsAsBefore(): boolean {
    const { length } = this.#head
    const read = readSync(this.#file, beginning, 0, length, 0)
    return read === length && beginning.compare(this.#head, 0, length, 0, length) === 0
  }
}

const beginning = Buffer.allocUnsafe(1_024)
