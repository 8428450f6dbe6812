import { SharedCells } from '@budao/resilience'

/** Where each named piece of shared memory lies: first cell and number of cells. Plain JSON, sent to the threads. */
export type ArenaLayout = Readonly<Record<string, readonly [offset: number, length: number]>>

/** How long a freed piece rests: requests that began under the old snapshot may still write to it. */
const REST_MS = 120_000

const nowhere: ReadonlySet<number> = new Set()

interface RestingPiece {
  readonly offset: number
  readonly length: number
  readonly freedAt: number
}

interface Arrangement {
  readonly layout: ArenaLayout
  readonly top: number
  readonly resting: RestingPiece[]
}

/**
 * Hands out pieces of one shared memory by name. A name keeps its piece from snapshot to snapshot while its length
 * stays the same: that is how breakers, ejections and rate limits survive a reload.
 */
export class Arena {
  readonly memory: Int32Array
  #layout: ArenaLayout = {}
  #top = 0
  #resting: RestingPiece[] = []
  #before: Arrangement | null = null

  constructor(cells: number) {
    this.memory = new Int32Array(new SharedArrayBuffer(cells * Int32Array.BYTES_PER_ELEMENT))
  }

  /**
   * Gives every name in `wanted` a piece of that many cells, zeroed when new, and frees the others. Throws a
   * RangeError, with everything as before, when the memory does not suffice. Freed pieces that begin at `busy` rest on.
   */
  arrange(
    wanted: ReadonlyMap<string, number>,
    now: number,
    busy: ReadonlySet<number> = nowhere,
  ): ArenaLayout {
    this.#before = null
    const next: Record<string, readonly [offset: number, length: number]> = {}
    const fresh: (readonly [string, number])[] = []
    for (const [name, length] of wanted) {
      const old = this.#layout[name]
      if (old !== undefined && old[1] === length) next[name] = old
      else fresh.push([name, length])
    }
    const before = { layout: this.#layout, top: this.#top, resting: [...this.#resting] }
    for (const [name, length] of fresh) {
      const offset = this.#claim(length, now, busy)
      if (offset === -1) {
        this.#return(before)
        throw new RangeError(
          `shared memory: the configuration needs more than ${this.memory.length} cells for services, endpoints and rate limits; use fewer of them or a smaller keysMax`,
        )
      }
      next[name] = [offset, length]
    }
    for (const [name, [offset, length]] of Object.entries(this.#layout)) {
      if (next[name]?.[0] !== offset) this.#resting.push({ offset, length, freedAt: now })
    }
    this.#layout = next
    this.#before = before
    return next
  }

  /** Takes back the last `arrange`: nobody came to use its layout. Does nothing a second time, or after one that threw. */
  revert(): void {
    if (this.#before !== null) this.#return(this.#before)
    this.#before = null
  }

  #return({ layout, top, resting }: Arrangement): void {
    // Whoever prepared for the layout may have written: what was never used must be found zeroed.
    this.memory.fill(0, top, this.#top)
    this.#layout = layout
    this.#top = top
    this.#resting = resting
  }

  #claim(length: number, now: number, busy: ReadonlySet<number>): number {
    const index = this.#resting.findIndex(
      (piece) => piece.length === length && now - piece.freedAt >= REST_MS && !busy.has(piece.offset),
    )
    if (index !== -1) {
      const [piece] = this.#resting.splice(index, 1)
      this.memory.fill(0, piece!.offset, piece!.offset + length)
      return piece!.offset
    }
    if (this.#top + length + (length % 2) > this.memory.length) return -1
    const offset = this.#top
    // Every piece begins at an even cell, where 64-bit numbers may lie.
    this.#top += length + (length % 2)
    return offset
  }
}

/** The cells of one name. Throws when the layout lacks it: layout and users are then out of step, a bug. */
export function cellsOf(memory: Int32Array, layout: ArenaLayout, name: string): SharedCells {
  const piece = layout[name]
  if (piece === undefined) throw new Error(`shared memory: no cells named ${name}`)
  return new SharedCells(memory, piece[0], piece[1])
}

/** The piece of one name as 64-bit numbers: half as many as it has cells. Each may have one writer only, since adding is not atomic. */
export function floatsOf(memory: Int32Array, layout: ArenaLayout, name: string): Float64Array {
  const piece = layout[name]
  if (piece === undefined) throw new Error(`shared memory: no cells named ${name}`)
  const [offset, length] = piece
  return new Float64Array(
    memory.buffer,
    memory.byteOffset + offset * Int32Array.BYTES_PER_ELEMENT,
    length / 2,
  )
}
