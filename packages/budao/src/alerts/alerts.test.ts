import assert from 'node:assert/strict'
import { once } from 'node:events'
import { appendFileSync, writeFileSync } from 'node:fs'
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

test(
  'errors in a log file become one message; a restart tells nothing twice; people silence and acknowledge',
  { timeout: 120_000 },
  async (t) => {
    const folder = tempDir(t)
    const receiver = await hook(t)
    const log = join(folder, 'shop.log')
    writeFileSync(log, '')
    // As the issue has it, word for word.
    writeFileSync(
      join(folder, 'seed.json'),
      '{"alert_name": "errors", "condition": "count(log.level:error) > 100 in 5m", "notify": ["ops"], "severity": "P1"}',
    )
    const path = join(folder, 'budao.yaml')
    const config = (rules: string[]): string =>
      JSON.stringify({
        version: 1,
        node: { name: 'gw-1', site: 'east' },
        sites: { east: {} },
        log: { level: 'silent' },
        admin: { address: '127.0.0.1:0' },
        listeners: [{ name: 'web', address: '127.0.0.1:0', protocol: 'http' }],
        routes: [{ name: 'all', match: [{ path: { prefix: '/' } }], respond: { status: 200 } }],
        logs: { files: [{ paths: ['shop.log'], service: 'shop' }] },
        alerts: {
          rules,
          group: { wait: '100ms' },
          publicUrl: 'http://budao.example',
          receivers: { ops: { webhook: { url: receiver.url } } },
          notify: ['ops'],
        },
      })
    writeFileSync(path, config(['seed.json']))
    const start = (): Promise<GatewayProcess> => GatewayProcess.start({ config: path, allRoles: true })
    let up = await start()
    const line = JSON.stringify({ level: 'error', message: '支付回调失败' })
    // Hosts whose clocks are a day ahead and a day behind: what counts is when a line came.
    const wrong = [86_400_000, -86_400_000].map(
      (off) => `${JSON.stringify({ ...JSON.parse(line), time: Date.now() + off })}\n`,
    )
    appendFileSync(log, `${line}\n`.repeat(40) + wrong[0]!.repeat(30) + wrong[1]!.repeat(30))
    appendFileSync(log, `${JSON.stringify({ level: 'info', message: 'fine' })}\n`.repeat(50))
    const ask = async (to: string, body?: object): Promise<any> => {
      const init =
        body === undefined
          ? {}
          : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
      return (await fetch(up.adminUrl + to, init)).json()
    }
    await until('a hundred are seen', () => /budao_alerts_records_total 1[0-9]\d/.test(up.metrics()))
    assert.equal(receiver.sent.length, 0, 'a hundred are not more than a hundred')
    appendFileSync(log, `${line}\n`)
    await until('it is told', () => receiver.sent.length === 1)
    const [{ body }] = receiver.sent as [Sent]
    assert.deepEqual([body.alerts.length, body.alerts[0].value, body.commonLabels.severity], [1, 101, 'P1'])

    await up.stop()
    up = await start()
    t.after(() => up.stop())
    const { alerts, receivers } = await ask('/api/v1/alerts')
    assert.deepEqual([alerts[0].state, alerts[0].value, receivers[0].kind], ['firing', 101, 'webhook'])

    // The link of the message: opening it changes nothing, its button does.
    const link = up.adminUrl + new URL(body.ackURL).pathname
    assert.match(await (await fetch(link)).text(), /<form method="post">/)
    assert.equal((await ask('/api/v1/alerts')).alerts[0].acknowledged, null)
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    assert.match(await (await fetch(link, { method: 'POST', headers: form })).text(), /Acknowledged: 1/)
    assert.equal((await ask('/api/v1/alerts')).alerts[0].acknowledged.by, 'a reader of ops')
    assert.equal((await fetch(`${link}x`, { method: 'POST', headers: form })).status, 404)

    const wish = { matchers: ['alertname="errors"'], for: '1h', by: 'lin', reason: 'planned' }
    assert.equal((await ask('/api/v1/alerts/silences', wish)).state, 'active')
    assert.equal((await ask('/api/v1/alerts')).alerts[0].muted, 'silenced')
    const bad = await ask('/api/v1/alerts/silences', { ...wish, matchers: ['severity>P1'] })
    assert.match(bad.message, /expected =, !=, =~ or !~/)
    assert.match((await ask('/api/v1/alerts/acknowledge', { alert: 'nothing', by: 'x' })).message, /no alert/)

    // A rule that is wrong keeps the whole configuration out, with its place.
    writeFileSync(
      join(folder, 'bad.json'),
      '[{"alert_name": "x",\n "condition": "count(log.level:error) > in 5m", "notify": ["opps"]}]',
    )
    writeFileSync(path, config(['seed.json', 'bad.json']))
    const { ok, problems = [] } = await up.reload()
    assert.equal(ok, false)
    assert.match(
      problems[0]!,
      /^bad\.json:2:41 {2}\[0\]\.condition: bad condition: expected a number, found `in`/,
    )
    assert.match(problems[1]!, /^bad\.json:2:60 .*unknown receiver.*did you mean `ops`\?/)
    // The refusal itself is told too, by a rule that comes with Budao.
    const ofErrors = receiver.sent.filter((each) => each.body.commonLabels.alertname === 'errors')
    assert.equal(ofErrors.length, 1, 'nothing was told twice')

    // Nor does it start, unless with the snapshot that was in force last: then its other rules are judged.
    await up.stop()
    await assert.rejects(start, /the configuration is refused\nbad\.json:2:41 .*\n.*bad\.json:2:60 /s)
    writeFileSync(join(folder, 'seed.json'), '{"alert_name": "errors", "condition": "cuont(*) > 100 in 5m"}')
    up = await GatewayProcess.start({ config: path, allRoles: true, lastGood: true })
    const { rules } = await ask('/api/v1/alerts')
    assert.ok(rules.length > 0 && rules.every(({ builtIn }: { builtIn: boolean }) => builtIn))
  },
)
