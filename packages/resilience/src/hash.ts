/**
 * 32-bit hash of a text, for spreading, not for secrets. Mixes UTF-16 units by multiplication and rotation
 * (the constants and the finishing step are those of MurmurHash3), so one changed letter changes half of
 * the bits. Returns an unsigned integer, the same on every platform.
 */
export function hash32(text: string, seed = 0): number {
  let h = seed | 0
  for (let i = 0; i < text.length; i++) {
    let k = Math.imul(text.charCodeAt(i), 0xcc9e2d51)
    k = (k << 15) | (k >>> 17)
    h ^= Math.imul(k, 0x1b873593)
    h = (h << 13) | (h >>> 19)
    h = (Math.imul(h, 5) + 0xe6546b64) | 0
  }
  return mix32(h ^ text.length)
}

/** Spreads the bits of an integer: a bijection of 32-bit numbers, so different numbers stay different. Unsigned. */
export function mix32(value: number): number {
  let h = value | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
