import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { EndpointRegistration } from '@budao/model'
import type { Drain } from './drains.ts'
import type { ResolvedAddress } from './resolve-name.ts'

/** What of the endpoints outlives a process. */
export interface KeptDirectory {
  readonly version: 1
  readonly registrations: readonly {
    readonly registration: EndpointRegistration
    /** Wall clock, milliseconds since 1970. */
    readonly expiresAt: number
  }[]
  readonly drains: readonly Drain[]
  /** The last good addresses of each name. */
  readonly names: Readonly<Record<string, readonly ResolvedAddress[]>>
}

/** A JSON file that is replaced as a whole: after a crash it holds the state before or after, never half of one. */
export class DirectoryFile {
  readonly #path: string
  #writing: Promise<void> = Promise.resolve()
  /** The write that has not begun yet: whoever asks meanwhile shares it. */
  #next: Promise<void> | null = null

  constructor(path: string) {
    this.#path = path
  }

  /** Undefined when there is none yet. Rejects when it cannot be read or is not what `save` wrote. */
  async load(): Promise<KeptDirectory | undefined> {
    let text: string
    try {
      text = await readFile(this.#path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
    const kept: unknown = JSON.parse(text)
    if (!isKept(kept)) throw new Error(`${this.#path} is not a list of endpoints of version 1`)
    return kept
  }

  /** Puts an unusable file aside, where a person can look at it. */
  async putAside(): Promise<void> {
    await rename(this.#path, `${this.#path}.bad`)
  }

  /** Resolves once what `state` gives when its turn comes is on the disk. */
  save(state: () => KeptDirectory): Promise<void> {
    this.#next ??= this.#writing.then(() => {
      this.#next = null
      const written = this.#write(JSON.stringify(state()))
      this.#writing = written.catch(() => {})
      return written
    })
    return this.#next
  }

  async #write(text: string): Promise<void> {
    const folder = dirname(this.#path)
    await mkdir(folder, { recursive: true })
    const draft = `${this.#path}.${process.pid}.tmp`
    const file = await open(draft, 'w', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, this.#path)
    await syncFolder(folder)
  }
}

/** The new name itself must survive a power loss too. Not every system can sync a folder. */
async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  } catch {}
}

function isKept(value: unknown): value is KeptDirectory {
  if (!isObject(value) || value['version'] !== 1) return false
  const { registrations, drains, names } = value
  return (
    Array.isArray(registrations) &&
    registrations.every(
      (one) => isObject(one) && typeof one['expiresAt'] === 'number' && isRegistration(one['registration']),
    ) &&
    Array.isArray(drains) &&
    drains.every((one) => isObject(one) && isObject(one['target']) && typeof one['reason'] === 'string') &&
    isObject(names) &&
    Object.values(names).every(
      (list) => Array.isArray(list) && list.every((one) => isObject(one) && typeof one['host'] === 'string'),
    )
  )
}

function isRegistration(value: unknown): value is EndpointRegistration {
  if (!isObject(value)) return false
  const texts = ['service', 'address', 'site', 'release'].map((key) => typeof value[key])
  const numbers = ['weight', 'rank', 'leaseMs'].map((key) => typeof value[key])
  return texts.every((kind) => kind === 'string') && numbers.every((kind) => kind === 'number')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
