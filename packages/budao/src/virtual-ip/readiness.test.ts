import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { Config } from '@budao/model'
import { parseConfig } from '@budao/model/parser'
import { freePort } from '@budao/testkit'
import { checkProgram } from './providers/check-program.ts'
import { askReadiness } from './readiness.ts'

/** Answers with that status; 0 accepts and says nothing. */
async function serverOf(t: TestContext, status: number): Promise<string> {
  const server = createServer((_request, response) => {
    if (status > 0) response.writeHead(status).end('{}\n')
  })
  server.listen(0, '127.0.0.1')
  t.after(() => server.close())
  t.after(() => server.closeAllConnections())
  await once(server, 'listening')
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

function configOf(admin: string, url?: string): Config {
  const parsed = parseConfig(
    JSON.stringify({
      version: 1,
      node: { name: 'gw-1', site: 'east' },
      sites: { east: {} },
      admin: { address: admin },
      listeners: [{ name: 'web', address: '127.0.0.1:0', protocol: 'http' }],
      services: { shop: { endpoints: [{ address: '127.0.0.1:9', site: 'east' }] } },
      routes: [{ name: 'all', backends: [{ service: 'shop' }] }],
      virtualIp: {
        keepalived: {
          interface: 'eth0',
          addresses: ['10.0.0.100/24'],
          routerId: 1,
          nodes: { 'gw-1': {}, 'gw-2': {} },
          check: url === undefined ? {} : { url },
        },
      },
    }),
    'test',
  )
  assert.ok(parsed.ok, JSON.stringify(parsed))
  return parsed.config
}

/** Runs the program that keepalived would run. */
function runProgram(config: Config): Promise<{ code: number; out: string }> {
  return new Promise((resolve) => {
    execFile('bash', ['-c', checkProgram(config)], (error, out) => {
      resolve({ code: error === null ? 0 : Number(error.code), out })
    })
  })
}

const table: [
  what: string,
  admin: number | 'none',
  serving: number | 'none' | undefined,
  says: RegExp | undefined,
][] = [
  ['a ready gateway', 200, undefined, undefined],
  ['a draining gateway', 503, undefined, /\/readyz:? (answers )?503/],
  ['no gateway', 'none', undefined, /\/readyz: (ECONNREFUSED|no connection)/],
  ['a gateway that hangs', 0, undefined, /\/readyz:? (gave )?no answer/],
  ['a ready gateway whose listener answers', 200, 404, undefined],
  ['a ready gateway whose listener fails', 200, 502, /\/ok\?a=1:? (answers )?502/],
  ['a ready gateway whose listener is gone', 200, 'none', /\/ok\?a=1: (ECONNREFUSED|no connection)/],
]
for (const [what, admin, serving, says] of table) {
  test(`${what}: the command and keepalived's program agree`, async (t) => {
    const free = await freePort()
    const place = (status: number | 'none'): string | Promise<string> =>
      status === 'none' ? `127.0.0.1:${free}` : serverOf(t, status)
    const address = await place(admin)
    const url = serving === undefined ? undefined : `http://${await place(serving)}/ok?a=1`
    const answer = await askReadiness({ admin: `http://${address}`, url, timeoutMs: 1_000 })
    const { code, out } = await runProgram(configOf(address, url))
    if (says === undefined) {
      assert.deepEqual(answer, { ready: true })
      assert.deepEqual({ code, out }, { code: 0, out: '' })
    } else {
      assert.match(answer.ready ? '' : answer.reason, says)
      assert.equal(code, 1)
      assert.match(out, says)
    }
  })
}
