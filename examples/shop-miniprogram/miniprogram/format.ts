/** `¥1,280.50` in two parts: the large one, and the small one behind it. */
export function price(fen: number): { yuan: string; rest: string } {
  const [yuan = '0', rest = '00'] = (fen / 100).toFixed(2).split('.')
  return { yuan: yuan.replace(/\B(?=(\d{3})+$)/g, ','), rest: `.${rest}` }
}

export function money(fen: number): string {
  const { yuan, rest } = price(fen)
  return `¥${yuan}${rest}`
}

/** `09:05` of today, `11-26 09:05` of another day. `at` and `now` in milliseconds since 1970. */
export function clock(at: number, now: number): string {
  const date = new Date(at)
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`
  const isToday = date.toDateString() === new Date(now).toDateString()
  return isToday ? time : `${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value)
}
