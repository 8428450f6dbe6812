import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findBinary, findOrInstall } from './debian.ts'
import { freePort } from './ports.ts'
import { startNode } from './processes.ts'
import { SeededDraws } from './random.ts'

test('a process is waited for by line and by port, then killed as by power loss', async (t) => {
  const port = await freePort()
  const program = `require('node:net').createServer().listen(${port}, '127.0.0.1', () => console.log('up on', ${port}))`
  const server = startNode(t, ['-e', program])
  assert.equal((await server.waitForOutput(/up on (\d+)/))[1], String(port))
  await server.waitForPort(port)
  await server.kill()
  assert.equal(await server.exited(), 137)
  assert.equal(server.running, false)
})

test('waiting for a line that never comes ends with the process, and shows what it wrote', async (t) => {
  const failing = startNode(t, ['-e', 'console.error("no such file"); process.exit(3)'])
  await assert.rejects(failing.waitForOutput(/ready/), /ended before it wrote .*ready[^]*no such file/)
  assert.equal(await failing.exited(), 3)
})

test('a process that crashes says so where people look, with what it wrote; one that is killed says nothing', async (t) => {
  const told = t.mock.method(console, 'error', () => {})
  const crashing = startNode(t, ['-e', 'console.log("last words"); process.kill(process.pid, "SIGSEGV")'])
  await crashing.exited()
  assert.equal(told.mock.callCount(), 1)
  assert.match(String(told.mock.calls[0]!.arguments[0]), /was ended by SIGSEGV:\n[^]*last words/)
  const killed = startNode(t, ['-e', 'setInterval(() => {}, 1000)'])
  await killed.kill()
  assert.equal(told.mock.callCount(), 1)
})

test('a program that does not exist is said to be missing', async (t) => {
  assert.equal(findBinary('budao-no-such-program'), undefined)
  assert.notEqual(findBinary('sh'), undefined)
  assert.equal((await findOrInstall('any', 'sh')).kind, 'found')
  const missing = startNode(t, ['--no-such-flag'])
  await assert.rejects(missing.waitForOutput(/ready/), /bad option/)
})

test('a seed replays its numbers, and two seeds differ', () => {
  const draw = (seed: number): number[] => {
    const random = new SeededDraws(seed)
    return Array.from({ length: 1_000 }, () => random.integer(1, 6))
  }
  assert.deepEqual(draw(7), draw(7))
  assert.notDeepEqual(draw(7), draw(8))
  assert.deepEqual([...new Set(draw(7))].toSorted(), [1, 2, 3, 4, 5, 6])
})
