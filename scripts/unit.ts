// Loads the unit tests of one part into this process: a process per file would cost more than the tests do.
import { resolve } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { unitParts, unitTests } from './test-files.ts'

/** Every third file, from that one on: what is slow stands together and is shared out so. */
export async function loadPart(part: number): Promise<void> {
  if (unitTests.length === 0) throw new Error('no unit tests found: run this from the root of the workspace')
  // A test may wait for what holds no process, a timer without reference or shared memory: nothing is over because of that.
  const running = setInterval(() => {}, 60_000)
  // Loading holds the process for seconds at a time: a test that ran meanwhile would wait for answers that are there.
  const loaded = Promise.withResolvers<void>()
  test('the tests of this part are loaded', () => loaded.promise)
  for (const file of unitTests.filter((_, index) => index % unitParts.length === part)) {
    try {
      await import(pathToFileURL(resolve(file)).href)
    } catch (error) {
      test(`${file} loads`, () => {
        throw error
      })
    }
  }
  loaded.resolve()
  // They run in the order in which they were loaded.
  test('the last test of this part is over', () => clearInterval(running))
}
