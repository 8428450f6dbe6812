import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import type { LogPlace } from '../store/segment-reader.ts'

/** A place inside of a piece: so many of its records are done with. */
export interface SinkPlace extends LogPlace {
  readonly done: number
}

/** All places have one length, so that each is written over the one before. */
const placeLength = 100

/**
 * Where a sink is. Written over in place, less than a sector: that needs no room on a full disk, costs a fiftieth of a new file with
 * another’s name, and is whole, whatever is killed when.
 */
export class SinkPlaceFile {
  readonly #path: string
  #file: number | null = null

  constructor(path: string) {
    this.#path = path
  }

  /** The beginning where there is none yet, or a power loss has torn it: everything that is there is sent. */
  read(): SinkPlace {
    try {
      const { segment, offset, done } = JSON.parse(readFileSync(this.#path, 'utf8')) as SinkPlace
      return { segment, offset, done }
    } catch {
      return { segment: 0, offset: 0, done: 0 }
    }
  }

  /** Null, or why it could not: a crash would repeat more than a batch then. */
  write(place: SinkPlace): Error | null {
    const text = JSON.stringify(place).padEnd(placeLength)
    try {
      this.#file ??= openToWrite(this.#path)
      return writeSync(this.#file, text, 0) === text.length ? null : new Error(`${this.#path}: no room`)
    } catch (error) {
      return error as Error
    }
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file)
    this.#file = null
  }
}

/** Without emptying it. */
function openToWrite(path: string): number {
  try {
    return openSync(path, 'r+')
  } catch {
    return openSync(path, 'w')
  }
}
