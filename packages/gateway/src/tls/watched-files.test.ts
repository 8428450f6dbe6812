import assert from 'node:assert/strict'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { testFiles } from '../test-gateway.test.ts'
import { WatchedFiles } from './watched-files.ts'

const pair = ([a, b]: readonly string[]): string => {
  if (a!.at(-1) !== b!.at(-1)) throw new Error(`${a} does not go with ${b}`)
  return a!
}

test('files are taken when they go together, half a change is waited for, and a bad one is told once', (t) => {
  const dir = testFiles(t, { a: 'a1', b: 'b1' })
  const files = new WatchedFiles(['a', 'b'], dir, pair)
  assert.equal(files.value, 'a1')
  assert.equal(files.poll(), 'same')
  writeFileSync(join(dir, 'a'), 'new a2')
  assert.equal(files.poll(), 'unsettled', 'the other half may be still to come')
  writeFileSync(join(dir, 'b'), 'new b2')
  assert.equal(files.poll(), 'changed')
  assert.equal(files.value, 'new a2')

  writeFileSync(join(dir, 'c'), 'newest a3')
  renameSync(join(dir, 'c'), join(dir, 'a'))
  assert.equal(files.poll(), 'unsettled')
  assert.match(String(files.poll()), /a and b cannot be used: newest a3 does not go with new b2/)
  assert.equal(files.poll(), 'same', 'told once')
  rmSync(join(dir, 'b'))
  assert.equal(files.poll(), 'unsettled')
  assert.match(String(files.poll()), /ENOENT/)
  assert.equal(files.value, 'new a2', 'the last good one')
})

test('what cannot be used in the beginning throws with the names', (t) => {
  const dir = testFiles(t, { a: 'a1', b: 'b2' })
  assert.throws(() => new WatchedFiles(['a', 'b'], dir, pair), /a and b cannot be used/)
  assert.throws(() => new WatchedFiles(['a', 'none'], dir, pair), /a and none cannot be used: ENOENT/)
})
