import type { LabelMatcher } from '../rules/condition.ts'
import type { LabelSet } from './labels.ts'
import { matchAll, parseMatcher } from './matcher.ts'

/** Somebody’s wish not to hear of some alerts for a while. Wall-clock times, milliseconds since 1970. */
export interface Silence {
  readonly id: string
  /** As they are written: `severity="P1"`. All must hold. */
  readonly matchers: readonly string[]
  readonly startsAt: number
  readonly endsAt: number
  readonly by: string
  readonly reason: string
}

/** At most so many at once, those that have ended aside. */
export const silencesMax = 1_000
/** One that has ended is shown for so long. */
const shownMs = 5 * 86_400_000

/** The silences of a process. They hold back messages, not states: what is silenced fires all the same. */
export class Silences {
  readonly #all = new Map<string, { silence: Silence; matchers: readonly LabelMatcher[] }>()

  constructor(kept: readonly Silence[] = []) {
    for (const silence of kept) this.put(silence)
  }

  /** Adds one, or puts it in the place of the one with its id. Throws ConditionError for a matcher that is none. */
  put(silence: Silence): void {
    this.#all.set(silence.id, { silence, matchers: silence.matchers.map(parseMatcher) })
  }

  /** One that another process knows too; of two ends the earlier one holds, since ends are never moved away. */
  merge(silence: Silence): Silence {
    const known = this.#all.get(silence.id)?.silence
    const merged = known === undefined || silence.endsAt < known.endsAt ? silence : known
    this.put(merged)
    return merged
  }

  /** Ends one now; false where there is none, or it has ended. */
  end(id: string, now: number): Silence | null {
    const found = this.#all.get(id)
    if (found === undefined || found.silence.endsAt <= now) return null
    const ended = { ...found.silence, endsAt: now }
    this.#all.set(id, { ...found, silence: ended })
    return ended
  }

  /** Whether a silence keeps an alert quiet at this time. */
  isSilenced(labels: LabelSet, now: number): boolean {
    for (const { silence, matchers } of this.#all.values())
      if (silence.startsAt <= now && now < silence.endsAt && matchAll(matchers, labels)) return true
    return false
  }

  /** Those that hold, are to come, or have ended lately; the newest first. */
  list(now: number): Silence[] {
    for (const [id, { silence }] of this.#all) if (silence.endsAt < now - shownMs) this.#all.delete(id)
    return [...this.#all.values()].map(({ silence }) => silence).toSorted((a, b) => b.startsAt - a.startsAt)
  }

  /** How many hold or are to come. */
  active(now: number): number {
    return this.list(now).filter(({ endsAt }) => endsAt > now).length
  }
}
