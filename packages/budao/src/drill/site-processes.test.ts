import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { known, signal } from './faults/known-process.ts'
import { parsePidFile, readSiteProcesses } from './site-processes.ts'

test('blank lines and comments are left out', () => {
  assert.deepEqual(parsePidFile('# east\n\n 12 shop-east-1\n13\tshop-east-2 \n', 'east.pids'), [
    { pid: 12, name: 'shop-east-1' },
    { pid: 13, name: 'shop-east-2' },
  ])
})

for (const line of ['shop 12', '12', '-12 shop', '0 shop', '1 init', '12 two words', '99999999999 shop']) {
  test(`the line ${JSON.stringify(line)} is refused`, () => {
    assert.throws(() => parsePidFile(`12 ok\n${line}\n`, 'east.pids'), /east\.pids:2: expected "PID name"/)
  })
}

test('the processes of the file are killed, and no other', async (t) => {
  const [one, two, bystander] = [start(t, 'shop-east-1'), start(t, 'shop-east-2'), start(t, 'shop-west-1')]
  const file = pidFile(t, `${one.pid} shop-east-1\n${two.pid} shop-east-2\n`)
  const ended = Promise.all([once(one, 'exit'), once(two, 'exit')])
  const found = readSiteProcesses(file).map((each) => known(each)!)
  assert.deepEqual(signal(found, 'SIGKILL'), found)
  for (const [, by] of await ended) assert.equal(by, 'SIGKILL')
  assert.equal(bystander.exitCode ?? bystander.signalCode, null)
  assert.deepEqual(signal(found, 'SIGKILL'), [], 'who has gone is not killed twice')
})

test('a number that belongs to another process is refused, and nobody is killed', (t) => {
  const [one, other] = [start(t, 'shop-east-1'), start(t, 'shop-east-10')]
  const file = pidFile(t, `${one.pid} shop-east-1\n${other.pid} shop-east-2\n`)
  assert.throws(() => readSiteProcesses(file), /is not shop-east-2 but .*shop-east-10.*nothing was broken/)
})

test('whoever got the number of a process later is not signalled', (t) => {
  const other = start(t, 'shop-east-1')
  assert.deepEqual(signal([{ pid: other.pid!, name: 'shop-east-1', birth: 'another' }], 'SIGKILL'), [])
  assert.deepEqual(signal([known({ pid: process.pid, name: 'ourselves' })!], 'SIGKILL'), [])
})

test('a name may be that of a file among the arguments', (t) => {
  const witness = start(t, '/etc/budao/witness.yaml')
  assert.equal(readSiteProcesses(pidFile(t, `${witness.pid} witness\n`))[0]?.name, 'witness')
})

test('our own number is refused even under our own name', (t) => {
  const file = pidFile(t, `${process.pid} ${process.argv[0]}\n`)
  assert.throws(() => readSiteProcesses(file), /nothing was broken/)
})

test('a process that ended, a missing file and an empty one are refused', async (t) => {
  const gone = start(t, 'shop-east-1')
  gone.kill('SIGKILL')
  await once(gone, 'exit')
  assert.throws(() => readSiteProcesses(pidFile(t, `${gone.pid} shop-east-1\n`)), /does not run/)
  assert.throws(() => readSiteProcesses(join(tmpdir(), 'no-such.pids')), /cannot read the pid file .*ENOENT/)
  assert.throws(() => readSiteProcesses(pidFile(t, '# nothing\n')), /names no process/)
})

function start(t: TestContext, name: string): ChildProcess {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', '--', name], {
    stdio: 'ignore',
  })
  t.after(() => child.kill('SIGKILL'))
  return child
}

function pidFile(t: TestContext, text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'budao-pids-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const file = join(directory, 'east.pids')
  writeFileSync(file, text)
  return file
}
