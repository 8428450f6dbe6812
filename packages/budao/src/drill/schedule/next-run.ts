import type { DrillScheduleConfig } from '@budao/model'
import { wallClock } from './wall-clock.ts'

const dayMs = 86_400_000
/** A day of the month that is a certain day of the week comes within a year. */
const daysMax = 400

/**
 * The first time after `after` at which a drill is due, milliseconds since 1970; null: never within a year. What a clock on the wall never shows,
 * when summer time begins, is an hour later; what it shows twice is the first of both.
 */
export function nextRun(
  { at, days, monthDays }: Pick<DrillScheduleConfig, 'at' | 'days' | 'monthDays'>,
  timezone: string,
  after: number,
): number | null {
  for (let day = 0; day <= daysMax; day++) {
    const { date, weekday, monthDay } = wallClock(after + (day - 1) * dayMs, timezone)
    if (days !== undefined && !days.includes(weekday)) continue
    if (monthDays !== undefined && !monthDays.includes(monthDay)) continue
    const due = moment(date, at, timezone)
    if (due > after) return due
  }
  return null
}

/** When a clock on the wall shows this. */
function moment(date: string, time: string, timezone: string): number {
  const shown = Date.parse(`${date}T${time}Z`)
  // The zone's distance from UTC depends on the moment that is looked for: from both sides of it.
  const candidates = [shown - distance(shown - dayMs, timezone), shown - distance(shown + dayMs, timezone)]
  const right = candidates.filter((at) => at + distance(at, timezone) === shown)
  return right.length > 0 ? Math.min(...right) : Math.max(...candidates)
}

/** How far clocks in a zone are ahead of UTC at a moment, milliseconds. */
function distance(at: number, timezone: string): number {
  const { date, time } = wallClock(at, timezone)
  return Date.parse(`${date}T${time}Z`) - Math.floor(at / 60_000) * 60_000
}
