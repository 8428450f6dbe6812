import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CrashWatch, isCrashing, type LifeLook } from './crash-watch.ts'

const seen = (up: boolean | null): LifeLook => ({ up, crashes: null })
const told = (crashes: number, up = true): LifeLook => ({ up, crashes })

/** One letter a look, a second between: `+` up, `-` down, `o` kept out. */
function watched(...all: readonly string[]): number {
  const watch = new CrashWatch()
  const looks = Math.max(...all.map(({ length }) => length))
  for (let at = 0; at < looks; at++)
    for (const [index, line] of all.entries()) {
      const look = line[at]
      if (look !== undefined) watch.see(`${index}`, seen(look === 'o' ? null : look === '+'), at * 1_000)
    }
  return watch.worst(looks * 1_000)
}

const table: readonly (readonly [what: string, looks: readonly string[], lives: number])[] = [
  ['up, down, up, down: the second life has not begun', ['+-+-'], 1],
  ['up and down all the time', ['+-+-+-+'], 3],
  ['what ends and stays away is in no loop', ['+-----'], 0],
  ['what is down when it is first seen has not ended', ['--+'], 0],
  ['a rolling restart: each of them once', ['+-+++++', '+++-+++', '+++++-+'], 1],
  ['drained, restarted, let in again, three times', ['+oo+oo+oo+'], 0],
  ['let in again before its checks pass', ['+oo--+oo--+'], 0],
  ['a crash after a drain is one', ['+oo+-+'], 1],
]
for (const [what, looks, lives] of table) test(what, () => assert.equal(watched(...looks), lives))

test('lives are counted for five minutes, of whoever began anew most often', () => {
  const watch = new CrashWatch()
  for (const [at, up] of [true, false, true, false, true].entries()) {
    watch.see('a', seen(up), at * 1_000)
    watch.see('b', seen(at !== 3), at * 1_000)
  }
  assert.equal(watch.worst(4_000), 2)
  assert.equal(watch.worst(302_500), 1, 'the first is forgotten')
  assert.equal(watch.worst(310_000), 0)
})

test('who looks after a process knows what was meant to end, and what ended between two looks', () => {
  const watch = new CrashWatch()
  watch.see('a', told(7, false), 0)
  watch.see('a', told(7), 500)
  for (let at = 1_000; at < 9_000; at += 1_000) {
    watch.see('a', told(7, false), at)
    watch.see('a', told(7), at + 500)
  }
  assert.equal(watch.worst(9_000), 0, 'restarted by a person again and again')
  watch.see('a', told(9), 9_500)
  assert.equal(watch.worst(9_500), 2)
  watch.see('a', told(0), 10_000)
  assert.equal(watch.worst(10_000), 2, 'an agent that began anew says nothing')
  watch.see('a', told(1, false), 10_500)
  watch.see('a', told(1), 11_000)
  assert.equal(watch.worst(11_000), 3, 'checks and the agent saw one end, not two')
})

for (const [canary, stable, crashing] of [
  [2, 0, false],
  [3, 0, true],
  [3, 1, true],
  [3, 2, false],
  [9, 3, false],
] as const)
  test(`${canary} new lives, ${stable} of stable: ${crashing}`, () =>
    assert.equal(isCrashing(canary, stable), crashing))
