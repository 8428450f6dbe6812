import type { Spread } from './statistics.ts'

/** Columns padded to their widest cell: the first to the left, the others to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd()
  return [line(head), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.map(line)].join('\n')
}

/** `median [min–max]`. */
export function spreadText(spread: Spread, digits: number): string {
  const text = (value: number): string => value.toFixed(digits)
  return `${text(spread.median)} [${text(spread.min)}–${text(spread.max)}]`
}
