import { closeSync, openSync } from 'node:fs'
import { basename } from 'node:path'
import { beginAlike, beginsAs, type HeadMark, readHead } from './file-head.ts'
import { fileAt, FileListing, type SeenFile } from './file-listing.ts'
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
  /** Files that cannot be opened or read now. */
  readonly unreadable: number
}

/** Files open at a time. */
const filesMax = 1_000
/** A rotated file is let go of when nothing has come for so long; should it grow all the same, it is opened again. */
const rotatedQuietMs = 60_000
const unlinkedQuietMs = 1_000
/** What is remembered of a file that nobody has seen for so long is forgotten. */
const goneMs = 3_600_000

/** Files remembered that nobody sees any more; beyond, those that went first are forgotten. */
const goneMax = 2_000

interface Original {
  readonly size: number
  readonly head: Buffer
}

/** Where a file is begun; `mark`: what it has to begin with for that to be so. */
interface Begun {
  readonly offset: number
  readonly skipping?: true
  readonly mark?: HeadMark
}

interface Remembered {
  position: FilePosition
  /** In this process’s time. */
  seenAt: number
  /** What it was when it was found to be this one, and read to its end. */
  seenAs?: string
  /** Of a file that was truncated under this process: a copy of it begins so. */
  head?: Buffer
}

/**
 * Which files there are, and what each of them is: new, renamed, one that was read before, or a copy of one. Identity is the
 * content: device and inode where the first bytes agree, the first bytes alone where they have changed.
 */
export class TailSet {
  readonly #listing: FileListing
  readonly #open = new Map<string, TailedFile>()
  readonly #known = new Map<string, Remembered>()
  /** Positions that have changed since the last append, or are to be forgotten. */
  readonly #changes = new Map<string, FilePosition | null>()
  /** Paths of what was known at the start. */
  readonly #startedWith: readonly string[]
  #nextId: number
  #first = true
  /** A file was truncated under its name while that was passed over already. */
  #again = false
  #opened = 0
  #rotated = 0
  #truncations = 0
  #waiting = 0
  #unreadable = 0

