import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frame, LiveScreen } from './live-screen.ts'

const text = 'one\ntwo\nthree'

const frames: [rows: number, shown: string[]][] = [
  [24, ['one', 'two', 'three']],
  [3, ['one', 'two', 'three']],
  [2, ['one', '… 2 more lines: a taller window shows them']],
  [1, ['… 3 more lines: a taller window shows them']],
]
for (const [rows, shown] of frames) {
  test(`${rows} rows show ${shown.length} lines, drawn over what is there`, () => {
    const drawn = frame(text, rows)
    // Home first, each line erases its rest, what is below goes last; no line end that would scroll.
    assert.equal(drawn, `\u001b[H${shown.map((line) => `${line}\u001b[K`).join('\r\n')}\u001b[J`)
  })
}

test('the screen is entered once and given back', () => {
  let written = ''
  const screen = new LiveScreen({ rows: 10, write: (piece) => (written += piece) })
  screen.close()
  assert.equal(written, '')
  screen.draw('a')
  screen.draw('b')
  screen.close()
  screen.close()
  assert.equal(written.split('\u001b[?1049h').length, 2)
  assert.ok(written.startsWith('\u001b[?1049h\u001b[?25l\u001b[H'))
  assert.ok(written.endsWith('\u001b[?25h\u001b[?1049l'))
})
