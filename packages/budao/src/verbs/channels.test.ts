import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort, startNode, tempDir } from '@budao/testkit'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))
const [a, b] = ['https://a.example.com', 'https://b.example.com']

test('a person turns apps to another channel, and checks a configuration with its keys', async (t) => {
  const dir = tempDir(t)
  const admin = await freePort()
  const write = (name: string, text: string): void => writeFileSync(join(dir, name), text)
  const key = (bits: number): string =>
    generateKeyPairSync('rsa', { modulusLength: bits }).privateKey.export({
      type: 'pkcs8',
      format: 'pem',
    }) as string
  write('channels.pem', key(2_048))
  write('weak.pem', key(1_024))
  write('order.json', JSON.stringify({ version: 3, order: [a, b] }))
  write('wrong.json', JSON.stringify({ version: 3 }))
  const config = (channels: string): string => `version: 1
node: { name: gw-1, site: east }
sites: { east: {} }
admin: { address: '127.0.0.1:${admin}', tokens: { operator: do-all-of-it-00001 } }
listeners: [{ name: web, address: 127.0.0.1:0, protocol: http }]
routes: [{ name: channels, serve: { channels: ${channels} } }]
`
  write('budao.yaml', config('{ key: channels.pem, file: order.json }'))
  const { BUDAO_TOKEN: _, ...env } = process.env
  const budao = (...args: string[]) => startNode(t, [main, ...args], { cwd: dir, env })
  const up = budao('gateway', '--json')
  const [, address = ''] = await up.waitForOutput(/"web": "([^"]+)"/)
  await up.waitForOutput(/"pid"/)
  const served = async (): Promise<unknown> => {
    const text = await (await fetch(`http://${address}/`)).text()
    const { version, order } = JSON.parse(Buffer.from(text.split('.')[1]!, 'base64url').toString()) as {
      version: number
      order: string[]
    }
    return { version, order }
  }
  assert.deepEqual(await served(), { version: 3, order: [a, b] })

  const set = budao('channels', 'set', '--order', `${b},${a}`, '--reason', 'east is flooded')
  assert.equal(await set.exited(), 0, set.output)
  assert.match(set.output, /apps are told to try https:\/\/b\.example\.com first: version 4 of channels/)
  assert.deepEqual(await served(), { version: 4, order: [b, a] })
  assert.deepEqual(JSON.parse(readFileSync(join(dir, 'order.json'), 'utf8')), { version: 4, order: [b, a] })
  const listed = budao('channels', 'list', '--json')
  assert.equal(await listed.exited(), 0, listed.output)
  assert.match(listed.output, /"version": 4/)
  const events = await fetch(`http://127.0.0.1:${admin}/api/v1/events?kind=channels.changed`, {
    headers: { authorization: 'Bearer do-all-of-it-00001' },
  })
  assert.match(await events.text(), /"reason":"east is flooded"/)

  const refused: [args: string[], exit: number, says: RegExp][] = [
    [['--order', a!, '--reason', 'x', '--number', '2'], 1, /expected at least 4, which is in force, got 2/],
    [['--order', 'nonsense', '--reason', 'x'], 1, /order\[0\]/],
    [['--order', a!, '--reason', 'x', '--route', 'other'], 1, /no route other with a channel list/],
    [['--order', a!], 2, /--reason/],
  ]
  for (const [args, exit, says] of refused) {
    const one = budao('channels', 'set', ...args)
    assert.equal(await one.exited(), exit, one.output)
    assert.match(one.output, says)
  }
  assert.deepEqual(await served(), { version: 4, order: [b, a] })

  const checks: [channels: string, exit: number, says: RegExp][] = [
    ['{ key: channels.pem, file: order.json }', 0, /route +channels +\* → serve channels/],
    [
      '{ key: weak.pem, file: order.json }',
      1,
      /routes\[0\]\.serve\.channels\.key: .*at least 2048 bits, got 1024/,
    ],
    ['{ key: none.pem, file: order.json }', 1, /serve\.channels\.key: no such file/],
    ['{ key: channels.pem, file: wrong.json }', 1, /serve\.channels\.file: .*order/],
    [`{ key: channels.pem, version: 1, order: ['${a}'] }`, 0, /one channel alone/],
  ]
  for (const [channels, exit, says] of checks) {
    write('checked.yaml', config(channels))
    const check = budao('check', '-c', 'checked.yaml')
    assert.equal(await check.exited(), exit, check.output)
    assert.match(check.output, says)
  }
})
