import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { requireDebian, startNode, startProcess, tempDir } from '@budao/testkit'

const program = fileURLToPath(new URL('../packages/budao/src/main.ts', import.meta.url))
const CLIENTS = 300

const attacks: readonly (readonly [name: string, path: string, options: readonly string[]])[] = [
  ['heads that never end', '/', ['-H', '-i', '1']],
  ['bodies that never end', '/', ['-B', '-i', '1', '-s', '8192']],
  ['answers that are read byte by byte', '/large', ['-X', '-w', '512', '-y', '1024', '-n', '1', '-z', '32']],
]

test('slowhttptest: slow clients are sent away in time, and others are served meanwhile', async (t) => {
  const slowhttptest = await requireDebian(t, 'slowhttptest')
  if (slowhttptest === undefined) return
  // More than any buffer on the way takes, and little enough for three hundred of them to be on their way before the first is sent away.
  const large = Buffer.alloc(500_000, 'x')
  const backend = createServer((request, response) => {
    request.resume().on('end', () => response.end(request.url === '/large' ? large : 'ok'))
  }).listen(0, '127.0.0.1')
  await once(backend, 'listening')
  t.after(() => backend.close())
  const file = join(tempDir(t), 'budao.json')
  writeFileSync(file, JSON.stringify(config((backend.address() as AddressInfo).port)))
  const gateway = startNode(t, [program, 'gateway', '-c', file])
  const [, url] = await gateway.waitForOutput(/web {2}(http:\S+)/)
  const [, admin] = await gateway.waitForOutput(/admin and console {2}(http:\S+)/)
  await gateway.waitForOutput(/serves snapshot/)

  for (const [name, path, options] of attacks) {
    await t.test(name, async (each) => {
      const run = startProcess(each, slowhttptest, [
        ...['-c', `${CLIENTS}`, '-r', '300', '-l', '20', '-p', '5', '-v', '1'],
        ...[...options, '-u', `${url}${path}`],
      ])
      let most = 0
      let { downstream } = (await status(admin!)).connections
      // The attackers do not leave by themselves for 20 s: whoever is gone before was sent away.
      while (run.running && (most < CLIENTS / 2 || downstream > most / 10)) {
        const response = await fetch(`${url}/`, { method: 'POST', body: 'hello' })
        assert.equal(response.status, 200)
        assert.equal(await response.text(), 'ok')
        await pause(100)
        ;({ downstream } = (await status(admin!)).connections)
        most = Math.max(most, downstream)
      }
      assert.ok(most >= CLIENTS / 2, `slow clients at once: ${most}\n${run.output}`)
      assert.ok(downstream <= most / 10, `${downstream} of ${most} are still there\n${run.output}`)
      const [service] = (await status(admin!)).services
      assert.equal(service!.breaker.state, 'closed')
      assert.equal(service!.endpoints[0]!.failuresTotal, 0, 'the endpoint is not blamed')
    })
  }
})

interface Status {
  readonly connections: { readonly downstream: number }
  readonly services: readonly {
    readonly breaker: { readonly state: string }
    readonly endpoints: readonly { readonly failuresTotal: number }[]
  }[]
}

async function status(admin: string): Promise<Status> {
  return (await (await fetch(`${admin}/api/v1/status`)).json()) as Status
}

function config(port: number): unknown {
  return {
    version: 1,
    node: { name: 'gw-1', site: 'east' },
    sites: { east: {} },
    admin: { address: '127.0.0.1:0' },
    listeners: [
      {
        name: 'web',
        address: '127.0.0.1:0',
        protocol: 'http',
        limits: { headTimeout: '2s', idle: '3s', bodyGrace: '2s' },
      },
    ],
    services: { shop: { endpoints: [{ address: `127.0.0.1:${port}`, site: 'east' }] } },
    routes: [{ name: 'all', backends: [{ service: 'shop' }] }],
  }
}
