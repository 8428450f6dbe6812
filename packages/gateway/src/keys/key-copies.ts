import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The last good key set of each URL, in files, for a start at which the URL does not answer. */
export class KeyCopies {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Undefined when there is no copy that can be read. */
  async read(url: string): Promise<string | undefined> {
    return readFile(this.#file(url), 'utf8').catch(() => undefined)
  }

  /** Rejects when it cannot be written. */
  async write(url: string, text: string): Promise<void> {
    await mkdir(this.#folder, { recursive: true })
    const file = this.#file(url)
    const draft = `${file}.${process.pid}.tmp`
    await writeFile(draft, text, { mode: 0o600 })
    await rename(draft, file)
  }

  #file(url: string): string {
    return join(this.#folder, `${createHash('sha256').update(url).digest('hex').slice(0, 32)}.json`)
  }
}
