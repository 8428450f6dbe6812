import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { tempDir } from '@budao/testkit'
import { PidFile } from './pid-file.ts'

test('each line names an argument of the process: its own name, or the last one without blanks', (t) => {
  const path = join(tempDir(t), 'run', 'east.pids')
  const file = new PidFile(path)
  file.write([
    { pid: 7, name: 'shop', command: ['node', 'server.js'] },
    { pid: 8, name: 'mail', command: ['run', 'mail', '--now'] },
    { pid: 9, name: 'cart', command: ['node', '-e', 'a script with blanks'] },
  ])
  assert.equal(readFileSync(path, 'utf8'), '7 server.js\n8 mail\n9 -e\n')
  file.write([])
  assert.equal(readFileSync(path, 'utf8'), '')
})
