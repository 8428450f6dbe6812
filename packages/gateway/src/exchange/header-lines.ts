/** What a kept answer does not keep: the gateway says its length and age itself. */
const notKept: ReadonlySet<string> = new Set(['content-length', 'age'])
/** A 304 says nothing of these of the answer it stands for (RFC 9111, 3.2). */
const notUpdated: ReadonlySet<string> = new Set([
  'content-length',
  'content-encoding',
  'content-range',
  'content-md5',
  'etag',
  'age',
])

/** What of an answer's header lines, as the endpoint sent them less those of its connection, is kept with it. */
export function keptLines(lines: string): string {
  return keepLines(lines, (name) => !notKept.has(name))
}

/** The lines of a kept answer brought up to date by those of the 304 that confirmed it. */
export function updatedLines(kept: string, update: string): string {
  const fresh = keepLines(update, (name) => !notUpdated.has(name))
  const names = new Set(namesIn(fresh))
  return keepLines(kept, (name) => !names.has(name)) + fresh
}

/** The value of that header (name in lower case) among header lines, several joined by `, `; undefined when absent. */
export function valueIn(lines: string, lower: string): string | undefined {
  let found: string | undefined
  for (let start = 0; start < lines.length;) {
    const end = lines.indexOf('\r\n', start)
    const colon = lines.indexOf(':', start)
    if (colon - start === lower.length && lines.slice(start, colon).toLowerCase() === lower) {
      const value = lines.slice(colon + 1, end).trim()
      found = found === undefined ? value : `${found}, ${value}`
    }
    start = end + 2
  }
  return found
}

/** Those lines whose names (in lower case) are wanted. */
export function keepLines(lines: string, wanted: (lower: string) => boolean): string {
  let kept = ''
  let from = 0
  for (let start = 0; start < lines.length;) {
    const end = lines.indexOf('\r\n', start) + 2
    if (!wanted(lines.slice(start, lines.indexOf(':', start)).toLowerCase())) {
      kept += lines.slice(from, start)
      from = end
    }
    start = end
  }
  return from === 0 ? lines : kept + lines.slice(from)
}

/** The lines whose names (in lower case) are not among these. */
export function linesWithout(lines: string, names: ReadonlySet<string>): string {
  return keepLines(lines, (name) => !names.has(name))
}

/** The lines whose names (in lower case) are among these. */
export function linesOf(lines: string, names: ReadonlySet<string>): string {
  return keepLines(lines, (name) => names.has(name))
}

function* namesIn(lines: string): Generator<string> {
  for (let start = 0; start < lines.length; start = lines.indexOf('\r\n', start) + 2)
    yield lines.slice(start, lines.indexOf(':', start)).toLowerCase()
}
