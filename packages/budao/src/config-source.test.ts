import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { tempDir } from '@budao/testkit'
import { ConfigSource } from './config-source.ts'

const text = `version: 1
node: { name: gw-1, site: east }
sites: { east: {} }
listeners: [{ name: web, address: 127.0.0.1:0, protocol: http }]
services: {}
routes: [{ name: all, respond: { status: 200 } }]
`

test('a file that is just being written anew is read once it is there; one that stays empty is refused', async (t) => {
  const path = join(tempDir(t), 'budao.yaml')
  writeFileSync(path, '')
  const source = new ConfigSource(path, 'budao.yaml')
  const empty = await source.read()
  assert.ok(!empty.ok)
  assert.match(empty.problems.join('\n'), /budao\.yaml:1:1 .*expected keys with their values, found nothing/)
  const reading = source.read()
  setTimeout(() => writeFileSync(path, text), 20)
  const there = await reading
  assert.ok(there.ok, JSON.stringify(there))
})
