import { WatchedFiles } from '../tls/watched-files.ts'

/** Files that are used are looked at this often; those that are not cost nothing. */
const LOOK_MS = 2_000

export interface LookedFilesEnv {
  readonly baseDir: string
  /** Monotonic milliseconds. */
  now(): number
  warn(message: string): void
}

/** What a file holds, looked at when it is needed. One that cannot be used any more leaves the last good value in force. */
export class LookedFile<T> {
  readonly #files: WatchedFiles<T>
  readonly #env: LookedFilesEnv
  #lookAt: number

  /** Throws when it cannot be read or `parse` throws; the message names the file. */
  constructor(name: string, env: LookedFilesEnv, parse: (text: string) => T) {
    this.#files = new WatchedFiles([name], env.baseDir, ([text]) => parse(text!))
    this.#env = env
    this.#lookAt = env.now() + LOOK_MS
  }

  get value(): T {
    const now = this.#env.now()
    if (now >= this.#lookAt) {
      this.#lookAt = now + LOOK_MS
      const result = this.#files.poll()
      if (result instanceof Error) this.#env.warn(`${result.message}; what was read before stays in force`)
    }
    return this.#files.value
  }
}