  constructor(
    inputs: readonly LogInput[],
    positions: Iterable<readonly [string, FilePosition]>,
    now: number,
  ) {
    this.#listing = new FileListing(inputs)
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
      unreadable: this.#unreadable,
    }
  }

  /** What the next append has to say about positions besides those of the files it has lines of. */
  takeChanges(): Record<string, FilePosition | null> {
    const changes = Object.fromEntries(this.#changes)
    this.#changes.clear()
    return changes
  }

  /** Whether a folder says that a scan will find something new. */
  get isStale(): boolean {
    return this.#again || this.#listing.hasChanged()
  }

  /** Looks for files that came, moved or went. */
  scan(now: number): void {
    this.#again = false
    const seen = this.#listing.list()
    const openByInode = new Map([...this.#open.values()].map((file) => [inode(file), file]))
    const present = new Map(seen.map((each) => [inode(each), each]))
    const known = new Map([...this.#known.values()].map((each) => [inode(each.position), each]))
    this.#waiting = this.#unreadable = 0
    for (const each of seen) {
      const open = openByInode.get(inode(each))
      const remembered = known.get(inode(each))
      if (open !== undefined) open.path = each.path
      else if (remembered?.seenAs === lookOf(each)) remembered.seenAt = now
      else this.#meet(each, present, now)
    }
    this.#forget(now)
    this.#first = false
  }

  /** Looks at every open file: whether it grew, was truncated, or is over. */
  look(now: number): void {
    let truncated = false
    for (const file of this.#open.values()) {
      try {
        if (file.look(now) !== 'truncated') continue
      } catch {
        this.lose(file, now)
        continue
      }
      this.#truncate(file, now)
      truncated = true
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
      this.#drop(file.id)
    } else this.#known.set(file.id, { position: file.position, seenAt: now })
  }

  /** Lets go of a file that cannot be read, until the next scan: it stops no other. */
  lose(file: TailedFile, now: number): void {
    file.close()
    this.#open.delete(file.id)
    this.#known.set(file.id, { position: file.position, seenAt: now })
  }

  close(): void {
    for (const file of this.#open.values()) file.close()
    this.#open.clear()
  }

  /** A file that is not open: known, a copy of an open one, or new. */
  #meet(seen: SeenFile, present: ReadonlyMap<string, SeenFile>, now: number): void {
    const isRotation = seen.base !== seen.path
    const known = this.#recognize(seen, present, isRotation ? this.#originalOf(seen.base, now) : undefined)
    if (known === 'wait') return
    if (known !== undefined) {
      const [id, remembered] = known
      remembered.seenAt = now
      const { position } = remembered
      if (seen.size > position.offset) return this.#begin(id, seen, { ...position, mark: position }, now)
      remembered.seenAs = lookOf(seen)
      if (position.path !== seen.path || position.ino !== seen.ino || position.dev !== seen.dev) {
        const { path, dev, ino } = seen
        remembered.position = { ...position, path, dev, ino }
        this.#changes.set(id, remembered.position)
      }
      return
    }
    // What had been rotated away before Budao first looked is history; later ones came and went between two looks.
    const isFirst = this.#first && !this.#knew(seen.base)
    const toEnd = isFirst && (isRotation || seen.input.startAt === 'end')
    this.#begin(`f${this.#nextId++}`, seen, toEnd ? 'end' : { offset: 0 }, now)
  }

  #begin(id: string, seen: SeenFile, from: Begun | 'end', now: number): void {
    if (this.#open.size >= filesMax && !this.#makeRoom(now)) {
      this.#waiting++
      return
    }
    let file: TailedFile | undefined
    try {
      file = TailedFile.open(id, seen.path, seen.input, from, now)
    } catch {
      this.#unreadable++
    }
    if (file === undefined) return
    if (inode(file) !== inode(seen)) {
      // Rotated while we looked; the next look tells what it is.
      file.close()
      return
    }
    if (
      from !== 'end' &&
      from.mark !== undefined &&
      from.mark.headBytes > 0 &&
      !beginsAs(file.head, from.mark)
    ) {
      // Truncated while we looked, and begun anew: where it was read up to says nothing of what it is now.
      file.close()
      this.#again = true
      return
    }
    file.base = seen.base
    this.#opened++
    this.#known.delete(id)
    this.#open.set(id, file)
    this.#changes.set(id, file.position)
  }

  /** Lets go of the rotated file that has been read to its end and was quiet the longest. */
  #makeRoom(now: number): boolean {
    let longest: TailedFile | undefined
    for (const file of this.#open.values()) {
      const isOver = file.unread <= 0 && file.path !== file.base
      if (isOver && file.quietMs(now) > (longest?.quietMs(now) ?? 0)) longest = file
    }
    if (longest !== undefined) this.finish(longest, now)
    return longest !== undefined
  }

  /** Which remembered file this is. `wait`: it may become a copy of one, and is not whole yet. */
  #recognize(
    seen: SeenFile,
    present: ReadonlyMap<string, SeenFile>,
    original: Original | undefined,
  ): readonly [string, Remembered] | 'wait' | undefined {
    const head = headOf(seen.path)
    if (head === undefined) {
      if (fileAt(seen.path) !== undefined) this.#unreadable++
      return 'wait'
    }
    const isRotation = seen.base !== seen.path
    let byContent: readonly [string, Remembered] | undefined
    for (const entry of this.#known) {
      const { position } = entry[1]
      if (!beginsAs(head, position)) {
        if (position.headBytes === 0 && inode(position) === inode(seen)) return entry
        continue
      }
      if (inode(position) === inode(seen)) return entry
      // That one is still there itself: this is another, which only begins alike.
      const there = present.get(inode(position))
      if (there?.base === seen.base) {
        const itsHead = isRotation && there.path === seen.base ? original?.head : headOf(there.path)
        if (beginsAs(itsHead ?? empty, position)) continue
      }
      const related =
        position.path === seen.path || isRotationOf(basename(seen.path), basename(position.path))
      if (related && seen.size >= position.offset) byContent = entry
    }
    if (byContent !== undefined || !isRotation) return byContent
    const isCopy = original !== undefined && seen.size <= original.size && beginAlike(head, original.head)
    if (head.length === 0 || isCopy) return 'wait'
    for (const { head: whole } of this.#known.values())
      if (whole !== undefined && beginAlike(head, whole)) return 'wait'
    return undefined
  }

  /**
   * What stands under the name of which another is a rotation. Asked once: it may be truncated between two looks, and then each would tell
   * of another content. What was truncated before is known for what it was from here on: a copy is recognized by that.
   */
  #originalOf(base: string, now: number): Original | undefined {
    let original: Original | undefined
    for (const file of this.#open.values()) {
      // Also one that was truncated, and rotated after that: its copy is another rotation.
      if (file.base !== base) continue
      if (file.look(now) === 'truncated') {
        this.#truncate(file, now)
        this.#again = true
      } else if (file.path === base) original = { size: file.size, head: file.head }
    }
    if (original !== undefined) return original
    const size = fileAt(base)?.size
    const head = headOf(base)
    return size === undefined || head === undefined ? undefined : { size, head }
  }

  #truncate(file: TailedFile, now: number): void {
    this.#truncations++
    this.#open.delete(file.id)
    // What was in it may be anywhere among its rotations.
    const position = { ...file.position, ino: 0, path: file.base }
    this.#known.set(file.id, { position, seenAt: now, head: file.head })
    this.#changes.set(file.id, position)
    file.close()
  }

  #knew(base: string): boolean {
    return this.#startedWith.some((path) => path === base || isRotationOf(basename(path), basename(base)))
  }

  #isRotated(file: TailedFile): boolean {
    return file.path !== file.base || inode(fileAt(file.path)) !== inode(file)
  }

  #forget(now: number): void {
    const gone: [string, Remembered][] = []
    for (const entry of this.#known) {
      const [id, { seenAt, position }] = entry
      if (seenAt === now) continue
      if (now - seenAt >= goneMs && inode(fileAt(position.path)) !== inode(position)) this.#drop(id)
      else gone.push(entry)
    }
    if (gone.length <= goneMax) return
    gone.sort(([, a], [, b]) => a.seenAt - b.seenAt)
    for (const [id] of gone.slice(0, gone.length - goneMax)) this.#drop(id)
  }

  #drop(id: string): void {
    this.#known.delete(id)
    this.#changes.set(id, null)
  }
}

const empty = Buffer.alloc(0)

/** Undefined where it is gone or cannot be read. */
function headOf(path: string): Buffer | undefined {
  let file: number | undefined
  try {
    file = openSync(path, 'r')
    return readHead(file)
  } catch {
    return undefined
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

/** What changes when somebody has written to it, or put another file in its place. */
function lookOf({ dev, ino, size, mtimeMs, path }: SeenFile): string {
  return `${dev}:${ino}:${size}:${mtimeMs}:${path}`
}

function inode(of: { readonly dev: number; readonly ino: number } | undefined): string {
  return of === undefined ? '' : `${of.dev}:${of.ino}`
}
