import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { tempDir } from '@budao/testkit'
import { OutputFile } from './output-file.ts'

test('a file that has grown is put aside, older ones are kept up to their number, and who writes goes on', (t) => {
  const path = join(tempDir(t), 'shop.log')
  const file = new OutputFile(path, { fileBytes: 10, files: 3 })
  t.after(() => file.close())
  for (const line of ['first-line\n', 'second-one\n', 'third-line\n', 'four\n']) {
    writeSync(file.fd, line)
    file.rotate()
  }
  assert.deepEqual(
    [path, `${path}.1`, `${path}.2`].map((each) => readFileSync(each, 'utf8')),
    ['four\n', 'third-line\n', 'second-one\n'],
  )
  assert.equal(existsSync(`${path}.3`), false)
})

test('of a file that has run away only the end is kept', (t) => {
  const path = join(tempDir(t), 'shop.log')
  const file = new OutputFile(path, { fileBytes: 100_000, files: 2 })
  t.after(() => file.close())
  writeSync(file.fd, `${'x'.repeat(1_000_000)}the end`)
  file.rotate()
  const kept = readFileSync(`${path}.1`, 'utf8')
  assert.deepEqual([kept.length, kept.slice(-7), statSync(path).size], [100_000, 'the end', 0])
})

test('with one file what is too old is gone', (t) => {
  const path = join(tempDir(t), 'shop.log')
  const file = new OutputFile(path, { fileBytes: 1, files: 1 })
  t.after(() => file.close())
  writeSync(file.fd, 'words')
  file.rotate()
  assert.deepEqual([statSync(path).size, existsSync(`${path}.1`)], [0, false])
})
