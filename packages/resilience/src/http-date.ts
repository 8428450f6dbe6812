/**
 * Milliseconds since 1970 of a date in one of the three forms of RFC 9110, 5.6.7; null when it is none. `wallNowMs`
 * decides the century of the form that has two digits for the year.
 */
export function parseHttpDate(text: string, wallNowMs: number): number | null {
  for (const form of dateForms) {
    const parts = form.exec(text)?.groups
    if (parts === undefined) continue
    const month = months.indexOf(parts['month']!)
    const day = Number(parts['day'])
    const year =
      parts['year']!.length === 2 ? nearYear(Number(parts['year']), wallNowMs) : Number(parts['year'])
    const midnight = new Date(0)
    midnight.setUTCFullYear(year, month, day)
    // The constructor would make the 30th of February a day in March.
    if (month === -1 || midnight.getUTCMonth() !== month || midnight.getUTCDate() !== day) return null
    return (
      midnight.getTime() +
      Date.UTC(1970, 0, 1, Number(parts['hour']), Number(parts['minute']), Number(parts['second']))
    )
  }
  return null
}

/** RFC 9110, 5.6.7: two digits that look more than 50 years ahead are of the past. */
function nearYear(digits: number, wallNowMs: number): number {
  const thisYear = new Date(wallNowMs).getUTCFullYear()
  const year = thisYear - (thisYear % 100) + digits
  return year > thisYear + 50 ? year - 100 : year
}

const clockTime = String.raw`(?<hour>[01]\d|2[0-3]):(?<minute>[0-5]\d):(?<second>[0-5]\d|60)`
const dateForms = [
  // Sun, 06 Nov 1994 08:49:37 GMT
  new RegExp(
    String.raw`^[A-Z][a-z]{2}, (?<day>\d{2}) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) ${clockTime} GMT$`,
  ),
  // Sunday, 06-Nov-94 08:49:37 GMT
  new RegExp(
    String.raw`^[A-Z][a-z]{5,8}, (?<day>\d{2})-(?<month>[A-Z][a-z]{2})-(?<year>\d{2}) ${clockTime} GMT$`,
  ),
  // Sun Nov  6 08:49:37 1994
  new RegExp(String.raw`^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) ${clockTime} (?<year>\d{4})$`),
]
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
