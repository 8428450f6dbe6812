import type { LogRecord, LogValue } from '@budao/model'
import { fieldOf } from '../record/field.ts'
import { isBeyond, type LogCondition, type Sample } from './condition.ts'
import { recordTest, type RecordTest } from '../record/filter-match.ts'
import { QuantileWindow } from './quantile-window.ts'
import { WindowSum } from './window.ts'

/** Different groups that one rule looks after; records of others are counted as dropped. */
const groupsMax = 5_000
/** A group that is `absent` for so long is forgotten: it was taken away on purpose. */
const forgottenMs = 86_400_000

interface Group {
  readonly labels: Readonly<Record<string, string>>
  readonly window: WindowSum
  /** Of what a ratio is a share. */
  readonly of: WindowSum | null
  readonly values: QuantileWindow | null
  seenAt: number
}

/** What of one evaluator is kept over a restart. */
export interface KeptGroups {
  readonly groups: readonly {
    readonly labels: Readonly<Record<string, string>>
    readonly window: readonly (readonly [number, number])[]
    readonly of: readonly (readonly [number, number])[]
    readonly seenAgoMs: number
  }[]
  /** How long it had been looking. */
  readonly ageMs: number
}

/**
 * One condition over records, record by record: what it costs does not depend on how many are in its window. All times are
 * those at which records came in, by a monotonic clock.
 */
export class LogEvaluator {
  readonly #condition: LogCondition
  readonly #by: readonly string[]
  readonly #counts: RecordTest
  /** Of a ratio: what is a share of which. */
  readonly #countsBelow: RecordTest | null
  readonly #groups = new Map<string, Group>()
  #startedAt: number
  /** Records of groups beyond `groupsMax`. */
  dropped = 0

  constructor(condition: LogCondition, now: number) {
    this.#condition = condition
    this.#by = condition.by === '*' ? [] : condition.by
    this.#startedAt = now
    this.#counts = recordTest(condition.filter)
    this.#countsBelow = condition.kind === 'ratio' ? recordTest(condition.of) : null
    // What is about everything is there before the first record.
    if (this.#by.length === 0) this.#group({}, '', now)
  }

  /** Takes a record; says whether the condition holds for its group now, and is worth a look at once. */
  take(record: LogRecord, now: number): boolean {
    const condition = this.#condition
    const counts = this.#counts(record)
    const countsBelow = this.#countsBelow?.(record) ?? false
    if (!counts && !countsBelow) return false
    const group = this.#groupOf(record, now)
    if (group === undefined) return false
    group.seenAt = now
    if (condition.kind === 'quantile') {
      const value = numberOf(fieldOf(record, condition.field))
      if (value !== undefined) group.values!.add(value, now)
      return false
    }
    if (counts) group.window.add(1, now)
    if (countsBelow) group.of!.add(1, now)
    if (condition.kind === 'absent') return false
    return this.#sample(group, now)?.holds ?? false
  }

  /** Every group's value; groups without one are left out. */
  evaluate(now: number): Sample[] {
    const samples: Sample[] = []
    for (const [key, group] of this.#groups) {
      const sample = this.#sample(group, now)
      if (sample !== undefined) samples.push(sample)
      const silentMs = now - group.seenAt
      const keepMs = this.#condition.kind === 'absent' ? forgottenMs : this.#condition.windowMs
      if (this.#by.length > 0 && silentMs > keepMs) this.#groups.delete(key)
    }
    return samples
  }

  save(now: number): KeptGroups {
    const groups = [...this.#groups.values()].map(({ labels, window, of, seenAt }) => ({
      labels,
      window: window.save(now),
      of: of?.save(now) ?? [],
      seenAgoMs: now - seenAt,
    }))
    return { groups, ageMs: now - this.#startedAt }
  }

  restore({ groups, ageMs }: KeptGroups, now: number, agoMs: number): void {
    // Time in which nobody looked proves no absence.
    this.#startedAt = now - ageMs
    for (const { labels, window, of, seenAgoMs } of groups) {
      const group = this.#group(labels, keyOf(this.#by.map((name) => labels[labelOf(name)] ?? '')), now)
      if (group === undefined) return
      group.window.restore(window, now, this.#condition.kind === 'absent' ? 0 : agoMs)
      group.of?.restore(of, now, agoMs)
      group.seenAt = now - seenAgoMs
    }
  }

  #sample({ labels, window, of, values }: Group, now: number): Sample | undefined {
    const condition = this.#condition
    const { windowMs, min } = condition
    switch (condition.kind) {
      case 'count': {
        const value = window.sum(now)
        return { labels, value, holds: value >= min && isBeyond(condition.threshold, value) }
      }
      case 'rate': {
        const count = window.sum(now)
        const value = count / (windowMs / 1_000)
        return { labels, value, holds: count >= min && isBeyond(condition.threshold, value) }
      }
      case 'ratio': {
        const all = of!.sum(now)
        if (all === 0 || all < min) return undefined
        const value = window.sum(now) / all
        return { labels, value, holds: isBeyond(condition.threshold, value) }
      }
      case 'quantile': {
        if (values!.count(now) < Math.max(1, min)) return undefined
        const value = values!.quantile(condition.quantile, now)
        return { labels, value, holds: isBeyond(condition.threshold, value) }
      }
      case 'absent': {
        const count = window.sum(now)
        // Prometheus gives an absence the value 1.
        return { labels, value: count === 0 ? 1 : 0, holds: count === 0 && now - this.#startedAt >= windowMs }
      }
    }
  }

  #groupOf(record: LogRecord, now: number): Group | undefined {
    if (this.#by.length === 0) return this.#groups.get('')!
    const values = this.#by.map((name) => String(fieldOf(record, name) ?? ''))
    const key = keyOf(values)
    const known = this.#groups.get(key)
    if (known !== undefined) return known
    const labels = Object.fromEntries(this.#by.map((name, index) => [labelOf(name), values[index]!]))
    return this.#group(labels, key, now)
  }

  #group(labels: Readonly<Record<string, string>>, key: string, now: number): Group | undefined {
    const known = this.#groups.get(key)
    if (known !== undefined) return known
    if (this.#groups.size >= groupsMax) {
      this.dropped++
      return undefined
    }
    const { windowMs, kind } = this.#condition
    const group: Group = {
      labels,
      window: new WindowSum(windowMs),
      of: kind === 'ratio' ? new WindowSum(windowMs) : null,
      values: kind === 'quantile' ? new QuantileWindow(windowMs) : null,
      seenAt: now,
    }
    this.#groups.set(key, group)
    return group
  }
}

/** Names of fields have dots, those of labels none. */
export function labelOf(field: string): string {
  return field.replace(/[^a-zA-Z0-9_]/g, '_')
}

function keyOf(values: readonly string[]): string {
  return values.length === 1 ? values[0]! : JSON.stringify(values)
}

/** A field as a number; undefined where it is none. */
function numberOf(value: LogValue | undefined): number | undefined {
  if (value === undefined || value === null || value === '' || typeof value === 'boolean') return undefined
  const number = Number(value)
  return Number.isFinite(number) ? number : undefined
}
