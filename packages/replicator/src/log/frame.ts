import { crc32 } from 'node:zlib'

/** One entry as it lies in a segment file, and as it travels to the peer: both check the same CRC. */
export interface Frame {
  readonly offset: number
  /** Everything below this offset was on the disk before this entry was written. */
  readonly synced: number
  /** JSON of the entry's events. */
  readonly body: Buffer
  /** Bytes of the whole frame. */
  readonly size: number
}

/** Why there is no frame: the bytes end early, or they are none. */
export type NoFrame = 'short' | 'broken'

// magic u32 · length of the body u32 · CRC-32 of all behind it u32 · offset u48 · synced u48 · body
const magic = 0x42554431
/** Bytes before the body. */
export const frameHeaderBytes = 24
/** No entry is larger; a length beyond it is no length. */
export const frameBodyMax: number = 64 * 1024 * 1024

/** The bytes of an entry. `synced` is filled in when it is written. */
export function encodeFrame(body: string): Buffer {
  const length = Buffer.byteLength(body)
  const frame = Buffer.allocUnsafe(frameHeaderBytes + length)
  frame.writeUInt32BE(magic, 0)
  frame.writeUInt32BE(length, 4)
  frame.write(body, frameHeaderBytes)
  return frame
}

/** Puts in where the entry stands, and the CRC. */
export function placeFrame(frame: Buffer, offset: number, synced: number): void {
  frame.writeUIntBE(offset, 12, 6)
  frame.writeUIntBE(synced, 18, 6)
  frame.writeUInt32BE(crc32(frame.subarray(12)), 8)
}

/** The frame at `at`, or why there is none. */
export function decodeFrame(bytes: Buffer, at: number): Frame | NoFrame {
  if (bytes.length - at < frameHeaderBytes) return 'short'
  if (bytes.readUInt32BE(at) !== magic) return 'broken'
  const length = bytes.readUInt32BE(at + 4)
  if (length > frameBodyMax) return 'broken'
  const end = at + frameHeaderBytes + length
  if (bytes.length < end) return 'short'
  if (crc32(bytes.subarray(at + 12, end)) !== bytes.readUInt32BE(at + 8)) return 'broken'
  return {
    offset: bytes.readUIntBE(at + 12, 6),
    synced: bytes.readUIntBE(at + 18, 6),
    body: bytes.subarray(at + frameHeaderBytes, end),
    size: end - at,
  }
}

/** Where the next frame may begin at or behind `at`; -1: nowhere. */
export function findFrame(bytes: Buffer, at: number): number {
  return bytes.indexOf('BUD1', at, 'latin1')
}
