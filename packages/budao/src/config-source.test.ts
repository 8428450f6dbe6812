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

const halves = ['', text.slice(0, 60)]

for (const half of halves)
  test(`a file that is just being written is read once it is there: ${half.length} bytes of it`, async (t) => {
    const path = join(tempDir(t), 'budao.yaml')
    writeFileSync(path, half)
    const source = new ConfigSource(path, 'budao.yaml')
    const refused = await source.read()
    assert.equal(refused.ok, false, 'nobody goes on writing')
    const reading = source.read()
    setTimeout(() => writeFileSync(path, text), 20)
    const there = await reading
    assert.ok(there.ok, JSON.stringify(there))
  })

test('a file beside it that is just being written is waited for too', async (t) => {
  const folder = tempDir(t)
  const [path, beside] = [join(folder, 'budao.yaml'), join(folder, 'nginx.conf')]
  writeFileSync(path, text)
  writeFileSync(beside, 'server {')
  const reading = new ConfigSource(path, 'budao.yaml', [`nginx:${beside}`]).read()
  setTimeout(() => writeFileSync(beside, 'server { location / { return 204; } }'), 20)
  const there = await reading
  assert.ok(there.ok, JSON.stringify(there))
})
