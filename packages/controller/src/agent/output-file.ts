import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs'
import type { ProcessOutputConfig } from '@budao/model'

/**
 * The file that a process writes to by itself, so that it needs no agent to go on writing. When it has grown too large it
 * is copied and emptied in place; what is written between the last look and the cut, microseconds, is lost.
 */
export class OutputFile {
  readonly #path: string
  readonly #limits: ProcessOutputConfig
  readonly #fd: number

  /** Throws where the file cannot be opened. */
  constructor(path: string, limits: ProcessOutputConfig) {
    this.#path = path
    this.#limits = limits
    // Appending: after the cut the process goes on at the new end.
    this.#fd = openSync(path, 'a+', 0o640)
  }

  /** For the process to inherit. */
  get fd(): number {
    return this.#fd
  }

  /** Puts the file aside if it is too large; to be called now and then. */
  rotate(): void {
    const { fileBytes, files } = this.#limits
    const { size } = fstatSync(this.#fd)
    if (size < fileBytes) return
    if (files > 1) {
      for (let i = files - 1; i > 1; i--) {
        if (existsSync(this.#older(i - 1))) renameSync(this.#older(i - 1), this.#older(i))
      }
      this.#keep(size)
    }
    ftruncateSync(this.#fd, 0)
  }

  close(): void {
    closeSync(this.#fd)
  }

  #keep(size: number): void {
    const { fileBytes } = this.#limits
    // Of one that has run away only the end: it says what happened last, and the disk has an end, too.
    let from = size < 2 * fileBytes ? 0 : size - fileBytes
    const to = openSync(this.#older(1), 'w', 0o640)
    const buffer = Buffer.allocUnsafe(1 << 16)
    for (;;) {
      const read = readSync(this.#fd, buffer, 0, buffer.length, from)
      // Whoever writes faster than this reads is cut off.
      if (read === 0 || from > size + fileBytes) break
      writeSync(to, buffer, 0, read)
      from += read
    }
    closeSync(to)
  }

  #older(age: number): string {
    return `${this.#path}.${age}`
  }
}
