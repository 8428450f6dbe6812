import type { TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'

/**
 * Runs the same source in several threads and resolves with what each made of it. The source is the body of an async
 * function that sees `load(file)` (imports a file of this folder), `cells` (the shared cells from index 1 on),
 * `together(round)` (waits until all threads are there) and `given`. Threads still running are ended after the test.
 */
export async function inThreads<Result>(
  t: TestContext,
  threads: number,
  shared: Int32Array,
  given: unknown,
  body: string,
): Promise<Result[]> {
  const source = `
    const { workerData, parentPort } = require('node:worker_threads')
    const { shared, threads, given, folder } = workerData
    const load = (file) => import(folder + file)
    const together = (round) => {
      Atomics.add(shared, 0, 1)
      while (Atomics.load(shared, 0) < threads * (round + 1));
    }
    const run = async () => {
      const { SharedCells } = await load('cells.ts')
      const cells = new SharedCells(shared, 1)
      ${body}
    }
    run().then((result) => parentPort.postMessage(result))`
  const folder = new URL('./', import.meta.url).href
  const workers = Array.from(
    { length: threads },
    () => new Worker(source, { eval: true, workerData: { shared, threads, given, folder } }),
  )
  t.after(() => Promise.all(workers.map((worker) => worker.terminate())))
  return await Promise.all(
    workers.map(
      (worker) =>
        new Promise<Result>((resolve, reject) => {
          worker.once('message', resolve)
          worker.once('error', reject)
        }),
    ),
  )
}
