import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startMariadb } from './mariadb.ts'
import { tempDir } from './temp-dir.ts'

test('a server that starts removes temporary tables from a folder of its own, so those of other servers stay', async (t) => {
  const folder = tempDir(t)
  const server = await startMariadb(t, { folder })
  if (server === undefined) return
  await server.process.kill()
  // As a kill leaves it behind.
  const left = join(folder, 'tmp', '#sql-temptable-1-1-0.MAI')
  writeFileSync(left, '')
  await server.restart()
  assert.equal(existsSync(left), false)
})
