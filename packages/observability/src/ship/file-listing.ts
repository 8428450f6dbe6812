import { readdirSync, type Stats, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { LogInput } from './log-input.ts'
import { isRotationOf } from './rotation-name.ts'

/** A file that was found. */
export interface SeenFile {
  readonly path: string
  readonly dev: number
  readonly ino: number
  readonly size: number
  readonly mtimeMs: number
  readonly input: LogInput
  /** The file that this one’s name says it is a rotation of; itself where it is none. */
  readonly base: string
}

/** When a folder was last found changed, by the clock of its file system, and how fine that is: a tick of Linux is 4 ms. */
const tickMs = 20

/** Which files inputs name, and what was rotated out of them. */
export class FileListing {
  readonly #inputs: readonly LogInput[]
  /** When each folder of a named file had changed last, before it was listed. */
  #folders = new Map<string, number>()

  constructor(inputs: readonly LogInput[]) {
    this.#inputs = inputs
  }

  /** Whether something came, moved or went where files are. New folders are found by listing only. */
  hasChanged(): boolean {
    for (const [folder, changed] of this.#folders) if (changedAt(folder) !== changed) return true
    return false
  }

  /** Named files first; then, of rotations, the oldest first. */
  list(): SeenFile[] {
    const named = new Map<string, LogInput>()
    for (const input of this.#inputs)
      for (const path of input.files()) if (!named.has(path)) named.set(path, input)
    const folders = new Map<string, [base: string, input: LogInput][]>()
    for (const [path, input] of named) {
      if (isRotationOfAny(path, named)) continue
      const folder = dirname(path)
      const here = folders.get(folder)
      if (here === undefined) folders.set(folder, [[path, input]])
      else here.push([path, input])
    }
    const changed = [...folders.keys()].map((folder) => [folder, changedAt(folder)] as const)
    const bases: SeenFile[] = []
    const rotations: SeenFile[] = []
    for (const [folder, here] of folders) {
      for (const [path, input] of here) add(bases, path, path, input)
      for (const name of namesIn(folder)) {
        const of = here.find(([base]) => isRotationOf(name, basename(base)))
        if (of !== undefined) add(rotations, join(folder, name), ...of)
      }
    }
    // What changes within the tick in which it was listed would look as if it had not.
    const unsure = Date.now() - tickMs
    this.#folders = new Map(changed.map(([folder, at]) => [folder, at > unsure ? NaN : at]))
    rotations.sort((a, b) => a.mtimeMs - b.mtimeMs)
    return [...bases, ...rotations]
  }
}

function isRotationOfAny(path: string, named: ReadonlyMap<string, LogInput>): boolean {
  const name = basename(path)
  const folder = dirname(path)
  for (const other of named.keys())
    if (dirname(other) === folder && isRotationOf(name, basename(other))) return true
  return false
}

function add(to: SeenFile[], path: string, base: string, input: LogInput): void {
  const found = fileAt(path)
  if (found !== undefined) to.push({ ...found, path, base, input })
}

/** What a path names now; undefined when that is no file. */
export function fileAt(path: string): Pick<SeenFile, 'dev' | 'ino' | 'size' | 'mtimeMs'> | undefined {
  const found = statOf(path)
  if (found === undefined || !found.isFile()) return undefined
  const { dev, ino, size, mtimeMs } = found
  return { dev, ino, size, mtimeMs }
}

function changedAt(folder: string): number {
  return statOf(folder)?.mtimeMs ?? 0
}

/** Undefined too for what may not be looked at, or leads in a circle. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
