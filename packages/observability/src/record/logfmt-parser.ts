import { type LineParser } from './line-parser.ts'
import { parsedObject } from './json-parser.ts'
import { plainParser } from './plain-parser.ts'

const pair = /([^\s="]+)(?:=(?:"((?:[^"\\]|\\.)*)"|(\S*)))?\s*/suy

/** `key=value` pairs, as Go programs write them: values in quotes may hold blanks, a key alone is true. */
export const logfmtParser: LineParser = (text, source, observed) => {
  const object: Record<string, unknown> = {}
  let pairs = 0
  const trimmed = text.trimEnd()
  pair.lastIndex = trimmed.length - trimmed.trimStart().length
  while (pair.lastIndex < trimmed.length) {
    const found = pair.exec(trimmed)
    if (found === null) return plainParser(text, source, observed)
    const [, key = '', quoted, bare] = found
    if (quoted !== undefined)
      object[key] = quoted.replace(/\\(.)/gsu, (_, letter: string) => escapes[letter] ?? letter)
    else object[key] = bare === undefined ? true : scalar(bare)
    if (quoted !== undefined || bare !== undefined) pairs++
  }
  // A sentence has no equals sign: its words would become attributes.
  return pairs === 0 ? plainParser(text, source, observed) : parsedObject(object, source, observed)
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' }

function scalar(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  // Not `0012` nor 20 digits: what looks like a number but is a name has to stay as it is.
  return /^-?(0|[1-9]\d{0,14})(\.\d{1,15})?$/.test(text) ? Number(text) : text
}
