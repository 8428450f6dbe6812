import type { Notes } from '../notes.ts'
import { type Part, textAt } from './manifest-part.ts'

/** A whole number below, at most `max`: what is written where no limit is meant is far above. */
export function wholeAt(from: Part, path: readonly string[], max: number, notes: Notes): number | undefined {
  const text = textAt(from, ...path)
  if (text === undefined) return undefined
  if (Number(text) <= max) return Number(text)
  notes.add('changed', from.place(...path), `${path.at(-1)}: ${text}`, `at most ${max}, which it becomes`)
  return max
}
