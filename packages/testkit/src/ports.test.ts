import { strict as assert } from 'node:assert'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { freePort } from './ports.ts'

test('two hundred ports are two hundred different ones, below those of outgoing connections', async () => {
  const ports: number[] = []
  for (let index = 0; index < 200; index++) ports.push(await freePort())
  assert.equal(new Set(ports).size, 200)
  assert.ok(ports.every((port) => port >= 10_000 && port < 32_768))
})

test('a port on which somebody listens is passed over', async (t) => {
  const server = createServer().listen((await freePort()) + 1, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const taken = (server.address() as { port: number }).port
  assert.notEqual(await freePort(), taken)
})

test('another process has another block, even where its id would give it the same one', async () => {
  const again = './ports.ts?again'
  const other = (await import(again)) as typeof import('./ports.ts')
  const [here, there] = [await freePort(), await other.freePort()]
  assert.notEqual(Math.floor(here / 250), Math.floor(there / 250))
})
