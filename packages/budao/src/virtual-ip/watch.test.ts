import assert from 'node:assert/strict'
import { test } from 'node:test'
import { watchReadiness } from './watch.ts'

/** `+` ready, `-` not; what is published after each: `0`, `1`, or `.` for nothing. */
const table: [what: string, fall: number, rise: number, answers: string, published: string][] = [
  ['a gateway that is well', 3, 2, '+++', '...'],
  ['the first answer decides', 3, 2, '-', '1'],
  ['fall failures in a row', 3, 2, '+--+---', '......1'],
  ['rise good answers in a row', 2, 3, '+--++-+++', '..1.....0'],
]
for (const [what, fall, rise, answers, published] of table) {
  test(`${what}: ${answers} publishes ${published}`, async () => {
    const ended = new AbortController()
    const lines: string[] = []
    const seen: string[] = []
    let asked = 0
    await watchReadiness({
      fall,
      rise,
      intervalMs: 0,
      ask: () => {
        const answer = answers[asked++]
        if (answer === undefined) ended.abort()
        else seen.push('.')
        return Promise.resolve(answer === '-' ? { ready: false, reason: 'gone' } : { ready: true })
      },
      publish: (fails) => {
        if (asked > 0 && !ended.signal.aborted) seen[seen.length - 1] = fails ? '1' : '0'
        else lines.push(fails ? '1' : '0')
      },
      tell: (answer) => lines.push(answer.ready ? 'ready' : answer.reason),
      signal: ended.signal,
    })
    assert.equal(seen.join(''), published)
    assert.deepEqual([lines.at(0), lines.at(-1)], ['0', '0'], 'who does not watch does not fail')
    if (answers === '-') assert.equal(lines[1], 'gone')
  })
}
