import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { tempDir } from '@budao/testkit'
import * as fc from 'fast-check'
import { AccessLog, type AccessLogEnv } from './access-log.ts'
import { type LogTarget, wholeLines } from './log-target.ts'

interface TestEnv extends AccessLogEnv {
  time: number
  readonly warnings: string[]
}

function testEnv(): TestEnv {
  const warnings: string[] = []
  return {
    time: 0,
    warnings,
    now(): number {
      return this.time
    },
    wallNow: () => 0,
    warn: (message) => void warnings.push(message),
  }
}

/** A disk that takes what the test says: bytes a write, or an error. */
class TestTarget implements LogTarget {
  readonly name = 'disk'
  text = ''
  closed = false
  /** How the next writes end; without a plan everything is taken. */
  readonly plan: (number | Error | Promise<number>)[] = []

  prepare(): Promise<void> {
    return Promise.resolve()
  }

  async write(bytes: Buffer): Promise<number> {
    const planned = this.plan.shift() ?? bytes.length
    if (planned instanceof Error) throw planned
    const count = Math.min(await planned, bytes.length)
    this.text += bytes.toString('latin1', 0, count)
    return count
  }

  close(): Promise<void> {
    this.closed = true
    return Promise.resolve()
  }
}

async function onDisk(
  t: TestContext,
): Promise<{ log: AccessLog; file: string; env: TestEnv; read: () => string }> {
  const file = join(tempDir(t), 'access.log')
  const env = testEnv()
  const log = await AccessLog.open(file, env)
  t.after(() => log.close())
  return { log, file, env, read: () => readFileSync(file, 'latin1') }
}

const line = (index: number): string => `line ${String(index).padStart(4, '0')}\n`
const fullDisk = (): Error => Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
const notice = (lines: number): string =>
  `{"timestamp":"1970-01-01T00:00:00.000Z","budao.event":"access_log.dropped","budao.dropped_lines":${lines}}\n`

test('lines are appended to what the file holds, in their order', async (t) => {
  const file = join(tempDir(t), 'access.log')
  writeFileSync(file, 'old\n')
  const log = await AccessLog.open(file, testEnv())
  log.write('one\n')
  log.write('two\n')
  await log.flush()
  log.write('three\n')
  await log.close()
  assert.equal(readFileSync(file, 'latin1'), 'old\none\ntwo\nthree\n')
})

test('64 KiB are written without being asked for', async () => {
  const target = new TestTarget()
  const log = new AccessLog(target, testEnv())
  const long = `${'x'.repeat(1_023)}\n`
  for (let count = 0; count < 63; count++) log.write(long)
  await new Promise(setImmediate)
  assert.equal(target.text, '')
  log.write(long)
  await new Promise(setImmediate)
  assert.equal(target.text.length, 65_536)
  await log.close()
})

test('a line does not wait for the next one, nor does that one', async (t) => {
  const target = new TestTarget()
  const log = new AccessLog(target, testEnv())
  for (const text of ['one\n', 'two\n']) {
    log.write(text)
    const { promise, resolve } = Promise.withResolvers<void>()
    const poll = setInterval(() => target.text.endsWith(text) && resolve(), 5)
    t.after(() => clearInterval(poll))
    await promise
    // Until the first writing is over, it would take the second line along.
    await new Promise(setImmediate)
  }
  await log.close()
})

test('a file renamed away is opened again, a removed one made again', async (t) => {
  const { log, file, env, read } = await onDisk(t)
  log.write('one\n')
  await log.flush()
  renameSync(file, `${file}.1`)
  log.write('two\n')
  await log.flush()
  assert.equal(readFileSync(`${file}.1`, 'latin1'), 'one\ntwo\n', 'looked at a moment ago')
  env.time += 1_000
  log.write('three\n')
  await log.flush()
  assert.equal(read(), 'three\n')
  rmSync(file)
  env.time += 1_000
  log.write('four\n')
  await log.flush()
  assert.equal(read(), 'four\n')
  assert.deepEqual(env.warnings, [])
})

test('while a file cannot be opened again the renamed one takes the lines', async (t) => {
  const { log, file, env } = await onDisk(t)
  renameSync(file, `${file}.1`)
  mkdirSync(file)
  for (const each of ['one\n', 'two\n']) {
    env.time += 1_000
    log.write(each)
    await log.flush()
  }
  assert.equal(readFileSync(`${file}.1`, 'latin1'), 'one\ntwo\n')
  assert.equal(env.warnings.length, 1)
  assert.match(env.warnings[0] ?? '', /cannot be opened again: .*EISDIR/)
})

test('lines a full disk did not take are counted, and told of when it takes lines again', async () => {
  const target = new TestTarget()
  const env = testEnv()
  const log = new AccessLog(target, env)
  target.plan.push(fullDisk(), fullDisk())
  log.write('one\n')
  log.write('two\n')
  await log.flush()
  assert.equal(log.dropped, 2)
  log.write('three\n')
  await log.flush()
  assert.equal(log.dropped, 3)
  log.write('four\n')
  await log.flush()
  assert.equal(log.dropped, 0)
  assert.equal(target.text, `${notice(3)}four\n`)
  assert.deepEqual(env.warnings, [
    'disk: ENOSPC: no space left on device; lines are dropped and counted',
    'disk takes lines again',
  ])
})

test('a line cut by a full disk is counted, and the next one starts on its own line', async () => {
  const target = new TestTarget()
  const log = new AccessLog(target, testEnv())
  target.plan.push(6, fullDisk())
  log.write('one\n')
  log.write('two\n')
  log.write('three\n')
  await log.flush()
  assert.equal(log.dropped, 2)
  log.write('four\n')
  await log.flush()
  assert.equal(target.text, `one\ntw\n${notice(2)}four\n`)
})

