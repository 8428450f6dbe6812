import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads'
import { SharedCells } from './cells.ts'
import { EndpointSet } from './endpoint-set.ts'
import { Outlier } from './outlier.ts'
import { SeededRandom } from './seeded-random.ts'

const threads = 4
const rounds = 200
const arrived = 0
const round = 1
const header = 2

interface Job {
  readonly memory: SharedArrayBuffer
  readonly what: 'one-endpoint' | 'both-endpoints'
}

if (isMainThread) {
  test('of threads that see one endpoint fail together, exactly one reports each ejection', async (t) => {
    assert.equal(await ejections(t, 'one-endpoint'), rounds)
  })

  test('threads that see both of two endpoints fail together eject at most one of them', async (t) => {
    const ejected = await ejections(t, 'both-endpoints')
    assert.ok(ejected > 0 && ejected <= rounds, `${ejected} ejections in ${rounds} rounds`)
  })
} else {
  const { memory, what } = workerData as Job
  const view = new Int32Array(memory)
  parentPort?.postMessage(what === 'one-endpoint' ? failOne(view) : failBoth(view))
}

async function ejections(t: TestContext, what: Job['what']): Promise<number> {
  const memory = new SharedArrayBuffer(4 * (header + EndpointSet.cellsFor(2)))
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL(import.meta.url), { workerData: { memory, what } satisfies Job }),
  )
  t.after(() => Promise.all(workers.map((worker) => worker.terminate())))
  const reports = await Promise.all(workers.map((worker) => once(worker, 'message') as Promise<[number]>))
  return reports.reduce((sum, [ejected]) => sum + ejected, 0)
}

function failOne(view: Int32Array): number {
  const outlier = new Outlier(new SharedCells(view, header, Outlier.cellsFor()))
  let ejected = 0
  for (let n = 0; n < rounds; n++) {
    meet(view)
    // So far apart that ejection and probation of the last round are over.
    for (let i = 0; i < 5; i++) if (outlier.record(false, n * 100_000 + i) === 'ejected') ejected++
  }
  return ejected
}

function failBoth(view: Int32Array): number {
  const endpoints = ['a', 'b'].map((id) => ({ id, site: 'east', weight: 1 }))
  const set = new EndpointSet(new SharedCells(view, header), new SeededRandom(1), endpoints, {
    balance: 'random',
    mode: 'active-active',
    sites: [],
    localSite: 'east',
  })
  let ejected = 0
  for (let n = 0; n < rounds; n++) {
    meet(view)
    for (let i = 0; i < 10; i++) if (set.record(i % 2, false, n * 100_000) === 'ejected') ejected++
  }
  return ejected
}

/** Blocks until all threads are here. */
function meet(view: Int32Array): void {
  const current = Atomics.load(view, round)
  if (Atomics.add(view, arrived, 1) === threads - 1) {
    Atomics.store(view, arrived, 0)
    Atomics.add(view, round, 1)
    Atomics.notify(view, round)
  } else {
    while (Atomics.load(view, round) === current) Atomics.wait(view, round, current, 1000)
  }
}
