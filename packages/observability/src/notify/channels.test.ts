import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { ReceiverConfig, SmtpConfig } from '@budao/model'
import { SMTPServer } from 'smtp-server'
import { robotSecret, robotServer } from '../../test/robot-server.ts'
import type { Channel, Delivery } from './channel.ts'
import type { Notification } from './notification.ts'
import { openChannel } from './providers/open-channel.ts'
import { ReceiverSender } from './receiver-sender.ts'

/** Each message has its own time: files of tests run in one process, long after they were loaded. */
const soon = (): AbortSignal => AbortSignal.timeout(60_000)
let made = 0

function message(alerts: number, change: Partial<Notification> = {}): Notification {
  const status = change.status ?? 'firing'
  return {
    id: `id-${made++}`,
    receiver: 'ops',
    groupKey: 'ops shop',
    groupLabels: { alertname: '支付失败' },
    reason: status,
    status,
    alerts: Array.from({ length: Math.min(alerts, 200) }, (_, index) => ({
      status,
      labels: { alertname: '支付失败', severity: 'P1', service: `shop-${index}` },
      annotations: { summary: `回调失败 <shop-${index}> & more`, runbook_url: 'https://wiki/pay' },
      value: 120,
      recoveredValue: status === 'resolved' ? 3 : null,
      startsAt: '2026-11-27T02:00:00.000Z',
      endsAt: status === 'resolved' ? '2026-11-27T02:03:10.000Z' : null,
      fingerprint: `f${index}`,
    })),
    truncated: Math.max(0, alerts - 200),
    firing: status === 'firing' ? alerts : 0,
    resolved: status === 'firing' ? 0 : alerts,
    ackUrl: status === 'firing' ? 'https://budao/api/v1/alerts/links/x.y' : null,
    externalUrl: 'https://budao',
    createdAt: '2026-11-27T02:00:01.000Z',
    ...change,
  }
}

async function open(receiver: Omit<ReceiverConfig, 'sendResolved'>, smtp?: SmtpConfig): Promise<Channel> {
  const { channel } = await openChannel(
    'ops',
    { sendResolved: true, ...receiver },
    { language: receiver.language ?? 'en', smtp, secret: () => Promise.resolve(robotSecret) },
  )
  return channel
}

const secret = { env: 'SECRET' }

test('robots take one alert and five thousand, in both languages, and say no in their bodies', async (t) => {
  const robot = await robotServer(t)
  const url = (path: string): string => robot.url + path
  const channels: [string, Channel][] = [
    ['/slack', await open({ slack: { url: url('/slack') } })],
    ['/wecom', await open({ language: 'zh-CN', wecom: { url: url('/wecom') } })],
    [
      '/dingtalk',
      await open({ language: 'zh-CN', dingtalk: { url: url('/dingtalk?access_token=x'), secret } }),
    ],
    ['/feishu', await open({ language: 'zh-CN', feishu: { url: url('/feishu'), secret } })],
  ]
  for (const [path, channel] of channels) {
    for (const sent of [message(1), message(5_000), message(1, { status: 'resolved' })])
      assert.deepEqual(await channel.send(sent, soon()), { kind: 'delivered' }, path)
    const texts = robot.taken.filter((each) => each.path === path).map(({ body }) => JSON.stringify(body))
    assert.match(texts[0]!, /P1 支付失败.*回调失败.*120.*wiki\/pay.*links\/x\.y/s)
    assert.match(texts[1]!, path === '/slack' ? /more/ : /另有 \d+ 条/)
    assert.match(
      texts[2]!,
      path === '/slack' ? /was firing for 3m10s · recovered at 3/ : /持续 3m10s · 恢复时的值 3/,
    )
  }
  // What Slack takes for markup is written out.
  assert.match(robot.taken[0]!.body.text, /&lt;shop-0&gt; &amp; more/)

  const wrong = await open({ dingtalk: { url: url('/dingtalk') } })
  assert.deepEqual(await wrong.send(message(1), soon()), {
    kind: 'refused',
    why: 'errcode 310000: sign not match',
  })
  const answers: [
    path: string,
    status: number,
    body: string,
    headers: Record<string, string>,
    wanted: Delivery,
  ][] = [
    [
      '/slack',
      429,
      'rate_limited',
      { 'retry-after': '7' },
      { kind: 'retry', why: 'answered 429: rate_limited', afterMs: 7_000 },
    ],
    ['/slack', 404, 'no_service', {}, { kind: 'refused', why: 'answered 404: no_service' }],
    [
      '/wecom',
      200,
      '{"errcode":45009,"errmsg":"freq"}',
      {},
      { kind: 'retry', why: 'errcode 45009: freq', afterMs: 60_000 },
    ],
    [
      '/wecom',
      200,
      '{"errcode":93000,"errmsg":"invalid webhook url"}',
      {},
      { kind: 'refused', why: 'errcode 93000: invalid webhook url' },
    ],
    ['/wecom', 502, '', {}, { kind: 'retry', why: 'answered 502' }],
    [
      '/dingtalk',
      200,
      '{"errcode":130101,"errmsg":"fast"}',
      {},
      { kind: 'retry', why: 'errcode 130101: fast', afterMs: 600_000 },
    ],
    [
      '/feishu',
      200,
      '{"code":11232,"msg":"limited"}',
      {},
      { kind: 'retry', why: 'code 11232: limited', afterMs: 30_000 },
    ],
    ['/feishu', 200, '<html>', {}, { kind: 'retry', why: 'its answer is not JSON: <html>' }],
  ]
  for (const [path, status, body, headers, wanted] of answers) {
    robot.script.set(path, [{ status, body, headers }])
    const [, channel] = channels.find(([each]) => each === path)!
    assert.deepEqual(await channel.send(message(1), soon()), wanted)
  }
})

