import { histogramQuantile, increaseOf, type Bucket } from '../series/counter-window.ts'
import type { Series, SeriesStore } from '../series/series-store.ts'
import { isBeyond, type MetricCondition, type Sample, type Selector } from './condition.ts'

type Labels = Readonly<Record<string, string>>

/** A group of series and the values of its members. */
interface Group<T> {
  readonly labels: Labels
  readonly values: T[]
}

/**
 * The values of a condition over metrics at one time, one for each group. `docs/reference/alerts.md` names the expression of
 * Prometheus that each is equal to; a test compares the two through promtool.
 */
export function evaluateMetric(condition: MetricCondition, store: SeriesStore, now: number): Sample[] {
  return [...values(condition, store, now)].map(({ labels, value }) => ({
    labels,
    value,
    holds: condition.kind === 'absent' ? value === 1 : isBeyond(condition.threshold, value),
  }))
}

function* values(
  condition: MetricCondition,
  store: SeriesStore,
  now: number,
): Generator<{ labels: Labels; value: number }> {
  const { selector, by, windowMs, min } = condition
  const from = now - windowMs
  const points = (series: Series): ReturnType<SeriesStore['range']> => store.range(series, from, now)
  const increases = (wanted: Selector): Group<number>[] =>
    grouped(store, wanted, by, (series) => increaseOf(points(series), from, now))
  const { kind } = condition
  switch (kind) {
    case 'value':
      yield* sums(grouped(store, selector, by, (series) => store.valueAt(series, now)))
      return
    case 'avg':
    case 'min':
    case 'max':
      for (const { labels, values: found } of grouped(store, selector, by, (series) =>
        overTime(
          kind,
          points(series).map(({ value }) => value),
        ),
      ))
        yield { labels, value: overTime(kind, found)! }
      return
    case 'count':
      yield* sums(increases(selector))
      return
    case 'rate':
      for (const { labels, value } of sums(increases(selector)))
        yield { labels, value: value / (windowMs / 1_000) }
      return
    case 'ratio': {
      const shares = new Map(
        [...sums(increases(selector))].map(({ labels, value }) => [keyOf(labels), value]),
      )
      for (const { labels, value: all } of sums(increases(condition.of))) {
        const share = shares.get(keyOf(labels))
        if (share !== undefined && all >= min) yield { labels, value: share / all }
      }
      return
    }
    case 'quantile':
      yield* quantiles(condition, store, now)
      return
    case 'absent': {
      const there = [...store.select(selector)].some((series) =>
        windowMs === 0 ? store.valueAt(series, now) !== undefined : points(series).length > 0,
      )
      // Labels are those that the selector leaves no choice about.
      const exact = selector.matchers.filter(({ how }) => how === '=')
      const labels = Object.fromEntries(
        exact
          .filter(({ label }) => selector.matchers.filter((each) => each.label === label).length === 1)
          .map(({ label, value }) => [label, value]),
      )
      yield { labels, value: there ? 0 : 1 }
    }
  }
}

function* quantiles(
  { selector, by, windowMs, min, quantile }: MetricCondition & { kind: 'quantile' },
  store: SeriesStore,
  now: number,
): Generator<{ labels: Labels; value: number }> {
  const from = now - windowMs
  const classes = new Map<string, { labels: Labels; counts: Map<number, number> }>()
  for (const series of store.select({ ...selector, name: `${selector.name}_bucket` })) {
    const rise = increaseOf(store.range(series, from, now), from, now)
    const le = bound(series.labels['le'])
    if (rise === undefined || le === undefined) continue
    const { le: _, ...others } = series.labels
    const labels = groupLabels(others, by)
    const key = keyOf(labels)
    let group = classes.get(key)
    if (group === undefined) classes.set(key, (group = { labels, counts: new Map() }))
    group.counts.set(le, (group.counts.get(le) ?? 0) + rise)
  }
  for (const { labels, counts } of classes.values()) {
    const buckets: Bucket[] = [...counts].map(([le, count]) => ({ le, count }))
    const all = counts.get(Infinity) ?? 0
    if (all >= min) yield { labels, value: histogramQuantile(quantile, buckets) }
  }
}

function grouped<T>(
  store: SeriesStore,
  selector: Selector,
  by: MetricCondition['by'],
  valueOf: (series: Series) => T | undefined,
): Group<T>[] {
  const groups = new Map<string, Group<T>>()
  for (const series of store.select(selector)) {
    const value = valueOf(series)
    if (value === undefined) continue
    const labels = groupLabels(series.labels, by)
    const key = keyOf(labels)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { labels, values: [value] })
    else group.values.push(value)
  }
  return [...groups.values()]
}

function* sums(groups: readonly Group<number>[]): Generator<{ labels: Labels; value: number }> {
  for (const { labels, values: found } of groups)
    yield { labels, value: found.reduce((sum, value) => sum + value, 0) }
}

function overTime(kind: 'avg' | 'min' | 'max', found: readonly number[]): number | undefined {
  if (found.length === 0) return undefined
  if (kind === 'avg') return found.reduce((sum, value) => sum + value, 0) / found.length
  return found.reduce((best, value) => (kind === 'min' ? Math.min(best, value) : Math.max(best, value)))
}

function groupLabels(labels: Labels, by: MetricCondition['by']): Labels {
  if (by === '*') return labels
  const found: Record<string, string> = {}
  for (const name of by) if ((labels[name] ?? '') !== '') found[name] = labels[name]!
  return found
}

function keyOf(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function bound(le: string | undefined): number | undefined {
  if (le === undefined) return undefined
  const value = le === '+Inf' ? Infinity : Number(le)
  return Number.isNaN(value) ? undefined : value
}
