/**
 * Gives each name that has none yet the next row of its counters; a name keeps its row for the life of the process. Throws a
 * RangeError when there have been more than `max`.
 */
export function giveRows(
  rows: Record<string, number>,
  named: readonly { readonly name: string }[],
  max: number,
  what: string,
): void {
  let row = Object.keys(rows).length
  for (const { name } of named) {
    if (name in rows) continue
    if (row >= max)
      throw new RangeError(`more than ${max} ${what} names since the start: restart the gateway`)
    rows[name] = row++
  }
}
