import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { requireDebian, startProcess, tempDir } from '@budao/testkit'
import { ServiceManager } from './service-manager.ts'

test('the unit in docs/reference/agent.md is one that systemd understands', async (t) => {
  const analyze = await requireDebian(t, 'systemd', 'systemd-analyze')
  if (analyze === undefined) return
  const docs = readFileSync(new URL('../../../../docs/reference/agent.md', import.meta.url), 'utf8')
  const [, unit = ''] = /```ini\n([^]+?)```/.exec(docs) ?? []
  assert.match(unit, /Type=notify/)
  const file = join(tempDir(t), 'budao-agent.service')
  // It looks for the program, which is not installed here.
  writeFileSync(file, unit.replace('/usr/bin/budao', process.execPath))
  const verified = startProcess(t, analyze, ['verify', '--man=no', file])
  assert.equal(await verified.exited(), 0, verified.output)
  assert.doesNotMatch(verified.output, /budao-agent/)
})

test('who started this process is told when it is ready, that it lives, and when it stops', async (t) => {
  const [notify, socat] = [
    await requireDebian(t, 'systemd', 'systemd-notify'),
    await requireDebian(t, 'socat'),
  ]
  if (notify === undefined || socat === undefined) return
  const socket = join(tempDir(t), 'notify')
  const heard = startProcess(t, socat, ['-u', '-d', '-d', `UNIX-RECV:${socket}`, 'STDOUT'])
  await heard.waitForOutput(/starting data transfer loop/)
  const warnings: string[] = []
  const PATH = `${dirname(notify)}:${process.env['PATH']}`
  const manager = new ServiceManager((warning) => warnings.push(warning), {
    PATH,
    NOTIFY_SOCKET: socket,
    WATCHDOG_USEC: '200000',
  })
  manager.ready()
  await heard.waitForOutput(/READY=1/)
  await heard.waitForOutput(/WATCHDOG=1/)
  manager.stopping()
  await heard.waitForOutput(/STOPPING=1/)
  assert.deepEqual(warnings, [])
})

test('without a service manager nobody is told', () => {
  const manager = new ServiceManager(() => assert.fail('warned'), {})
  manager.ready()
  manager.stopping()
})
