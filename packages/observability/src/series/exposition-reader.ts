/** One line of a metrics page. */
export interface ExposedSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?\s*$/
const labelPair = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\.)*)"\s*,?\s*/y

/**
 * Reads text of Prometheus' format 0.0.4, only metrics that are `wanted`: a page of thousands of lines costs little where rules
 * ask for three. Lines that are none are passed over, and counted by `onBad`.
 */
export function* readExposition(
  text: string,
  wanted: (name: string) => boolean,
  onBad: (line: string) => void = () => {},
): Generator<ExposedSample> {
  let from = 0
  let lastName = ''
  let lastWanted = false
  while (from < text.length) {
    let end = text.indexOf('\n', from)
    if (end < 0) end = text.length
    const start = from
    from = end + 1
    if (start === end || text.charCodeAt(start) === 35) continue
    // Lines of one metric stand together: most are decided by their neighbour.
    if (!text.startsWith(lastName, start) || !endsName(text.charCodeAt(start + lastName.length))) {
      lastName = nameAt(text, start)
      lastWanted = wanted(lastName)
    }
    if (!lastWanted) continue
    const sample = parse(text.slice(start, end))
    if (sample === undefined) onBad(text.slice(start, end))
    else yield sample
  }
}

function nameAt(text: string, start: number): string {
  let end = start
  while (end < text.length && !endsName(text.charCodeAt(end))) end++
  return text.slice(start, end)
}

/** A brace, white space, or the end of the text. */
function endsName(code: number): boolean {
  return code === 123 || code === 32 || code === 9 || code === 10 || Number.isNaN(code)
}

function parse(line: string): ExposedSample | undefined {
  const [, name, written = '', number = ''] = sampleLine.exec(line) ?? []
  if (name === undefined) return undefined
  const labels: Record<string, string> = {}
  labelPair.lastIndex = 0
  while (labelPair.lastIndex < written.length) {
    const pair = labelPair.exec(written)
    if (pair === null) return undefined
    labels[pair[1]!] = pair[2]!.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char))
  }
  const value = numberOf(number)
  return value === undefined ? undefined : { name, labels, value }
}

function numberOf(text: string): number | undefined {
  if (/^[+-]?inf(inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  if (/^nan$/i.test(text)) return NaN
  const value = Number(text)
  return Number.isNaN(value) ? undefined : value
}
