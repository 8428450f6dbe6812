const quote = 0x22
const minus = 0x2d
const dot = 0x2e
const zero = 0x30
const nine = 0x39
const backslash = 0x5c
const lineEnd = 0x0a
const carriageReturn = 0x0d
const space = 0x20
const tab = 0x09

/** A double gives so many digits back as they were written. */
const digitsMax = 15
/** Smaller numbers are written with an exponent. */
const decimalsMax = 6

/** Whether some bytes stand between two places. */
export function isSame(bytes: Buffer, from: number, to: number, expected: Buffer): boolean {
  if (to - from !== expected.length) return false
  for (let index = 0; index < expected.length; index++)
    if (bytes[from + index] !== expected[index]) return false
  return true
}

export function afterSpace(bytes: Buffer, from: number, end: number): number {
  let at = from
  while (at < end && (bytes[at] === space || bytes[at] === tab)) at++
  return at
}

/** Behind a closing brace; -1 where the line goes on. */
export function nextLine(bytes: Buffer, from: number, end: number): number {
  const at = from < end && bytes[from] === carriageReturn ? from + 1 : from
  if (at >= end) return end
  return bytes[at] === lineEnd ? at + 1 : -1
}

/** Behind a value that `JSON.stringify` would write as it stands; -1 for another. */
export function valueEnd(bytes: Buffer, from: number, end: number): number {
  switch (bytes[from]) {
    case quote:
      return textEnd(bytes, from, end)
    case 0x74:
      return isSame(bytes, from, Math.min(from + 4, end), literals.true) ? from + 4 : -1
    case 0x66:
      return isSame(bytes, from, Math.min(from + 5, end), literals.false) ? from + 5 : -1
    case 0x6e:
      return isSame(bytes, from, Math.min(from + 4, end), literals.null) ? from + 4 : -1
    default:
      return numberEnd(bytes, from, end)
  }
}

const literals = {
  true: Buffer.from('true'),
  false: Buffer.from('false'),
  null: Buffer.from('null'),
} as const

/** What is behind a backslash where `JSON.stringify` escapes in the same way. */
const sameEscapes = Uint8Array.from({ length: 256 }, (_, byte) =>
  '"\\bfnrt'.includes(String.fromCharCode(byte)) ? 1 : 0,
)

function textEnd(bytes: Buffer, from: number, end: number): number {
  for (let at = from + 1; at < end; at++) {
    const byte = bytes[at]!
    if (byte === quote) return at + 1
    if (byte === backslash) {
      if (sameEscapes[bytes[++at]!] === 0) return -1
    } else if (byte < space) return -1
  }
  return -1
}

function numberEnd(bytes: Buffer, from: number, end: number): number {
  const first = bytes[from] === minus ? from + 1 : from
  let at = digitsEnd(bytes, first, end)
  if (at === first || at - first > digitsMax || (bytes[first] === zero && at > first + 1)) return -1
  if (at < end && bytes[at] === dot) {
    const decimals = at + 1
    at = digitsEnd(bytes, decimals, end)
    if (at === decimals || at - decimals > decimalsMax || at - first > digitsMax || bytes[at - 1] === zero)
      return -1
  } else if (first > from && bytes[first] === zero) return -1
  return at
}

function digitsEnd(bytes: Buffer, from: number, end: number): number {
  let at = from
  while (at < end && bytes[at]! >= zero && bytes[at]! <= nine) at++
  return at
}
