/**
 * Milliseconds since 1970 of a time as programs write it: ISO 8601, or a number of seconds, milliseconds,
 * microseconds or nanoseconds, told apart by their size. Undefined for what is none.
 */
export function instantOf(value: unknown): number | undefined {
  if (typeof value === 'number') return ofNumber(value)
  if (typeof value !== 'string') return undefined
  if (/^\d+(\.\d+)?$/.test(value)) return ofNumber(Number(value))
  const parsed = Date.parse(iso(value))
  return Number.isNaN(parsed) ? undefined : parsed
}

/** The same in each unit: what is below is the next larger unit. 2001-09-09 in ms, to tell seconds from it. */
const millisecondsMin = 1e12
const microsecondsMin = 1e15
const nanosecondsMin = 1e18

function ofNumber(value: number): number | undefined {
  if (!Number.isFinite(value) || value < 0) return undefined
  if (value < millisecondsMin / 10) return value * 1000
  if (value < microsecondsMin / 10) return value
  return value < nanosecondsMin / 10 ? value / 1e3 : value / 1e6
}

/** With a comma before the fraction, as Java and Python write it, and a blank for the `T`; without a zone it is local. */
function iso(value: string): string {
  return value.length > 19 && value[19] === ',' ? `${value.slice(0, 19)}.${value.slice(20)}` : value
}
