import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { startNode } from '@budao/testkit'
import { connectionsOf, processTree, usageOf } from './process-tree.ts'

const skip = process.platform === 'linux' ? false : 'reads /proc'

test('CPU time of all threads, as getrusage counts it, to a tick or two', { skip }, async (t) => {
  // A process of its own: this one has children of other tests, and their time counts in its tree.
  const burn = 'const until = process.cpuUsage().user + 60_000; while (process.cpuUsage().user < until);'
  const say = 'const { user, system } = process.cpuUsage(); console.log(`used ${user + system}`)'
  const child = startNode(t, ['-e', `${burn} ${say}; setTimeout(() => {}, 60_000)`])
  const used = Number((await child.waitForOutput(/used (\d+)\n/))[1])
  const { cpuMicros, rssBytes, peakRssBytes } = usageOf(child.pid)
  // What it used since it said so is little: it sleeps.
  assert.ok(cpuMicros >= used - 20_000 && cpuMicros <= used + 50_000, `${cpuMicros} against ${used}`)
  assert.ok(rssBytes > 10 * 2 ** 20 && peakRssBytes >= rssBytes, `${rssBytes} and ${peakRssBytes}`)
})

test('a tree holds what a child has started, and only that', { skip }, async (t) => {
  const idle = `process.execPath, ['-e', 'setTimeout(() => {}, 60_000)']`
  const nested = `console.log(require('node:child_process').spawn(${idle}, { stdio: 'ignore' }).pid)`
  const child = startNode(t, ['-e', nested])
  const grandchild = Number((await child.waitForOutput(/(\d+)\n/))[1])
  t.after(() => process.kill(grandchild, 'SIGKILL'))
  assert.deepEqual(processTree(child.pid), [child.pid, grandchild])
  assert.equal(usageOf(child.pid).pids.length, 2)
  assert.ok(processTree(process.pid).includes(grandchild))
})

test('a process that is gone has no tree, and no usage to mistake for nothing used', { skip }, async (t) => {
  const child = startNode(t, ['-e', ''])
  await child.exited()
  assert.deepEqual(processTree(child.pid), [])
  assert.throws(() => usageOf(child.pid), /is gone/)
})

test(
  'connections are listed while they are open, with both ports; listening sockets are not',
  { skip },
  async (t) => {
    const server = createServer().listen(0, '127.0.0.1')
    t.after(() => server.close())
    await once(server, 'listening')
    const address = server.address()
    assert.ok(typeof address === 'object' && address !== null)
    const ours = (): [number, number][] =>
      connectionsOf(process.pid)
        .map(({ localPort, remotePort }): [number, number] => [localPort, remotePort])
        .filter((ports) => ports.includes(address.port))
    assert.deepEqual(ours(), [])
    const client = connect(address.port, '127.0.0.1')
    const [accepted]: Socket[] = await once(server, 'connection')
    const port = client.localPort!
    assert.deepEqual(
      new Set(ours().map(String)),
      new Set([`${port},${address.port}`, `${address.port},${port}`]),
    )
    client.destroy()
    accepted!.destroy()
    await Promise.all([once(client, 'close'), once(accepted!, 'close')])
    assert.deepEqual(ours(), [])
  },
)
