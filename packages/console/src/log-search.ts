/** How far back is looked, in the words of the API; `all`: everything; `between`: two times. */
export const logRanges = ['5m', '15m', '1h', '6h', '24h', '7d', 'all', 'between'] as const

export type LogRange = (typeof logRanges)[number]

/** What is looked for, as the address and the form have it. */
export interface LogSearch {
  readonly filter: string
  readonly range: LogRange
  /** Of `between`, as a field for date and time has it: local, `2026-11-27T05:30:00`; empty: no end. */
  readonly from: string
  readonly to: string
}

/** Reads what stands in the address. */
export function readSearch({
  filter = '',
  range = '',
  from = '',
  to = '',
}: Record<string, string>): LogSearch {
  return { filter, range: logRanges.find((name) => name === range) ?? '1h', from, to }
}

/** The same for the address, the usual left out. */
export function searchQuery({ filter, range, from, to }: LogSearch): Record<string, string> {
  return { filter, range: range === '1h' ? '' : range, ...(range === 'between' ? { from, to } : {}) }
}

/** Parameters of the API for it. `before`: milliseconds, nothing later. */
export function searchParameters(
  { filter, range, from, to }: LogSearch,
  before?: number,
): Record<string, string> {
  const between = range === 'between'
  const parameters = {
    filter,
    from: between ? instant(from) : range === 'all' ? '' : range,
    to: before === undefined ? (between ? instant(to) : '') : new Date(before).toISOString(),
  }
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== ''))
}

/** A moment for a field of date and time: local, to the second. */
export function localMoment(ms: number): string {
  const at = new Date(ms)
  const two = (value: number): string => String(value).padStart(2, '0')
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  return `${date}T${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}

function instant(local: string): string {
  const at = new Date(local)
  return Number.isNaN(at.getTime()) ? '' : at.toISOString()
}