test('mail goes through a server in threads; a name that is refused is refused for good', async (t) => {
  const mails: string[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onRcptTo: ({ address }, _session, callback) =>
      address.startsWith('nobody')
        ? callback(Object.assign(new Error('no such user'), { responseCode: 550 }))
        : callback(),
    onData(stream, _session, callback) {
      void text(stream).then((mail) => {
        mails.push(mail)
        callback()
      })
    },
  })
  server.listen(0, '127.0.0.1')
  t.after(() => new Promise<void>((resolve) => server.close(() => resolve())))
  await once(server.server, 'listening')
  const { port } = server.server.address() as AddressInfo
  const smtp = { server: `127.0.0.1:${port}`, from: 'budao@example.com', security: 'none' } as const
  const channel = await open({ email: { to: ['ops@example.com'] } }, smtp)
  const [first, second] = [message(2), message(2, { status: 'resolved' })]
  assert.deepEqual(await channel.send(first, soon()), { kind: 'delivered' })
  assert.deepEqual(await channel.send(second, soon()), { kind: 'delivered' })
  const header = (mail: string, name: string): string =>
    new RegExp(`^${name}: (.*)$`, 'im').exec(mail)?.[1]?.trim() ?? ''
  assert.equal(header(mails[0]!, 'In-Reply-To'), header(mails[1]!, 'References'))
  assert.equal(header(mails[0]!, 'Message-ID'), `<budao-${first.id}@example.com>`)
  assert.match(mails[0]!, /Subject: =\?UTF-8\?/)
  const nobody = await open({ email: { to: ['nobody@example.com'] } }, smtp)
  assert.equal((await nobody.send(first, soon())).kind, 'refused')
  const away = await open({ email: { to: ['ops@example.com'] } }, { ...smtp, server: '127.0.0.1:1' })
  assert.equal((await away.send(first, soon())).kind, 'retry')
  const plain = await open({ email: { to: ['ops@example.com'] } }, { ...smtp, security: 'starttls' })
  assert.equal((await plain.send(first, soon())).kind === 'delivered', false, 'never in the clear')
})

test('a burst of groups becomes single cards up to four fifths of the limit, then one digest; nobody is muted', async (t) => {
  const robot = await robotServer(t)
  const sender = senderOf(t, await open({ wecom: { url: `${robot.url}/wecom` } }), {})
  for (let group = 0; group < 100; group++)
    sender.send(
      message(1, {
        groupKey: `group ${group}`,
        alerts: message(1).alerts.map((alert) => ({ ...alert, fingerprint: `g${group}` })),
      }),
    )
  await until('the queue is empty', () => sender.waiting === 0)
  assert.ok(robot.taken.length <= 16, `${robot.taken.length} messages`)
  assert.equal(robot.asked.get('/wecom'), robot.taken.length, 'none was sent in vain')
  assert.match(robot.taken.at(-1)!.body.markdown.content, /DIGEST ×/)
})

test('a channel that is limited or away is asked again until it takes the newest word', async (t) => {
  const robot = await robotServer(t)
  robot.script.set('/slack', [{ status: 429, headers: { 'retry-after': '1' } }, { status: 503 }])
  const struggles: string[] = []
  const sender = senderOf(t, await open({ slack: { url: `${robot.url}/slack` } }), {
    struggles: (_message, why) => struggles.push(why),
  })
  sender.send(message(1))
  await until('it was refused once', () => struggles.length === 1)
  // It is over before anybody was told: one note says both.
  sender.send(message(1, { status: 'resolved' }))
  await until('it is taken', () => robot.taken.length === 1)
  assert.match(robot.taken[0]!.body.text, /RESOLVED.*was firing for 3m10s/s)
  await until('the queue is empty', () => sender.waiting === 0)
  assert.equal(robot.taken.length, 1)
  assert.deepEqual(struggles, ['answered 429', 'answered 503'])
})

test('a message that nobody takes is given up in the end, and said so', async (t) => {
  const failed: string[] = []
  const sender = senderOf(t, await open({ webhook: { url: 'http://127.0.0.1:1/' } }), {
    retryForMs: 1_500,
    failed: (_message, why) => failed.push(why),
  })
  sender.send(message(1))
  await until('it is given up', () => failed.length === 1)
  assert.match(failed[0]!, /ECONNREFUSED|bad port/)
  assert.equal(sender.waiting, 0)
})

function senderOf(
  t: TestContext,
  channel: Channel,
  options: Partial<ConstructorParameters<typeof ReceiverSender>[0]>,
): ReceiverSender {
  const sender = new ReceiverSender({
    name: 'ops',
    channel,
    store: null,
    retryForMs: 60_000,
    now: () => performance.now(),
    wallNow: () => Date.now(),
    random: () => 0,
    delivered: () => {},
    failed: () => {},
    struggles: () => {},
    ...options,
  })
  t.after(() => sender.close())
  sender.begin()
  return sender
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 20_000
  while (!holds()) {
    assert.ok(performance.now() < end, `not within 20 s: ${what}`)
    await pause(10)
  }
}
