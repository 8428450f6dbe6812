import { fstatSync, write } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'

/** Where lines are written. One call at a time. */
export interface LogTarget {
  /** For messages to people. */
  readonly name: string
  /** Called before each batch. Never rejects. */
  prepare(): Promise<void>
  /** Writes a beginning of `bytes`; resolves to its length, 0 when nothing can be taken right now. */
  write(bytes: Buffer): Promise<number>
  close(): Promise<void>
}

interface LogFileEnv {
  now(): number
  warn(message: string): void
}

const renameCheckMs = 1_000

/**
 * A file that is appended to. When its name stands for another file or for none, as after `logrotate`, it is opened
 * again; that is looked at before a batch, once a second at most.
 */
export class LogFile implements LogTarget {
  readonly name: string
  readonly #env: LogFileEnv
  #handle: FileHandle
  #identity: string
  #checkAt: number
  #warned = false

  static async open(path: string, env: LogFileEnv): Promise<LogFile> {
    const handle = await openToAppend(path)
    return new LogFile(path, env, handle, identity(await handle.stat()))
  }

  private constructor(path: string, env: LogFileEnv, handle: FileHandle, identityOfFile: string) {
    this.name = path
    this.#env = env
    this.#handle = handle
    this.#identity = identityOfFile
    this.#checkAt = env.now() + renameCheckMs
  }

  async prepare(): Promise<void> {
    const now = this.#env.now()
    if (now < this.#checkAt) return
    this.#checkAt = now + renameCheckMs
    const found = await stat(this.name).then(identity, () => '')
    if (found !== this.#identity) await this.#reopen()
  }

  async write(bytes: Buffer): Promise<number> {
    return (await this.#handle.write(bytes)).bytesWritten
  }

  close(): Promise<void> {
    return this.#handle.close()
  }

  async #reopen(): Promise<void> {
    try {
      const handle = await openToAppend(this.name)
      const old = this.#handle
      this.#identity = identity(await handle.stat())
      this.#handle = handle
      this.#warned = false
      await old.close()
    } catch (error) {
      // The old file still takes lines, under whatever name it has now.
      if (!this.#warned) this.#env.warn(`${this.name} cannot be opened again: ${String(error)}`)
      this.#warned = true
    }
  }
}

const standardOutput = 1
/** What POSIX lets nobody else's bytes come between, at the least that Linux and macOS have for pipes. */
const pipeAtomicBytes = process.platform === 'linux' ? 4096 : 512

/**
 * The process's standard output, written to directly: `process.stdout` of a worker would queue without a limit, and
 * where it is a pipe, stop the main thread for a slow reader. To a pipe whole lines go in pieces that the kernel
 * keeps together, since other workers write to it too.
 */
export class LogStdout implements LogTarget {
  readonly name = 'standard output'
  readonly #isPipe: boolean

  constructor() {
    this.#isPipe = isPipe()
  }

  prepare(): Promise<void> {
    return Promise.resolve()
  }

  write(bytes: Buffer): Promise<number> {
    const piece = this.#isPipe ? bytes.subarray(0, wholeLines(bytes, pipeAtomicBytes)) : bytes
    return new Promise((resolve, reject) => {
      write(standardOutput, piece, (error, written) => {
        if (error === null) resolve(written)
        else if (error.code === 'EAGAIN') resolve(0)
        else reject(error)
      })
    })
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

/** As many whole lines as fit in `bytesMax`, at least one. */
export function wholeLines(bytes: Buffer, bytesMax: number): number {
  if (bytes.length <= bytesMax) return bytes.length
  const fitting = bytes.lastIndexOf(0x0a, bytesMax - 1)
  const end = fitting >= 0 ? fitting : bytes.indexOf(0x0a)
  return end < 0 ? bytes.length : end + 1
}

function isPipe(): boolean {
  try {
    const stats = fstatSync(standardOutput)
    return stats.isFIFO() || stats.isSocket()
  } catch {
    // Closed: the first write says so.
    return false
  }
}

function openToAppend(path: string): Promise<FileHandle> {
  return open(path, 'a', 0o640)
}

function identity({ dev, ino }: { dev: number; ino: number }): string {
  return `${dev}:${ino}`
}
