/** Messages that a sink took, with those that it took again. */
export interface Repeats {
  /** The most in a row: of one life of the process that sent them. */
  readonly most: number
  readonly all: number
  /** Each once, in the order in which they came first. */
  readonly different: readonly string[]
}

/** Of messages in the order in which they were taken: whoever is killed begins at most one batch anew. */
export function repeatsOf(messages: readonly string[]): Repeats {
  const places = new Map<string, number>()
  let all = 0
  let most = 0
  let row = 0
  let before = -1
  for (const message of messages) {
    const place = places.get(message)
    if (place === undefined) {
      places.set(message, places.size)
      row = 0
      continue
    }
    all++
    // Going back once more is another life.
    row = place > before ? row + 1 : 1
    before = place
    most = Math.max(most, row)
  }
  return { most, all, different: [...places.keys()] }
}
