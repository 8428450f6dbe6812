import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Placement } from '@budao/model'

/** The placements known last, in one JSON file that is replaced as a whole: a gateway that starts alone goes by them. */
export class PlacementFile {
  readonly #path: string
  #writing: Promise<void> = Promise.resolve()
  #waiting = false

  constructor(path: string) {
    this.#path = path
  }

  /** Empty when there is none, or none that can be read: `problem` then says why. */
  async load(): Promise<{ readonly placements: readonly Placement[]; readonly problem: string | null }> {
    try {
      const kept: unknown = JSON.parse(await readFile(this.#path, 'utf8'))
      if (!isKept(kept)) return { placements: [], problem: `${this.#path} is not a list of placements` }
      return { placements: kept.placements, problem: null }
    } catch (error) {
      const absent = (error as NodeJS.ErrnoException).code === 'ENOENT'
      return { placements: [], problem: absent ? null : String(error) }
    }
  }

  /** Writes what `placements` gives when its turn comes. Rejects when it cannot be written. */
  save(placements: () => readonly Placement[]): Promise<void> {
    if (this.#waiting) return this.#writing
    this.#waiting = true
    this.#writing = this.#writing
      .catch(() => {})
      .then(() => {
        this.#waiting = false
        return this.#write(JSON.stringify({ version: 1, placements: placements() }))
      })
    return this.#writing
  }

  async #write(text: string): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true })
    const draft = `${this.#path}.${process.pid}.tmp`
    const file = await open(draft, 'w', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, this.#path)
  }
}

function isKept(value: unknown): value is { readonly placements: readonly Placement[] } {
  const placements = (value as { placements?: unknown } | null)?.placements
  return Array.isArray(placements) && placements.every(isPlacement)
}

function isPlacement(value: unknown): value is Placement {
  const { unit, service, epoch, owner, readers } = (value ?? {}) as Record<string, unknown>
  return (
    typeof unit === 'string' &&
    typeof service === 'string' &&
    Number.isInteger(epoch) &&
    (owner === null || typeof owner === 'string') &&
    Array.isArray(readers) &&
    readers.every((site) => typeof site === 'string')
  )
}
