import { hash } from 'node:crypto'
import { readSync } from 'node:fs'

/** What a file is known by: its first bytes. A name moves, an inode is given to the next file. */
export interface HeadMark {
  /** How many bytes of it are known; a file that has just begun has few. */
  readonly headBytes: number
  /** Of those. */
  readonly headHash: string
}

const headBytesMax = 1_024

/** The first 1024 bytes of a file, fewer when there are no more. */
export function readHead(file: number): Buffer {
  const head = Buffer.allocUnsafe(headBytesMax)
  return head.subarray(0, readSync(file, head, 0, headBytesMax, 0))
}

/** What to remember of it. */
export function headMark(head: Buffer): HeadMark {
  return { headBytes: head.length, headHash: hash('sha256', head).slice(0, 16) }
}

/** Whether a file begins as one that is remembered did; it may have grown since. */
export function beginsAs(head: Buffer, { headBytes, headHash }: HeadMark): boolean {
  return (
    headBytes > 0 &&
    head.length >= headBytes &&
    hash('sha256', head.subarray(0, headBytes)).slice(0, 16) === headHash
  )
}

/** Whether one is how the other begins: a copy that is being made, or one of a file that has grown since. */
export function beginAlike(a: Buffer, b: Buffer): boolean {
  const length = Math.min(a.length, b.length)
  return length > 0 && a.subarray(0, length).equals(b.subarray(0, length))
}
