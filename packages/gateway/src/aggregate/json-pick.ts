// Values inside a JSON text that is known to be valid, found without parsing it: numbers keep all their digits.

/** The text of the value below these members, or positions in lists; undefined when there is none. Of members given twice the last counts, as with JSON.parse. */
export function pickJson(json: string, members: readonly string[]): string | undefined {
  let at = afterBlank(json, 0)
  for (const member of members) {
    at = json[at] === '{' ? memberAt(json, at, member) : json[at] === '[' ? itemAt(json, at, member) : -1
    if (at === -1) return undefined
  }
  return json.slice(at, afterValue(json, at))
}

function memberAt(json: string, start: number, wanted: string): number {
  let found = -1
  for (let at = afterBlank(json, start + 1); json[at] !== '}';) {
    const nameEnd = afterString(json, at)
    const value = afterBlank(json, afterBlank(json, nameEnd) + 1)
    if (JSON.parse(json.slice(at, nameEnd)) === wanted) found = value
    at = afterBlank(json, afterValue(json, value))
    if (json[at] === ',') at = afterBlank(json, at + 1)
  }
  return found
}

function itemAt(json: string, start: number, wanted: string): number {
  if (!/^(?:0|[1-9]\d*)$/.test(wanted)) return -1
  let left = Number(wanted)
  for (let at = afterBlank(json, start + 1); json[at] !== ']'; left--) {
    if (left === 0) return at
    at = afterBlank(json, afterValue(json, at))
    if (json[at] === ',') at = afterBlank(json, at + 1)
  }
  return -1
}

function afterValue(json: string, start: number): number {
  if (json[start] === '"') return afterString(json, start)
  if (json[start] !== '{' && json[start] !== '[') {
    let at = start
    while (at < json.length && !/[\s,\]}]/.test(json[at]!)) at++
    return at
  }
  let depth = 0
  for (let at = start; ;) {
    const unit = json[at]!
    if (unit === '"') {
      at = afterString(json, at)
      continue
    }
    at++
    if (unit === '{' || unit === '[') depth++
    else if ((unit === '}' || unit === ']') && --depth === 0) return at
  }
}

function afterString(json: string, start: number): number {
  let at = start + 1
  while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1
  return at + 1
}

function afterBlank(json: string, start: number): number {
  let at = start
  while (json[at] === ' ' || json[at] === '\n' || json[at] === '\r' || json[at] === '\t') at++
  return at
}
