import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

test('a wrapped request has the types of WeChat’s own: test/typings.ts compiles against them', () => {
  const project = fileURLToPath(new URL('../tsconfig.typings.json', import.meta.url))
  const { status, stdout } = spawnSync('npx', ['--no-install', 'tsc', '-p', project], { encoding: 'utf8' })
  assert.equal(status, 0, stdout)
})
