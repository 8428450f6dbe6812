/** A rate or count for people: at most three significant digits below a thousand, then whole and grouped. */
export function formatNumber(value: number): string {
  if (value === 0) return '0'
  if (value < 0.095) return '<0.1'
  if (value < 9.95) return trim(value.toFixed(1))
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, '\u202f')
}

/** Milliseconds; `–` where there are no samples. */
export function formatMs(value: number | null): string {
  if (value === null) return '–'
  if (value >= 9_950) return `${Math.round(value / 1_000)} s`
  if (value >= 1_000) return `${trim((value / 1_000).toFixed(1))} s`
  return `${value < 9.95 ? trim(value.toFixed(1)) : Math.round(value)} ms`
}

/** A time span in one unit: 9 s, 4 min, 3 h, 2 d. Never negative: clocks of two machines differ. */
export function formatSpan(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 100) return `${seconds} s`
  if (seconds < 100 * 60) return `${Math.round(seconds / 60)} min`
  if (seconds < 48 * 3_600) return `${Math.round(seconds / 3_600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

/** Time of day where the reader is, 24 hours; with the date when it is not today. */
export function formatTime(at: Date, now: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':')
  if (at.toDateString() === now.toDateString()) return time
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`
}

const trim = (text: string): string => text.replace(/\.0$/, '')
