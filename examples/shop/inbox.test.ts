import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { Inbox } from './inbox.ts'
import type { Told } from './inbox.ts'
import { freePorts } from './layout.ts'
import { Robot } from './robot.ts'

test('mail is taken by SMTP, read as its headers say, and stands on the page', async (t) => {
  const [port, mailPort] = (await freePorts(2)) as [number, number]
  const said: string[] = []
  const inbox = new Inbox({
    port,
    mailPort,
    robotKey: 'k',
    errorsUrl: '',
    release: () => Promise.resolve(),
    say: (line) => said.push(line),
  })
  await inbox.start()
  t.after(() => inbox.stop())
  const socket = connect(mailPort, '127.0.0.1')
  t.after(() => socket.destroy())
  const replies = createInterface({ input: socket })[Symbol.asyncIterator]()
  const ask = async (line: string | null): Promise<string> => {
    if (line !== null) socket.write(`${line}\r\n`)
    for (;;) {
      const { value } = (await replies.next()) as { value: string }
      if (value[3] === ' ') return value.slice(0, 3)
    }
  }
  const subject = `=?UTF-8?B?${Buffer.from('[告警触发] P1').toString('base64')}?=\r\n =?UTF-8?Q?_pay=6Dents?=`
  const dialog: [line: string | null, code: string][] = [
    [null, '220'],
    ['EHLO here', '250'],
    ['DATA', '503'],
    ['MAIL FROM:<budao@shop.example>', '250'],
    ['RCPT TO:<>', '501'],
    ['RCPT TO:<dev@shop.example>', '250'],
    ['VRFY dev', '502'],
    ['DATA', '354'],
    [
      `Subject: ${subject}\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=E6=94=AF=\r\n=E4=BB=98 <b>\r\n..end\r\n.`,
      '250',
    ],
    ['QUIT', '221'],
  ]
  for (const [line, code] of dialog) assert.equal(await ask(line), code, line ?? 'greeting')
  await once(socket, 'close')
  const [mail] = (await (await fetch(`http://127.0.0.1:${port}/messages`)).json()) as [Told]
  assert.deepEqual(
    [mail.by, mail.to, mail.title, mail.text],
    ['mail', 'dev@shop.example', '[告警触发] P1 payments', '支付 <b>\n.end'],
  )
  assert.deepEqual(said, ['mail to dev@shop.example: [告警触发] P1 payments'])
  assert.match(await (await fetch(`http://127.0.0.1:${port}/`)).text(), /支付 &lt;b&gt;/)
})

test('the robot has the limits of the one it stands for', () => {
  const robot = new Robot('k', () => {})
  const body = (content: string): string => JSON.stringify({ msgtype: 'markdown', markdown: { content } })
  const codes = (key: string, text: string, now: number): number => robot.answer(key, text, now).errcode
  assert.equal(codes('x', body('hello'), 0), 93_000)
  assert.equal(codes('k', '{"msgtype":"text"}', 0), 40_008)
  assert.equal(codes('k', body('不'.repeat(1_366)), 0), 40_058)
  for (let n = 0; n < 20; n++) assert.equal(codes('k', body('hello'), n), 0)
  assert.equal(codes('k', body('hello'), 59_999), 45_009)
  assert.equal(codes('k', body('hello'), 60_000), 0)
})
