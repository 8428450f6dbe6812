/**
 * The candidate a person most likely meant: fewest edits (insert, delete, replace, swap of neighbours: the optimal
 * string alignment distance), at most a third of the word. Undefined when none is that close. The case of letters
 * does not count.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const editsMax = Math.max(1, Math.floor(word.length / 3))
  let best: string | undefined
  let bestEdits = editsMax + 1
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) > editsMax) continue
    const edits = distance(word.toLowerCase(), candidate.toLowerCase())
    if (edits < bestEdits) [best, bestEdits] = [candidate, edits]
  }
  return best
}

function distance(from: string, to: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const replaced = last[column - 1]! + (from[row - 1] === to[column - 1] ? 0 : 1)
      let edits = Math.min(replaced, last[column]! + 1, current[column - 1]! + 1)
      if (row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) {
        edits = Math.min(edits, beforeLast[column - 2]! + 1)
      }
      current.push(edits)
    }
    beforeLast = last
    last = current
  }
  return last[to.length]!
}
