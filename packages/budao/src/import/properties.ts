/** One entry of a properties file. */
export interface Property {
  readonly key: string
  readonly value: string
  readonly line: number
}

/**
 * Reads the format of java.util.Properties: `key=value`, `key: value` or `key value`, comments with `#` or `!`, lines that
 * go on behind a backslash, escapes. Every text is one.
 */
export function parseProperties(text: string): Property[] {
  const properties: Property[] = []
  const lines = text.split(/\r\n|\r|\n/)
  for (let index = 0; index < lines.length; index++) {
    const line = index + 1
    let whole = lines[index]!.trimStart()
    if (whole === '' || whole.startsWith('#') || whole.startsWith('!')) continue
    while (/(^|[^\\])(\\\\)*\\$/.test(whole) && index + 1 < lines.length) {
      whole = whole.slice(0, -1) + lines[++index]!.trimStart()
    }
    const [key, value] = split(whole)
    properties.push({ key: unescaped(key), value: unescaped(value), line })
  }
  return properties
}

/** At the first `=`, `:` or white space that no backslash stands before. */
function split(line: string): [key: string, value: string] {
  const match = /^((?:\\.|[^\\=:\s])*)\s*[=:]?\s*(.*)$/s.exec(line)
  return [match?.[1] ?? line, match?.[2]?.trimEnd() ?? '']
}

function unescaped(text: string): string {
  return text.replace(/\\(u[0-9A-Fa-f]{4}|.)/gs, (_, code: string) => {
    if (code.length === 5) return String.fromCharCode(Number.parseInt(code.slice(1), 16))
    return { t: '\t', n: '\n', r: '\r', f: '\f' }[code] ?? code
  })
}
