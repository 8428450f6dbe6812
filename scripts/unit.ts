// Loads every unit test into this one process: a process per file would cost more than the tests do.
import { resolve } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { unitTests } from './test-files.ts'

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
