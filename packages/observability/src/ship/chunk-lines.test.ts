import assert from 'node:assert/strict'
import { appendFileSync, closeSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ChunkReader } from './chunk-lines.ts'
import { TestIntake } from './test-intake.test.ts'

const plain = { encoding: 'utf-8', lineBytesMax: 4_096, multiline: null }

test('however a file is cut into pieces, the same lines come out', () => {
  const line = fc
    .string({ unit: 'grapheme', maxLength: 20 })
    .map((text) => text.replaceAll(/[\r\n\0\ufeff]/g, '.'))
  fc.assert(
    fc.property(fc.array(line, { maxLength: 20 }), fc.integer({ min: 64, max: 300 }), (lines, piece) => {
      const bytes = Buffer.from(lines.map((each) => `${each}\n`).join(''))
      const reader = new ChunkReader({ ...plain, lineBytesMax: 4_096 })
      const found: string[] = []
      for (let at = 0; at < bytes.length;) {
        const chunk = bytes.subarray(at, at + piece)
        const read = reader.read(chunk)
        found.push(...read.texts)
        // A line that is longer than the piece: a larger one, as the pipeline's always are.
        at += read.consumed === 0 ? reader.read(bytes.subarray(at)).consumed : read.consumed
        if (read.consumed === 0)
          found.push(...bytes.subarray(0, at).toString().split('\n').slice(found.length, -1))
      }
      assert.deepEqual(found, lines)
    }),
    { numRuns: 100 },
  )
})

test('50 MB without a line end: its beginning is kept, the rest passed over, and memory stays', (t) => {
  const intake = new TestIntake(t)
  const path = join(intake.logs, 'a.log')
  writeFileSync(path, 'before\n')
  const piece = Buffer.alloc(1_000_000, 'x')
  for (let index = 0; index < 50; index++) {
    appendFileSync(path, piece)
    if (index === 20) intake.run()
    // Killed in the middle of it.
    if (index === 30) intake.stop()
  }
  appendFileSync(path, '\nafter\n')
  intake.run()
  assert.deepEqual(
    intake.bodies().map((body) => `${body.slice(0, 6)} ${body.length}`),
    ['before 6', 'xxxxxx 4096', 'after 5'],
  )
})

test('bad bytes and NUL are counted, and the line is kept', (t) => {
  const intake = new TestIntake(t)
  const path = join(intake.logs, 'a.log')
  // A writer that does not append leaves NULs in front when its file was truncated under it.
  writeFileSync(
    path,
    Buffer.from('\0\0\0\0after zeros\nbad \xff\xfe bytes\nmiddle \0 one\r\n\nfine 支付\n', 'latin1'),
  )
  const file = openSync(path, 'r+')
  const good = Buffer.from('fine 支付\n')
  writeSync(file, good, 0, good.length, 45)
  closeSync(file)
  intake.run()
  const bodies = intake.bodies()
  assert.equal(bodies[0], 'after zeros')
  assert.match(bodies[1]!, /^bad \ufffd\ufffd bytes$/)
  assert.equal(bodies[2], 'middle \0 one')
  assert.equal(intake.pipeline.counts.damaged, 3)
})

test('GBK and GB18030 become text, whatever bytes their letters have', (t) => {
  const intake = new TestIntake(t, { encoding: 'gb18030' })
  // 支付回调失败, then 𠮷, which takes four bytes there.
  const gbk = Buffer.from([0xd6, 0xa7, 0xb8, 0xb6, 0xbb, 0xd8, 0xb5, 0xf7, 0xca, 0xa7, 0xb0, 0xdc, 0x0a])
  const four = Buffer.from([0x95, 0x34, 0xfd, 0x35, 0x0a])
  writeFileSync(join(intake.logs, 'a.log'), Buffer.concat([gbk, four]))
  intake.run()
  assert.equal(intake.bodies()[0], '支付回调失败')
  assert.equal([...intake.bodies()[1]!].length, 1)
})

test('lines that belong together are one record, when the next begins or nothing comes', (t) => {
  const multiline = { begins: (line: string): boolean => /^\d/.test(line), linesMax: 5, quietMs: 1_000 }
  const intake = new TestIntake(t, { multiline })
  const path = join(intake.logs, 'a.log')
  writeFileSync(path, '1 error\n  at a\n  at b\n2 next\n  at')
  intake.run(100)
  assert.deepEqual(intake.bodies(), ['1 error\n  at a\n  at b'])
  intake.stop()
  appendFileSync(path, ' c\n')
  intake.run(100)
  assert.equal(intake.bodies().length, 1)
  intake.run(1_500)
  assert.deepEqual(intake.bodies()[1], '2 next\n  at c')
  appendFileSync(path, `3\n${'  at x\n'.repeat(8)}4\n`)
  intake.run(100)
  assert.deepEqual(
    intake
      .bodies()
      .slice(2)
      .map((body) => body.split('\n').length),
    [5, 4],
  )
})
