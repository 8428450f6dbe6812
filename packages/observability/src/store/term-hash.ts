import type { LogValue } from '@budao/model'

/** FNV-1a. */
export const hashStart: number = 0x811c9dc5 | 0

export function hashed(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, 0x01000193)
}

/** Of long values the beginning says enough. */
export const hashedMax = 64

const quote = 0x22
const backslash = 0x5c
const asciiMax = 0x7f

/** Of a name with its value. */
export function termHash(name: string, value: LogValue): number {
  return stirred(textHash(textHash(hashStart, name), String(value)))
}

/** The same of a name that has been hashed and a value as it stands in JSON. */
export function valueHash(name: number, bytes: Buffer, from: number, to: number): number {
  const isText = bytes[from] === quote
  const start = isText ? from + 1 : from
  const last = isText ? to - 1 : to
  const end = Math.min(last, start + hashedMax)
  let hash = name
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!
    // Hashed are letters, not what they are written with.
    if (byte === backslash || byte > asciiMax)
      return stirred(textHash(name, JSON.parse(`"${bytes.toString('utf8', start, last)}"`) as string))
    hash = hashed(hash, byte)
  }
  return stirred(hash)
}

export function textHash(from: number, text: string): number {
  let hash = from
  const end = Math.min(text.length, hashedMax)
  for (let index = 0; index < end; index++) hash = hashed(hash, text.charCodeAt(index))
  return hash
}

/** So that both halves are good. */
function stirred(hash: number): number {
  let stir = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  stir = Math.imul(stir ^ (stir >>> 13), 0xc2b2ae35)
  return (stir ^ (stir >>> 16)) | 0
}
