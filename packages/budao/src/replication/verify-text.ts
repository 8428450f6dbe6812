import type { VerifiedDifference, VerifiedTable, VerifyProgress } from '@budao/replicator'

const barCells = 24

/** How far a comparison is, in one line: `orders  ████░░░░  43 %  12000 of 28000 rows, 3 to look at again`. */
export function verifyProgressText({ table, rows, rowsTotal, suspects }: VerifyProgress): string {
  const share = rowsTotal === 0 ? 1 : Math.min(1, rows / rowsTotal)
  const done = Math.floor(share * barCells)
  const bar = '█'.repeat(done) + '░'.repeat(barCells - done)
  return `${table}  ${bar}  ${Math.floor(share * 100)} %  ${rows} of ${rowsTotal} rows, ${suspects} to look at again`
}

/** What came of a comparison: a line a table, and one a row that differs with what it is to be. */
export function verifiedText(tables: readonly VerifiedTable[], isRepair: boolean): string {
  return tables
    .flatMap(({ table, rows, different, differentCount, undecided, repaired }) => {
      const done = new Set(repaired)
      const more = differentCount - different.length
      return [
        `${table}: ${rows} rows compared, ${differentCount} differ, ${repaired.length} repaired, ${undecided.length} undecided`,
        ...different.map((each) => `  ${differenceText(each, isRepair, done.has(each.key))}`),
        ...(more > 0 ? [`  … ${more} more`] : []),
        ...undecided.map((key) => `  ${key}: goes on changing`),
      ]
    })
    .join('\n')
}

function differenceText(
  { key, rows, ...rest }: VerifiedDifference,
  isRepair: boolean,
  isDone: boolean,
): string {
  const { right } = rest
  const what = right === undefined ? 'left to a person' : right === null ? 'to go' : JSON.stringify(right)
  const end =
    !isRepair || right === undefined
      ? what
      : isDone
        ? `${what}, repaired`
        : `${what}, not repaired: it has changed, or a dead letter waits`
  return `${key}: ${JSON.stringify(rows)} → ${end}`
}
