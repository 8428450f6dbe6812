import { jsonParser } from './json-parser.ts'
import type { LineParser } from './line-parser.ts'
import { plainParser } from './plain-parser.ts'

const brace = 0x7b

/** JSON where a line begins like it, otherwise text. */
export const autoParser: LineParser = (text, source, observed) =>
  text.charCodeAt(0) === brace ? jsonParser(text, source, observed) : plainParser(text, source, observed)

/** Whether a line that begins with a brace is JSON to this parser. */
export function readsJson(parse: LineParser): boolean {
  return parse === jsonParser || parse === autoParser
}
