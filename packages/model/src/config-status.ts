/** One status (`204`) or a range (`200-399`). */
export const statusRangePattern: RegExp = /^[1-5]\d\d(?:-[1-5]\d\d)?$/

/** Says whether a status is in one of the ranges. Ranges as the configuration checked them. */
export function statusMatcher(ranges: readonly string[]): (status: number) => boolean {
  const bounds = ranges.map((range) => {
    const [from, to = from] = range.split('-').map(Number)
    return { from: from!, to: to! }
  })
  return (status) => bounds.some(({ from, to }) => from <= status && status <= to)
}
