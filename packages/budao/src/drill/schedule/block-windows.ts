import type { BlockWindowConfig } from '@budao/model'
import { wallClock } from './wall-clock.ts'
import type { WallClock } from './wall-clock.ts'

/** The first window that this moment is in; null: drills may begin. `now` is the wall clock, milliseconds since 1970. */
export function blockedBy(
  windows: readonly BlockWindowConfig[],
  timezone: string,
  now: number,
): BlockWindowConfig | null {
  const here = wallClock(now, timezone)
  // What began yesterday evening may reach over midnight: it is judged by the day on which it began.
  const yesterday = wallClock(now - 86_400_000, timezone)
  return windows.find((window) => holds(window, here, yesterday)) ?? null
}

function holds(window: BlockWindowConfig, here: WallClock, yesterday: WallClock): boolean {
  const { times } = window
  if (times === undefined) return onDay(window, here)
  const { from, to } = times
  if (from < to) return onDay(window, here) && here.time >= from && here.time < to
  return (onDay(window, here) && here.time >= from) || (onDay(window, yesterday) && here.time < to)
}

function onDay({ dates, days }: BlockWindowConfig, { date, weekday }: WallClock): boolean {
  if (dates !== undefined && (date < dates.from || date > dates.to)) return false
  return days === undefined || days.includes(weekday)
}
