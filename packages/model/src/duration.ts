const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A number and a unit, once or several times from large to small: `500ms`, `1.5s`, `1h30m`. */
export const durationPattern: RegExp =
  /^(?=.)(?:\d+(?:\.\d+)?d)?(?:\d+(?:\.\d+)?h)?(?:\d+(?:\.\d+)?m)?(?:\d+(?:\.\d+)?s)?(?:\d+(?:\.\d+)?ms)?$/

/** Longest duration a timer can wait, milliseconds: 2³¹ − 1, a little under 25 days. */
export const durationMaxMs = 2_147_483_647

/**
 * Milliseconds of `500ms`, `3s`, `5m`, `2h`, `1d` or several of them from large to small (`1m30s`), rounded to
 * whole ones. Undefined for anything else, a bare number included, and above `durationMaxMs`.
 */
export function parseDuration(text: string): number | undefined {
  if (!durationPattern.test(text)) return undefined
  let total = 0
  for (const [, amount, unit] of text.matchAll(/([\d.]+)([a-z]+)/g)) {
    total += Number(amount) * unitMs[unit as keyof typeof unitMs]
  }
  const ms = Math.round(total)
  return ms <= durationMaxMs ? ms : undefined
}

/** The shortest exact writing of whole milliseconds: 90 000 → `90s`, 1500 → `1500ms`, 0 → `0s`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s'
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms % unitMs[unit] === 0) return `${ms / unitMs[unit]}${unit}`
  }
  return `${ms}ms`
}
