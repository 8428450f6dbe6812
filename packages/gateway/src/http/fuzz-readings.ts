/** One request as a reader understood it. Strings are latin1, one character a byte. */
export interface ReadMessage {
  readonly method: string
  /** In origin-form or `*`. */
  readonly target: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Without its framing. */
  readonly body: string
  readonly trailers: readonly (readonly [name: string, value: string])[]
  /** False while bytes of it are missing. */
  readonly complete: boolean
}

/** What a reader made of one stream of bytes. */
export interface Reading {
  readonly messages: readonly ReadMessage[]
  /** `waiting` for more bytes; `closed` because the last message said so; `refused` what comes behind `messages`. */
  readonly end: 'waiting' | 'closed' | 'refused'
  /** Why it refused, in the reader's own words; empty when it did not. */
  readonly code: string
}

/**
 * Compares our reading with that of a reader known to be strict. Null when ours takes nothing that the other does not take in exactly
 * the same way; else what differs.
 */
export function laxity(ours: Reading, other: Reading): string | null {
  for (const [index, message] of ours.messages.entries()) {
    const same = other.messages[index]
    if (same === undefined)
      return `request ${index} is taken by us and not by the other (${other.end} ${other.code})`
    for (const key of ['method', 'target', 'headers', 'body', 'trailers', 'complete'] as const) {
      const [a, b] = [JSON.stringify(message[key]), JSON.stringify(same[key])]
      if (a !== b)
        return `request ${index}: ${key} is ${a} to us, ${b} to the other (${other.end} ${other.code})`
    }
    if (!message.complete && ours.end === 'waiting' && other.end === 'refused')
      return `request ${index}: we wait for more of a body that the other refuses (${other.code})`
    // Behind a request that asks for an upgrade, Node loses what came in the same read, where nobody listens for upgrades.
    if (asksForUpgrade(message)) return null
  }
  return null
}

function asksForUpgrade({ headers }: ReadMessage): boolean {
  const valuesOf = (wanted: string): string[] =>
    headers.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value)
  return valuesOf('upgrade').length > 0 && valuesOf('connection').some((value) => /upgrade/i.test(value))
}

/** Target without scheme and authority: our documented rewriting of absolute-form. */
export function originForm(target: string): string {
  const found = /^https?:\/\/[^/?]*(.*)$/i.exec(target)
  if (found === null) return target
  return found[1]!.startsWith('/') ? found[1]! : `/${found[1]!}`
}

/** Pairs out of a flat list of names and values. */
export function pairs(flat: readonly string[]): (readonly [name: string, value: string])[] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[i * 2]!, flat[i * 2 + 1]!] as const)
}
