import { stripVTControlCharacters } from 'node:util'

/** Where text goes: `process.stdout`, or anything like it. */
export interface Sink {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** One JSON document, readable by people too, with a line end. */
export function printJson(value: unknown, out: Sink = process.stdout): void {
  out.write(`${JSON.stringify(value, null, 2)}\n`)
}

/** One line, or several. */
export function printLine(text: string, out: Sink = process.stdout): void {
  out.write(`${text}\n`)
}

export type Colour = 'red' | 'green' | 'yellow' | 'dim' | 'bold'

export type Paint = (colour: Colour, text: string) => string

const codes = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 } as const

/** Colours on a terminal, plain text elsewhere and wherever NO_COLOR is set and not empty. */
export function createPaint(
  out: Sink = process.stdout,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Paint {
  const coloured = out.isTTY === true && (env['NO_COLOR'] ?? '') === ''
  return coloured ? (colour, text) => `\u001b[${codes[colour]}m${text}\u001b[0m` : (_, text) => text
}

export interface Column {
  readonly title: string
  /** Default left. */
  readonly align?: 'left' | 'right'
}

/**
 * A table at most `width` columns wide, two spaces between cells, without a final line end. Where it does not fit,
 * the widest columns are shortened with `…`. Cells may be coloured and must be single lines.
 */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width = 80,
): string {
  const table = [columns.map((column) => column.title), ...rows]
  const widths = columns.map((_, index) => Math.max(...table.map((row) => visibleLength(row[index] ?? ''))))
  while (sum(widths) + 2 * (widths.length - 1) > width) {
    const widest = widths.indexOf(Math.max(...widths))
    if (widths[widest]! <= 1) break
    widths[widest]!--
  }
  return table
    .map((row) =>
      widths
        .map((cellWidth, index) => pad(row[index] ?? '', cellWidth, columns[index]!.align ?? 'left'))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function pad(cell: string, width: number, align: 'left' | 'right'): string {
  const length = visibleLength(cell)
  // A shortened cell loses its colour: cutting through an escape sequence would spoil the line.
  if (length > width)
    return `${Array.from(stripVTControlCharacters(cell))
      .slice(0, width - 1)
      .join('')}…`
  const space = ' '.repeat(width - length)
  return align === 'left' ? cell + space : space + cell
}

function visibleLength(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
