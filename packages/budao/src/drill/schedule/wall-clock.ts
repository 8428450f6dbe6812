import { weekdays } from '@budao/model'
import type { Weekday } from '@budao/model'

/** What a clock on the wall and a calendar beside it show. */
export interface WallClock {
  /** `2026-11-26`. */
  readonly date: string
  /** `22:55`. */
  readonly time: string
  readonly weekday: Weekday
  /** 1 to 31. */
  readonly monthDay: number
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** What people in a time zone read at a moment, milliseconds since 1970. */
export function wallClock(at: number, timezone: string): WallClock {
  let format = formats.get(timezone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-CA', {
      timeZone: timezone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      weekday: 'short',
    })
    formats.set(timezone, format)
  }
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]))
  return {
    date: `${parts['year']}-${parts['month']}-${parts['day']}`,
    time: `${parts['hour']}:${parts['minute']}`,
    weekday: weekdays.find((day) => parts['weekday']!.toLowerCase().startsWith(day))!,
    monthDay: Number(parts['day']),
  }
}
