// Loads every unit test into this one process: a process per file would cost more than the tests do.
import { globSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'

export const unitTests: readonly string[] = globSync(
  ['*.test.ts', '{packages,examples,sim,bench,scripts}/**/*.test.ts'],
  { exclude: ['**/node_modules', '**/dist'] },
).toSorted()

if (unitTests.length === 0) throw new Error('no unit tests found: run this from the root of the workspace')

for (const file of unitTests) {
  try {
    await import(pathToFileURL(resolve(file)).href)
  } catch (error) {
    test(`${file} loads`, () => {
      throw error
    })
  }
}
