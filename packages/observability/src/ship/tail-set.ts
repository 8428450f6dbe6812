import { closeSync, openSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { beginAlike, beginsAs, readHead } from './file-head.ts'
import type { LogInput } from './log-input.ts'
import { isRotationOf } from './rotation-name.ts'
import { type FilePosition, TailedFile } from './tailed-file.ts'

/** Counted since the start. */
export interface TailCounts {
  readonly opened: number
  /** Read to the end under the name that a rotation gave them. */
  readonly rotated: number
  readonly truncations: number
  /** Files beyond `filesMax` that nobody reads. */
  readonly waiting: number
}

/** Files open at a time. */
const filesMax = 1_000
/** A rotated file is let go of when nothing has come for so long; should it grow all the same, it is opened again. */
const rotatedQuietMs = 60_000
const unlinkedQuietMs = 1_000
/** What is remembered of a file that nobody has seen for so long is forgotten. */
const goneMs = 3_600_000

interface Seen {
  readonly path: string
  readonly dev: number
  readonly ino: number
  readonly size: number
  readonly input: LogInput
  /** The file that this one’s name says it is a rotation of; itself where it is none. */
  readonly base: string
}

interface Remembered {
  position: FilePosition
  /** In this process’s time. */
  seenAt: number
  /** Of a file that was truncated under this process: a copy of it begins so. */
  head?: Buffer
}

/**
 * Which files there are, and what each of them is: new, renamed, one that was read before, or a copy of one. Identity is the
 * content: device and inode where the first bytes agree, the first bytes alone where they have changed.
 */
export class TailSet {
  readonly #inputs: readonly LogInput[]
  readonly #open = new Map<string, TailedFile>()
  readonly #known = new Map<string, Remembered>()
  /** Positions that have changed since the last append, or are to be forgotten. */
  readonly #changes = new Map<string, FilePosition | null>()
  /** Paths of what was known at the start. */
  readonly #startedWith: readonly string[]
  #nextId: number
  #first = true
  #opened = 0
  #rotated = 0
  #truncations = 0
  #waiting = 0

  constructor(
    inputs: readonly LogInput[],
    positions: Iterable<readonly [string, FilePosition]>,
    now: number,
  ) {
    this.#inputs = inputs
    this.#nextId = 1
    const paths: string[] = []
    for (const [id, position] of positions) {
      this.#known.set(id, { position, seenAt: now })
      paths.push(position.path)
      this.#nextId = Math.max(this.#nextId, Number(id.slice(1)) + 1)
    }
    this.#startedWith = paths
  }

  get files(): Iterable<TailedFile> {
    return this.#open.values()
  }

  get counts(): TailCounts {
    return {
      opened: this.#opened,
      rotated: this.#rotated,
      truncations: this.#truncations,
      waiting: this.#waiting,
    }
  }

  /** What the next append has to say about positions besides those of the files it has lines of. */
  takeChanges(): Record<string, FilePosition | null> {
    const changes = Object.fromEntries(this.#changes)
    this.#changes.clear()
    return changes
  }

  /** Looks for files that came, moved or went. */
  scan(now: number): void {
    const seen = this.#list()
    const openByInode = new Map([...this.#open.values()].map((file) => [inode(file), file]))
    this.#waiting = 0
    for (const each of seen) {
      const open = openByInode.get(inode(each))
      if (open !== undefined) {
        open.path = each.path
        continue
      }
      this.#meet(each, now)
    }
    this.#forget(now)
    this.#first = false
  }

  /** Looks at every open file: whether it grew, was truncated, or is over. */
  look(now: number): void {
    let truncated = false
    for (const file of this.#open.values()) {
      if (file.look(now) === 'truncated') {
        this.#truncate(file, now)
        truncated = true
      }
    }
    // What was not read yet may stand in a copy.
    if (truncated) this.scan(now)
  }

  /** Whether nothing will come any more, so that a line without an end is a line. */
  isOver(file: TailedFile, now: number): boolean {
    const quiet = file.quietMs(now)
    return file.unlinked ? quiet >= unlinkedQuietMs : quiet >= rotatedQuietMs && this.#isRotated(file)
  }

  /** Lets go of a file that has been read to its end. */
  finish(file: TailedFile, now: number): void {
    file.close()
    this.#open.delete(file.id)
    this.#rotated++
    if (file.unlinked) {
      this.#known.delete(file.id)
      this.#changes.set(file.id, null)
    } else this.#known.set(file.id, { position: file.position, seenAt: now })
  }

  close(): void {
    for (const file of this.#open.values()) file.close()
    this.#open.clear()
  }

  /** Named files first; then, of rotations, the oldest first. */
  #list(): Seen[] {
    const named = new Map<string, LogInput>()
    for (const input of this.#inputs)
      for (const path of input.files()) if (!named.has(path)) named.set(path, input)
    const seen = new Map<string, Seen>()
    const folders = new Map<string, [base: string, input: LogInput][]>()
    const bases = [...named].filter(([path]) => !this.#baseOf(path, named))
    for (const [path, input] of bases) {
      const folder = dirname(path)
      folders.set(folder, [...(folders.get(folder) ?? []), [path, input]])
      add(seen, path, path, input)
    }
    const rotations: (Seen & { readonly mtimeMs: number })[] = []
    for (const [folder, here] of folders) {
      for (const name of namesIn(folder)) {
        const of = here.find(([base]) => isRotationOf(name, basename(base)))
        if (of === undefined) continue
        const found = statOf(join(folder, name))
        if (found !== undefined)
          rotations.push({ ...found, path: join(folder, name), input: of[1], base: of[0] })
      }
    }
    rotations.sort((a, b) => a.mtimeMs - b.mtimeMs)
    return [...seen.values(), ...rotations]
  }

  #baseOf(path: string, named: ReadonlyMap<string, LogInput>): boolean {
    const name = basename(path)
    const folder = dirname(path)
    for (const other of named.keys())
      if (dirname(other) === folder && isRotationOf(name, basename(other))) return true
    return false
  }

  /** A file that is not open: known, a copy of an open one, or new. */
  #meet(seen: Seen, now: number): void {
    const known = this.#recognize(seen)
    if (known === 'wait') return
    if (known !== undefined) {
      const [id, remembered] = known
      remembered.seenAt = now
      const { position } = remembered
      if (seen.size > position.offset) this.#begin(id, seen, position, now)
      else if (position.path !== seen.path || position.ino !== seen.ino || position.dev !== seen.dev) {
        const { path, dev, ino } = seen
        remembered.position = { ...position, path, dev, ino }
        this.#changes.set(id, remembered.position)
      }
      return
    }
    const isRotation = seen.base !== seen.path
    // What had been rotated away before Budao first looked is history; later ones came and went between two looks.
    const isFirst = this.#first && !this.#knew(seen.base)
    const toEnd = isFirst && (isRotation || seen.input.startAt === 'end')
    this.#begin(`f${this.#nextId++}`, seen, toEnd ? 'end' : { offset: 0 }, now)
  }

  #begin(
    id: string,
    seen: Seen,
    from: { readonly offset: number; readonly skipping?: true } | 'end',
    now: number,
  ): void {
    if (this.#open.size >= filesMax) {
      this.#waiting++
      return
    }
    const file = TailedFile.open(id, seen.path, seen.input, from, now)
    if (file === undefined) return
    if (inode(file) !== inode(seen)) {
      // Rotated while we looked; the next look tells what it is.
      file.close()
      return
    }
    file.base = seen.base
    this.#opened++
    this.#known.delete(id)
    this.#open.set(id, file)
    this.#changes.set(id, file.position)
  }

  /** Which remembered file this is. `wait`: it may become a copy of one, and is not whole yet. */
  #recognize(seen: Seen): readonly [string, Remembered] | 'wait' | undefined {
    const head = headOf(seen.path)
    if (head === undefined) return 'wait'
    const isRotation = seen.base !== seen.path
    let byContent: readonly [string, Remembered] | undefined
    for (const entry of this.#known) {
      const { position } = entry[1]
      if (!beginsAs(head, position)) {
        if (position.headBytes === 0 && inode(position) === inode(seen)) return entry
        continue
      }
      if (inode(position) === inode(seen)) return entry
      const related =
        position.path === seen.path || isRotationOf(basename(seen.path), basename(position.path))
      if (related && seen.size >= position.offset) byContent = entry
    }
    if (byContent !== undefined || !isRotation) return byContent
    if (head.length === 0) return 'wait'
    for (const file of this.#open.values())
      if (file.base === seen.base && beginAlike(head, file.head)) return 'wait'
    for (const { head: whole } of this.#known.values())
      if (whole !== undefined && beginAlike(head, whole)) return 'wait'
    return undefined
  }

  #truncate(file: TailedFile, now: number): void {
    this.#truncations++
    this.#open.delete(file.id)
    const position = { ...file.position, ino: 0 }
    this.#known.set(file.id, { position, seenAt: now, head: file.head })
    this.#changes.set(file.id, position)
    file.close()
  }

  #knew(base: string): boolean {
    return this.#startedWith.some((path) => path === base || isRotationOf(basename(path), basename(base)))
  }

  #isRotated(file: TailedFile): boolean {
    return file.path !== file.base || inode(statOf(file.path)) !== inode(file)
  }

  #forget(now: number): void {
    for (const [id, { seenAt, position }] of this.#known) {
      if (now - seenAt < goneMs) continue
      if (inode(statOf(position.path)) === inode(position)) continue
      this.#known.delete(id)
      this.#changes.set(id, null)
    }
  }
}

function add(seen: Map<string, Seen>, path: string, base: string, input: LogInput): void {
  const found = statOf(path)
  if (found !== undefined) seen.set(path, { ...found, path, base, input })
}

function statOf(
  path: string,
):
  | { readonly dev: number; readonly ino: number; readonly size: number; readonly mtimeMs: number }
  | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined || !found.isFile()) return undefined
  const { dev, ino, size, mtimeMs } = found
  return { dev, ino, size, mtimeMs }
}

function headOf(path: string): Buffer | undefined {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch {
    return undefined
  }
  try {
    return readHead(file)
  } finally {
    closeSync(file)
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function inode(of: { readonly dev: number; readonly ino: number } | undefined): string {
  return of === undefined ? '' : `${of.dev}:${of.ino}`
}