test(
  'a device that is full does not stop anybody',
  { skip: !existsSync('/dev/full') && 'no /dev/full here' },
  async () => {
    const env = testEnv()
    const log = await AccessLog.open('/dev/full', env)
    log.write('one\n')
    await log.flush()
    assert.equal(log.dropped, 1)
    await log.close()
    assert.match(env.warnings[0] ?? '', /\/dev\/full: ENOSPC.*dropped and counted/)
    assert.equal(env.warnings.at(-1), '1 lines could not be written to /dev/full')
  },
)

test('a disk that hangs makes 1 MiB wait and no more; what comes then is counted', async () => {
  const target = new TestTarget()
  const log = new AccessLog(target, testEnv())
  const hang = Promise.withResolvers<number>()
  target.plan.push(hang.promise)
  const long = `${'x'.repeat(1_023)}\n`
  log.write('first\n')
  const written = log.flush()
  for (let count = 0; count < 1_100; count++) log.write(long)
  assert.equal(log.dropped, 76)
  hang.resolve(Infinity)
  await written
  assert.equal(target.text, `first\n${notice(76)}${long.repeat(1_024)}`)
  assert.equal(log.dropped, 0)
})

test('closing waits for a hanging disk, but not for ever', async () => {
  const target = new TestTarget()
  const env = testEnv()
  const log = new AccessLog(target, env, { closeMs: 1 })
  const hang = Promise.withResolvers<number>()
  target.plan.push(hang.promise)
  log.write('first\n')
  void log.flush()
  log.write('second\n')
  await log.close()
  assert.equal(target.text, '')
  log.write('late\n')
  assert.equal(log.dropped, 1)
})

test('closing writes what came while a write was under way', async () => {
  const target = new TestTarget()
  const log = new AccessLog(target, testEnv())
  log.write('one\n')
  void log.flush()
  log.write('two\n')
  await log.close()
  await log.close()
  assert.equal(target.text, 'one\ntwo\n')
  assert.ok(target.closed)
})

test('however writes fail and fall short, each line is written whole, or counted', async () => {
  const step = fc.oneof(fc.nat({ max: 40 }), fc.constant(-1))
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 12 }),
      fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 8 }),
      async (steps, bursts) => {
        const target = new TestTarget()
        const log = new AccessLog(target, testEnv())
        // Nothing taken is what a pipe without a reader says; that path waits, so it is not drawn here.
        target.plan.push(...steps.map((count) => (count === -1 ? fullDisk() : Math.max(1, count))))
        let sent = 0
        for (const burst of bursts) {
          for (let count = 0; count < burst; count++) log.write(line(sent++))
          await log.flush()
        }
        target.plan.length = 0
        log.write(line(sent++))
        await log.close()
        const lines = target.text.split('\n')
        const whole = new Set(lines.filter((each) => /^line \d{4}$/.test(each)))
        const told = lines
          .filter((each) => each.endsWith('}'))
          .map((each) => (JSON.parse(each) as Record<string, number>)['budao.dropped_lines'] ?? 0)
        const dropped = told.reduce((sum, count) => sum + count, 0) + log.dropped
        assert.ok(whole.has(line(sent - 1).trim()))
        // One cut right before its end is both there and counted.
        const failures = steps.filter((count) => count === -1).length
        const known = whole.size + dropped
        assert.ok(
          known >= sent && known <= sent + failures,
          `${whole.size} written, ${dropped} counted of ${sent}`,
        )
        assert.equal(log.dropped, 0)
      },
    ),
  )
})

const pieces: [text: string, bytesMax: number, length: number][] = [
  ['a\nb\n', 10, 4],
  ['aaa\nbbb\nccc\n', 8, 8],
  ['aaa\nbbb\nccc\n', 9, 8],
  ['aaaaaaaaaa\nb\n', 4, 11],
  ['aaaaaaaaaa', 4, 10],
]
for (const [text, bytesMax, length] of pieces) {
  test(`of ${JSON.stringify(text)} ${length} bytes are written at once where ${bytesMax} are kept together`, () => {
    assert.equal(wholeLines(Buffer.from(text), bytesMax), length)
  })
}

test('standard output that is a pipe gets every line, however slow its reader', async (t) => {
  const program = `
    import { AccessLog } from ${JSON.stringify(new URL('access-log.ts', import.meta.url).href)}
    const log = await AccessLog.open(null, { now: () => 0, wallNow: () => 0, warn: console.error })
    for (let i = 0; i < 5000; i++) log.write('line ' + i + ' ' + 'x'.repeat(100) + '\\n')
    await log.close()`
  const file = join(tempDir(t), 'write.ts')
  writeFileSync(file, program)
  const child = spawn(process.execPath, ['--conditions=@budao/source', file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill())
  const exited = once(child, 'exit')
  let text = ''
  for await (const chunk of child.stdout.setEncoding('latin1')) {
    text += chunk
    await new Promise(setImmediate)
  }
  assert.deepEqual(await exited, [0, null])
  const lines = text.split('\n')
  assert.equal(lines.length, 5_001)
  for (const [index, each] of lines.slice(0, -1).entries()) assert.ok(each.startsWith(`line ${index} x`))
})

test('nothing is left in the folder but the log', async (t) => {
  const { log, file } = await onDisk(t)
  log.write('one\n')
  await log.close()
  assert.deepEqual(readdirSync(join(file, '..')), ['access.log'])
})
