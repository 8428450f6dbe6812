import assert from 'node:assert/strict'
import { once } from 'node:events'
import { appendFileSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { SMTPServer } from 'smtp-server'
import { tempDir } from '@budao/testkit'
import { GatewayProcess } from '../gateway-process.ts'

/** What people have: a mail address and the name of a receiver, nothing of Budao’s own. */
const rule =
  '{"alert_name": "error_rate_high", "condition": "count(log.level:error) > 100 in 5m", "notify": ["dev-team@company.com", "slack-ops-channel"], "severity": "P1"}'

test('a hundred and one errors in a file are one mail and one message to a channel, by a rule as people have it', async (t) => {
  const folder = tempDir(t)
  const mails: { readonly to: string[]; readonly mail: string }[] = []
  const mailbox = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, { envelope }, callback) {
      void text(stream).then((mail) => {
        mails.push({ to: envelope.rcptTo.map(({ address }) => address), mail })
        callback()
      })
    },
  })
  mailbox.listen(0, '127.0.0.1')
  t.after(() => new Promise<void>((resolve) => mailbox.close(() => resolve())))
  await once(mailbox.server, 'listening')
  const { port } = mailbox.server.address() as AddressInfo
  const log = join(folder, 'shop.log')
  writeFileSync(log, '')
  writeFileSync(join(folder, 'rule.json'), rule)
  const config = {
    version: 1,
    node: { name: 'gw-1', site: 'east' },
    sites: { east: {} },
    log: { level: 'silent' },
    admin: { address: '127.0.0.1:0' },
    listeners: [{ name: 'web', address: '127.0.0.1:0', protocol: 'http' }],
    routes: [{ name: 'all', match: [{ path: { prefix: '/' } }], respond: { status: 200 } }],
    logs: { own: false, files: [{ paths: ['shop.log'], service: 'shop' }] },
    alerts: {
      builtIn: false,
      rules: ['rule.json'],
      group: { wait: '100ms' },
      smtp: { server: `127.0.0.1:${port}`, from: 'budao@company.com', security: 'none' },
      receivers: { 'slack-ops-channel': { email: { to: ['ops@company.com'] }, language: 'zh-CN' } },
    },
  }
  const path = join(folder, 'budao.yaml')
  writeFileSync(path, JSON.stringify(config))
  const up = await GatewayProcess.start({ config: path, allRoles: true })
  t.after(() => up.stop())
  const lines = (count: number, level: string): string =>
    `${JSON.stringify({ 'log.level': level, message: '支付回调失败', 'service.name': 'pay' })}\n`.repeat(
      count,
    )
  appendFileSync(log, lines(100, 'error') + lines(500, 'warn'))
  await until('600 are seen', () => /^budao_logs_records_total 600$/m.test(up.metrics()))
  assert.equal(mails.length, 0, 'a hundred are not more than a hundred')

  appendFileSync(log, lines(1, 'error'))
  await until('both are told', () => mails.length >= 2)
  const of = (address: string): string => {
    const found = mails.filter(({ to }) => to.includes(address))
    assert.equal(found.length, 1, address)
    return found[0]!.mail
  }
  const mail = of('dev-team@company.com')
  const [head = '', body = ''] = mail.split('\r\n\r\n')
  assert.match(head, /^From: budao@company\.com$/m)
  assert.match(head, /^Subject: .*P1.*error_rate_high/m)
  assert.match(head, /^X-Priority: 1/im)
  assert.match(body, /error_rate_high\r\n +value 101 .* since \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/)
  assert.match(of('ops@company.com'), /^Subject: =\?UTF-8\?/m)

  // More of the same is no second mail.
  appendFileSync(log, lines(50, 'error'))
  await until('they are seen', () => /^budao_logs_records_total 651$/m.test(up.metrics()))
  await until('and judged', () => up.metrics().includes('budao_alerts_active{state="firing"} 1'))
  assert.equal(mails.length, 2)
})

async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 60_000
  while (!holds()) {
    assert.ok(performance.now() < end, `not within 60 s: ${what}`)
    await pause(20)
  }
}
