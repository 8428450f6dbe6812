import { readFile, stat } from 'node:fs/promises'
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import { keySetBytesMax, parseKeySet } from './key-set.ts'
import type { KeySource } from './key-source.ts'

const pollMs = 2_000

/**
 * The public keys of a JWKS file. The file is looked at every 2 s (a change of its time, size or inode; so a replaced
 * symbolic link is seen too) and read again when it changed. A file that cannot be read or is no key set leaves the
 * last good keys in force, with one warning for each new reason.
 */
export class KeyFile implements KeySource {
  readonly #path: string
  readonly #warn: (message: string) => void
  readonly #timer: NodeJS.Timeout
  #find: JWTVerifyGetKey
  #stamp: string
  #generation = 0
  #refreshing: Promise<boolean> | undefined
  #warned = ''

  /** Reads the file for the first time; rejects with what is wrong with it. */
  static async open(path: string, warn: (message: string) => void): Promise<KeyFile> {
    const stamp = await fileStamp(path)
    return new KeyFile(path, warn, stamp, createLocalJWKSet(await readKeys(path, warn)))
  }

  private constructor(path: string, warn: (message: string) => void, stamp: string, find: JWTVerifyGetKey) {
    this.#path = path
    this.#warn = warn
    this.#stamp = stamp
    this.#find = find
    this.#timer = setInterval(() => void this.refresh(), pollMs).unref()
  }

  /** Changes with every reading that gave other keys. */
  get generation(): number {
    return this.#generation
  }

  /** The key for a token's header, to be given to jose. */
  get find(): JWTVerifyGetKey {
    return this.#find
  }

  /** Looks at the file now. Resolves to whether there are new keys; never rejects. Calls at one time share one look. */
  refresh(): Promise<boolean> {
    this.#refreshing ??= this.#readIfChanged().finally(() => (this.#refreshing = undefined))
    return this.#refreshing
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #readIfChanged(): Promise<boolean> {
    try {
      const stamp = await fileStamp(this.#path)
      if (stamp === this.#stamp) return false
      this.#find = createLocalJWKSet(await readKeys(this.#path, this.#warn))
      // Only now: a file caught half written is read again at the next look.
      this.#stamp = stamp
      this.#generation++
      this.#warned = ''
      return true
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (reason !== this.#warned) this.#warn(`${reason}; the keys read before stay in force`)
      this.#warned = reason
      return false
    }
  }
}

async function fileStamp(path: string): Promise<string> {
  const { mtimeMs, ctimeMs, size, ino } = await stat(path)
  if (size > keySetBytesMax) throw new Error(`${path}: expected at most ${keySetBytesMax} bytes, got ${size}`)
  return `${mtimeMs} ${ctimeMs} ${size} ${ino}`
}

async function readKeys(path: string, warn: (message: string) => void): Promise<JSONWebKeySet> {
  const { set, warning } = parseKeySet(await readFile(path, 'utf8'), path)
  if (warning !== '') warn(warning)
  return set
}
