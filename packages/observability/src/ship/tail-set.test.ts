import assert from 'node:assert/strict'
import {
  appendFileSync,
  copyFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { TailedFile } from './tailed-file.ts'
import { TestIntake } from './test-intake.test.ts'

const lines = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index}`)
const text = (from: number, to: number): string =>
  lines(from, to)
    .map((line) => `${line}\n`)
    .join('')

test('a line is read once it has its end, over restarts too', (t) => {
  const intake = new TestIntake(t)
  const path = join(intake.logs, 'a.log')
  writeFileSync(path, 'one\ntw')
  intake.run()
  assert.deepEqual(intake.bodies(), ['one'])
  intake.stop()
  appendFileSync(path, 'o\nthree\n')
  intake.run()
  assert.deepEqual(intake.bodies(), ['one', 'two', 'three'])
  intake.stop()
  intake.run()
  assert.deepEqual(intake.bodies(), ['one', 'two', 'three'])
})

test('a file that was renamed is read to its end, then the new one', (t) => {
  const intake = new TestIntake(t)
  const path = join(intake.logs, 'a.log')
  writeFileSync(path, text(0, 10))
  intake.run()
  renameSync(path, `${path}.1`)
  appendFileSync(`${path}.1`, text(10, 20))
  writeFileSync(path, text(20, 30))
  intake.run()
  assert.deepEqual(intake.bodies().toSorted(), lines(0, 30).toSorted())
})

test('rotated while nobody looked, several times: every generation is read once, in its order', (t) => {
  const intake = new TestIntake(t)
  const path = join(intake.logs, 'a.log')
  writeFileSync(path, text(0, 10))
  intake.run()
  intake.stop()
  appendFileSync(path, text(10, 15))
  for (let generation = 1; generation <= 3; generation++) {
    for (let older = generation; older > 1; older--) renameSync(`${path}.${older - 1}`, `${path}.${older}`)
    renameSync(path, `${path}.1`)
    writeFileSync(path, text(5 + generation * 10, 15 + generation * 10))
  }
  intake.run()
  assert.deepEqual(intake.bodies().toSorted(), lines(0, 45).toSorted())
  intake.stop()
  intake.run()
  assert.equal(intake.bodies().length, 45)
})

test('what had been rotated away before the first look is history; a compressed file is no log', (t) => {
  const intake = new TestIntake(t)
  const path = join(intake.logs, 'a.log')
  writeFileSync(`${path}.1`, text(100, 110))
  writeFileSync(`${path}.2.gz`, text(200, 210))
  writeFileSync(path, text(0, 5))
  intake.run()
  assert.deepEqual(intake.bodies(), lines(0, 5))
  renameSync(`${path}.1`, `${path}.2`)
  renameSync(path, `${path}.1`)
  writeFileSync(path, text(5, 8))
  intake.run()
  intake.stop()
  intake.run()
  assert.deepEqual(intake.bodies(), lines(0, 8))
})

test('copied and truncated: what was not read yet is read from the copy, and nothing twice', (t) => {
  for (const small of [true, false]) {
    const intake = new TestIntake(t)
    const path = join(intake.logs, 'a.log')
    const count = small ? 3 : 400
    writeFileSync(path, text(0, count))
    intake.run()
    appendFileSync(path, text(count, count + 5))
    copyFileSync(path, `${path}.1`)
    truncateSync(path)
    appendFileSync(path, text(1_000, 1_002))
    intake.run()
    intake.run()
    intake.stop()
    intake.run()
    assert.deepEqual(intake.bodies().toSorted(), [...lines(0, count + 5), ...lines(1_000, 1_002)].toSorted())
  }
})

test('copied, truncated, and rotated after that between two looks: the copy is known for what the file was', (t) => {
  const intake = new TestIntake(t)
  const path = join(intake.logs, 'a.log')
  writeFileSync(path, text(0, 400))
  intake.run()
  copyFileSync(path, `${path}.1`)
  truncateSync(path)
  appendFileSync(path, text(1_000, 1_002))
  renameSync(`${path}.1`, `${path}.2`)
  renameSync(path, `${path}.1`)
  writeFileSync(path, text(2_000, 2_002))
  // The file itself is met before its copy, as where both were written in one tick of the clock.
  utimesSync(`${path}.1`, 1_000, 1_000)
  intake.run()
  intake.run()
  intake.stop()
  intake.run()
  const wanted = [...lines(0, 400), ...lines(1_000, 1_002), ...lines(2_000, 2_002)]
  assert.deepEqual(intake.bodies().toSorted(), wanted.toSorted())
})

test('truncated and begun anew between being recognized and being opened: read from its beginning', (t) => {
  const intake = new TestIntake(t)
  const path = join(intake.logs, 'a.log')
  writeFileSync(path, text(0, 1))
  intake.run()
  intake.stop()
  appendFileSync(path, text(1, 3))
  const open = TailedFile.open.bind(TailedFile)
  let hooked = false
  t.mock.method(TailedFile, 'open', (...args: Parameters<typeof TailedFile.open>) => {
    if (!hooked) {
      hooked = true
      copyFileSync(path, `${path}.1`)
      writeFileSync(path, text(4_000, 4_003))
    }
    return open(...args)
  })
  intake.run()
  intake.run()
  assert.ok(hooked)
  assert.deepEqual(intake.bodies().toSorted(), [...lines(0, 3), ...lines(4_000, 4_003)].toSorted())
})

test('truncated and already longer than before: known by its beginning', (t) => {
  const intake = new TestIntake(t)
  const path = join(intake.logs, 'a.log')
  writeFileSync(path, text(0, 3))
  intake.run()
  writeFileSync(path, text(50, 90))
  intake.run()
  assert.deepEqual(intake.bodies(), [...lines(0, 3), ...lines(50, 90)])
})

test('a deleted file is read to its end, also a line without one', (t) => {
  const intake = new TestIntake(t)
  const path = join(intake.logs, 'a.log')
  writeFileSync(path, text(0, 3))
  intake.run()
  appendFileSync(path, `${text(3, 6)}the last`)
  rmSync(path)
  intake.run()
  intake.run(2_000)
  intake.run(2_000)
  assert.deepEqual(intake.bodies(), [...lines(0, 6), 'the last'])
  assert.equal([...intake.pipeline.tails.files].length, 0)
})

test('two files that begin alike are two; one that was moved elsewhere in time is one', (t) => {
  const intake = new TestIntake(t)
  writeFileSync(join(intake.logs, 'a.log'), text(0, 200))
  writeFileSync(join(intake.logs, 'b.log'), text(0, 200))
  intake.run()
  assert.equal(intake.bodies().length, 400)
  intake.stop()
  // As a restored backup, or another volume: another inode, the same content.
  for (const name of ['a.log', 'b.log']) {
    copyFileSync(join(intake.logs, name), join(intake.logs, `${name}.tmp`))
    renameSync(join(intake.logs, `${name}.tmp`), join(intake.logs, name))
  }
  intake.run()
  assert.equal(intake.bodies().length, 400)
})

test('a copy that is being made of what nobody had seen yet is not read beside it', (t) => {
  const intake = new TestIntake(t)
  const path = join(intake.logs, 'a.log')
  writeFileSync(path, text(0, 300))
  intake.run()
  writeFileSync(path, text(300, 700))
  writeFileSync(`${path}.1`, text(300, 500))
  intake.run()
  writeFileSync(`${path}.1`, text(300, 700))
  intake.run()
  writeFileSync(path, text(700, 710))
  intake.run()
  intake.run()
  assert.deepEqual(intake.bodies(), lines(0, 710))
})

test('generations with the same first 2 KiB are told apart', (t) => {
  const intake = new TestIntake(t)
  const path = join(intake.logs, 'a.log')
  const banner = text(9_000, 9_200)
  writeFileSync(path, banner + text(0, 10))
  intake.run()
  renameSync(path, `${path}.1`)
  writeFileSync(path, banner + text(10, 20))
  intake.run()
  intake.stop()
  renameSync(`${path}.1`, `${path}.2`)
  renameSync(path, `${path}.1`)
  writeFileSync(path, banner + text(20, 25))
  intake.run()
  const bodies = intake.bodies().filter((line) => !line.startsWith('line 90') && !line.startsWith('line 91'))
  assert.deepEqual(bodies.toSorted(), lines(0, 25).toSorted())
  assert.equal(intake.bodies().length, 25 + 3 * 200)
})

test('copied and truncated while nothing ran: the copy is read from where the file was left', (t) => {
  for (const after of [2, 500]) {
    const intake = new TestIntake(t)
    const path = join(intake.logs, 'a.log')
    writeFileSync(path, text(0, 300))
    intake.run()
    intake.stop()
    appendFileSync(path, text(300, 310))
    copyFileSync(path, `${path}.1`)
    truncateSync(path)
    appendFileSync(path, text(1_000, 1_000 + after))
    intake.run()
    assert.deepEqual(
      intake.bodies().toSorted(),
      [...lines(0, 310), ...lines(1_000, 1_000 + after)].toSorted(),
    )
  }
})

test(
  'a file that cannot be read, or a link in a circle, stops no other and is counted',
  { skip: process.platform !== 'linux' },
  (t) => {
    const intake = new TestIntake(t)
    // Reading its beginning is an I/O error for everybody, root too.
    symlinkSync('/proc/self/mem', join(intake.logs, 'bad.log'))
    symlinkSync(join(intake.logs, 'circle.log'), join(intake.logs, 'circle.log'))
    writeFileSync(join(intake.logs, 'a.log'), text(0, 3))
    intake.run()
    assert.deepEqual(intake.bodies(), lines(0, 3))
    assert.equal(intake.pipeline.tails.counts.unreadable, 1)
  },
)
