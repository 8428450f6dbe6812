/**
 * Milliseconds since 1970 of a time as programs write it: ISO 8601, or a number of seconds, milliseconds,
 * microseconds or nanoseconds, told apart by their size. Undefined for what is none.
 */
export function instantOf(value: unknown): number | undefined {
  if (typeof value === 'number') return ofNumber(value)
  if (typeof value !== 'string') return undefined
  if (value.length === utcLength && value.charCodeAt(utcLength - 1) === letterZ) {
    const utc = ofUtc(value)
    if (utc !== undefined) return utc
  }
  if (/^\d+(\.\d+)?$/.test(value)) return ofNumber(Number(value))
  const parsed = Date.parse(iso(value))
  return Number.isNaN(parsed) ? undefined : parsed
}

/** The same in each unit: what is below is the next larger unit. 2001-09-09 in ms, to tell seconds from it. */
const millisecondsMin = 1e12
const microsecondsMin = 1e15
const nanosecondsMin = 1e18
/** Of a `Date`: later ones cannot be written as text. */
const instantMax = 8.64e15

function ofNumber(value: number): number | undefined {
  if (!Number.isFinite(value) || value < 0) return undefined
  if (value < millisecondsMin / 10) return value * 1000
  if (value < microsecondsMin / 10) return value
  const instant = value < nanosecondsMin / 10 ? value / 1e3 : value / 1e6
  return instant > instantMax ? undefined : instant
}

/** Letters of `2026-11-27T06:13:20.001Z`, which most programs write. */
const utcLength = 24
const secondLength = 19
const letterT = 0x54
const letterZ = 0x5a
const dot = 0x2e
const zero = 0x30
let lastText = ''
let lastInstant = Number.NaN

/** Of such a text; many lines have the same second, which is then not read again. Undefined for another. */
function ofUtc(value: string): number | undefined {
  if (value.charCodeAt(10) !== letterT || value.charCodeAt(secondLength) !== dot) return undefined
  const a = value.charCodeAt(20) - zero
  const b = value.charCodeAt(21) - zero
  const c = value.charCodeAt(22) - zero
  if (a < 0 || a > 9 || b < 0 || b > 9 || c < 0 || c > 9) return undefined
  const text = value.slice(0, secondLength)
  if (text !== lastText) {
    const instant = Date.parse(`${text}Z`)
    if (Number.isNaN(instant)) return undefined
    lastText = text
    lastInstant = instant
  }
  return lastInstant + a * 100 + b * 10 + c
}

/** With a comma before the fraction, as Java and Python write it, and a blank for the `T`; without a zone it is local. */
function iso(value: string): string {
  return value.length > 19 && value[19] === ',' ? `${value.slice(0, 19)}.${value.slice(20)}` : value
}
