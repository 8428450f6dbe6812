import assert from 'node:assert/strict'
import { test } from 'node:test'
import { route } from '../test/reports.ts'
import { addSample, traffic, trafficWindowMs } from './traffic.ts'
import type { Sample } from './traffic.ts'

test('one sample says nothing', () => {
  assert.equal(traffic([]), null)
  assert.equal(traffic([{ at: 0, routes: [route('a', 10)] }]), null)
})

test('rates are taken between the oldest and the newest sample', () => {
  const samples: Sample[] = [
    { at: 1_000, routes: [route('a', 100)] },
    { at: 2_000, routes: [route('a', 900)] },
    { at: 11_000, routes: [route('a', 1_100, { errors: 20, fallbacks: 5, retries: 10 })] },
  ]
  assert.deepEqual(traffic(samples), [{ name: 'a', answers: 100, errors: 2, fallbacks: 0.5, retries: 1 }])
})

test('a route that a reload added counts from nothing', () => {
  const samples = [
    { at: 0, routes: [] },
    { at: 1_000, routes: [route('new', 30)] },
  ]
  assert.equal(traffic(samples)?.[0]?.answers, 30)
})

test('samples older than the window are dropped', () => {
  let samples: readonly Sample[] = []
  for (let at = 0; at <= 100_000; at += 1_000) samples = addSample(samples, { at, routes: [] })
  assert.equal(samples[0]?.at, 100_000 - trafficWindowMs)
  assert.equal(samples.length, trafficWindowMs / 1_000 + 1)
})

test('counters that went back are a restart: what was before does not count', () => {
  const before = addSample([], { at: 0, routes: [route('a', 500)] })
  const after = addSample(before, { at: 1_000, routes: [route('a', 3)] })
  assert.deepEqual(
    after.map(({ at }) => at),
    [1_000],
  )
})
