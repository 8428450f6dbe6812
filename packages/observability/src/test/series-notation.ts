import { readSelector } from '../rules/selector-parser.ts'
import { TokenReader } from '../rules/token-reader.ts'
import { stale } from '../series/series-store.ts'

/** A value of a test; undefined: no sample at that time. */
export type TestValue = number | typeof stale | undefined

const number = String.raw`[+-]?(?:\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|inf|nan)`
const single = new RegExp(`^(${number})(?:x(\\d+))?$`, 'i')
const stepped = new RegExp(`^(${number})([+-](?:\\d+\\.?\\d*|\\.\\d+)(?:e[+-]?\\d+)?)x(\\d+)$`, 'i')
/** What a test may hold: a slip of the finger must not fill the memory. */
const valuesMax = 100_000

/**
 * Reads values as promtool writes them: `1 2 _ stale`, `0+10x5` (0, 10, … 50), `7x3` (four times 7), `_x3` (three times nothing).
 * Throws an Error that says which part is none.
 */
export function parseValues(text: string): readonly TestValue[] {
  const values: TestValue[] = []
  for (const part of text.trim().split(/\s+/)) {
    if (part === '') continue
    const [, gap] = /^_(?:x(\d+))?$/.exec(part) ?? []
    const [, from, step, times] = stepped.exec(part) ?? []
    const [, value, repeats] = single.exec(part) ?? []
    if (part === 'stale') values.push(stale)
    else if (part.startsWith('_') && (part === '_' || gap !== undefined))
      add(values, Number(gap ?? 1), () => undefined)
    else if (from !== undefined)
      add(values, Number(times) + 1, (index) => Number(from) + index * Number(step))
    else if (value !== undefined)
      add(values, Number(repeats ?? 0) + 1, () =>
        Number(/inf/i.test(value) ? value.replace(/inf/i, 'Infinity') : value),
      )
    else throw new Error(`expected values such as 1, _, stale, 7x3 or 0+10x5, found ${JSON.stringify(part)}`)
  }
  return values
}

/** Reads a series as promtool writes it: `up{job="shop"}`, braces left out where there are no labels. Throws an Error. */
export function parseSeries(text: string): {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
} {
  const tokens = new TokenReader(text.includes('{') ? text : `${text}{}`)
  const { name, matchers } = readSelector(tokens)
  if (tokens.next.kind !== 'end') tokens.refuse('the end')
  const odd = matchers.find(({ how }) => how !== '=')
  if (odd !== undefined) throw new Error(`expected ${odd.label}="…", found ${odd.label}${odd.how}`)
  return { name, labels: Object.fromEntries(matchers.map(({ label, value }) => [label, value])) }
}

function add(values: TestValue[], count: number, valueAt: (index: number) => TestValue): void {
  if (values.length + count > valuesMax) throw new Error(`expected at most ${valuesMax} values`)
  for (let index = 0; index < count; index++) values.push(valueAt(index))
}
