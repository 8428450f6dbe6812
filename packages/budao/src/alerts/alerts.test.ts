import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { tempDir } from '@budao/testkit'
import { GatewayProcess } from '../gateway-process.ts'

interface Sent {
  readonly body: any
  readonly headers: Record<string, unknown>
}

/** A program that takes webhooks, and refuses them while `status` is not 200. */
async function hook(t: TestContext): Promise<{ url: string; sent: Sent[]; status: number }> {
  const taken = { url: '', sent: [] as Sent[], status: 200 }
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      response.writeHead(taken.status).end('{}')
      if (taken.status === 200) taken.sent.push({ body: JSON.parse(body), headers: request.headers })
    })
  }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  taken.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
  return taken
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 20_000
  while (!holds()) {
    assert.ok(performance.now() < end, `not within 20 s: ${what}`)
    await pause(20)
  }
}

test(
  'a rule over events fires, a webhook is told, and told again when it is over',
  { timeout: 60_000 },
  async (t) => {
    const folder = tempDir(t)
    const receiver = await hook(t)
    writeFileSync(
      join(folder, 'rules.json'),
      JSON.stringify({
        alert_name: 'refused',
        condition: 'count(event.kind:snapshot.refused) > 0 in 2s',
        notify: ['ops'],
        severity: 'P1',
      }),
    )
    const config = {
      version: 1,
      node: { name: 'gw-1', site: 'east' },
      sites: { east: {} },
      log: { level: 'silent' },
      admin: { address: '127.0.0.1:0' },
      listeners: [{ name: 'web', address: '127.0.0.1:0', protocol: 'http' }],
      routes: [{ name: 'all', match: [{ path: { prefix: '/' } }], respond: { status: 200 } }],
      alerts: {
        builtIn: false,
        rules: ['rules.json'],
        group: { wait: '100ms' },
        receivers: { ops: { webhook: { url: receiver.url } } },
      },
    }
    const path = join(folder, 'budao.yaml')
    writeFileSync(path, JSON.stringify(config))
    const up = await GatewayProcess.start({ config: path, allRoles: true })
    t.after(() => up.stop())
    writeFileSync(path, '{')
    await up.reload()
    await until('the alert is told', () => receiver.sent.length > 0)
    const { body } = receiver.sent[0]!
    assert.equal(body.version, '4')
    assert.equal(body.status, 'firing')
    assert.deepEqual(body.commonLabels, { alertname: 'refused', severity: 'P1' })
    const ended = (): Sent | undefined => receiver.sent.find((each) => each.body.status === 'resolved')
    await until('its end is told', () => ended() !== undefined)
    assert.equal(ended()!.body.alerts[0].recoveredValue, 0)
  },
)
