// Runs unit tests of the workspace in this process: a process per file would cost more than the tests do.
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { unitTests } from './test-files.ts'

/** Small enough that no process is at work long after the others. */
const filesAtOnce = 6

/**
 * Those of the next files, again and again, until there are none. Several processes share them: whoever creates the folder of some files in
 * `claims` has them. Without `claims` this one has all.
 */
export async function runUnitTests(claims: string | undefined): Promise<void> {
  if (unitTests.length === 0) throw new Error('no unit tests found: run this from the root of the workspace')
  // A test may wait for what holds no process, a timer without reference or shared memory: nothing is over because of that.
  const running = setInterval(() => {}, 60_000)
  let next = 0
  while (next < unitTests.length) {
    // Tests run in the order in which they were loaded. Loading holds the process: one that ran meanwhile would wait for answers that are there.
    const before = Promise.withResolvers<void>()
    const loaded = Promise.withResolvers<void>()
    test('the next files are loaded', () => {
      before.resolve()
      return loaded.promise
    })
    await before.promise
    while (next < unitTests.length && !isOurs(claims, next)) next += filesAtOnce
    for (const file of unitTests.slice(next, next + filesAtOnce)) await load(file)
    next += filesAtOnce
    loaded.resolve()
  }
  test('the last test of this process is over', () => clearInterval(running))
}

async function load(file: string): Promise<void> {
  try {
    await import(pathToFileURL(resolve(file)).href)
  } catch (error) {
    test(`${file} loads`, () => {
      throw error
    })
  }
}

function isOurs(claims: string | undefined, next: number): boolean {
  if (claims === undefined) return true
  try {
    mkdirSync(join(claims, String(next)))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}
