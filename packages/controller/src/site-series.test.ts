import assert from 'node:assert/strict'
import { test } from 'node:test'
import { twoSites } from '../test/memory-source.ts'
import { seriesStepMs, SiteSeries } from './site-series.ts'

test('the newest quarter of an hour is kept, with gaps where nothing was taken, and begun anew when the clock goes back', () => {
  const series = new SiteSeries()
  const start = 1_800_000_000_000
  assert.deepEqual(series.report(), { stepMs: seriesStepMs, at: 0, sites: [] })
  const report = twoSites()
  for (let step = 0; step < 200; step++) series.add(report, start + step * seriesStepMs)
  const full = series.report()
  const [first] = full.sites
  assert.deepEqual(
    full.sites.map(({ name }) => name),
    report.sites.map(({ name }) => name),
  )
  assert.equal(first!.requestsPerSecond.length, 180)
  assert.equal(first!.requestsPerSecond.at(-1), report.sites[0]!.requestsPerSecond)
  const p99s = report.services.flatMap(({ endpoints }) =>
    endpoints.filter(({ site }) => site === first!.name).map(({ p99Ms }) => p99Ms ?? 0),
  )
  assert.equal(first!.p99Ms.at(-1), Math.max(...p99s))

  series.add(report, start + 202 * seriesStepMs)
  const gap = series.report().sites[0]!.requestsPerSecond
  assert.deepEqual([gap.length, gap.at(-2), gap.at(-3), typeof gap.at(-4)], [180, null, null, 'number'])

  series.add(report, start)
  assert.equal(series.report().sites[0]!.requestsPerSecond.length, 1)
})
