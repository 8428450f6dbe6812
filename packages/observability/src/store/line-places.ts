import { crc32 } from 'node:zlib'
import { parseLine } from './log-decoder.ts'
import { commitStart, crcOfCommit, recordStart, segmentStart } from './segment-lines.ts'

const lineEnd = 0x0a
/** By their fourth byte lines of a segment are told apart: `{"ts"`, `{"commit"`, `{"segment"`, `{"source"`. */
const kinds = {
  record: Buffer.from(recordStart)[2],
  commit: Buffer.from(commitStart)[2],
  segment: Buffer.from(segmentStart),
} as const

/**
 * Where records stand in a piece of a log, two numbers for each: its beginning and behind its end. They are read only where the checksum
 * of their batch is wrong, and what cannot be is left out.
 */
export function recordPlaces(bytes: Buffer): number[] {
  let places: number[] = []
  let batch = 0
  let batchPlaces = 0
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf(lineEnd, from)
    const to = end < 0 ? bytes.length : end
    const kind = bytes[from + 2]
    if (kind === kinds.record) places.push(from, to)
    else if (kind === kinds.commit) {
      const crc = crcOfCommit(bytes.toString('latin1', from, to))
      if (crc32(bytes.subarray(batch, from)) !== crc)
        places = [...places.slice(0, batchPlaces), ...readable(bytes, places.slice(batchPlaces))]
      batch = to + 1
      batchPlaces = places.length
    } else if (kinds.segment.compare(bytes, from, from + kinds.segment.length) === 0) batch = to + 1
    from = to + 1
  }
  return places
}

function readable(bytes: Buffer, places: readonly number[]): number[] {
  const left: number[] = []
  for (let index = 0; index < places.length; index += 2) {
    const [from, to] = [places[index]!, places[index + 1]!]
    const text = bytes.toString('utf8', from, to)
    if (text.startsWith(recordStart) && parseLine(text) !== undefined) left.push(from, to)
  }
  return left
}
