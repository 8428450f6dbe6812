import { instantOf } from './instant.ts'
import { type LineParser, parsedLine } from './line-parser.ts'
import { severityOf, unsaid } from './severity.ts'

const startingTime = /^\[?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|[+-]\d\d:?\d\d))?)\]?/
/** Looked for near the beginning: `ERROR` in the middle of a sentence is no level. */
const levelWord =
  /\b(TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERR(?:OR)?|CRIT(?:ICAL)?|FATAL|SEVERE)\b|\[(\w{3,8})\]/
const headLength = 80

/** Text as it is: its time and its level where it begins with them, and all of it as the message. */
export const plainParser: LineParser = (text, source, observed) => {
  const first = text.charCodeAt(0)
  // A digit or a bracket: most lines of text begin with something else, and are not searched.
  const time = first === 0x5b || (first >= 0x30 && first <= 0x39) ? startingTime.exec(text)?.[1] : undefined
  const head = text.length > headLength ? text.slice(0, headLength) : text
  const word = levelWord.exec(head)
  const severity = word === null ? unsaid : severityOf(word[1] ?? word[2]!)
  const isLevel = word?.[1] !== undefined || severity.severityNumber > 0
  return parsedLine(
    source,
    observed,
    time === undefined ? undefined : instantOf(time),
    isLevel ? severity : unsaid,
    text,
    undefined,
  )
}
