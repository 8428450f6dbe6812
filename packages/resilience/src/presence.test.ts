import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Presence, type PresenceChange } from './presence.ts'

type Step = 'answered' | 'failed' | 'lost'

const cases: [what: string, steps: Step[], changes: PresenceChange[], here: boolean][] = [
  ['it is away until it has answered', [], [], false],
  ['the first answer brings it', ['answered', 'answered'], ['back', undefined], true],
  [
    'three failures in a row take it away, once',
    ['answered', 'failed', 'failed', 'failed', 'failed'],
    ['back', undefined, undefined, 'away', undefined],
    false,
  ],
  [
    'an answer between them starts the count anew',
    ['answered', 'failed', 'failed', 'answered', 'failed', 'failed'],
    ['back', undefined, undefined, undefined, undefined, undefined],
    true,
  ],
  [
    'a lost connection takes it away at once',
    ['answered', 'lost', 'lost'],
    ['back', 'away', undefined],
    false,
  ],
  [
    'failures from before it went away do not count when it is back',
    ['answered', 'failed', 'failed', 'lost', 'answered', 'failed'],
    ['back', undefined, undefined, 'away', 'back', undefined],
    true,
  ],
]
for (const [what, steps, changes, here] of cases) {
  test(what, () => {
    const presence = new Presence(3)
    assert.deepEqual(
      steps.map((step) => presence[step]()),
      changes,
    )
    assert.equal(presence.here, here)
  })
}

test('a count below one is refused', () => {
  assert.throws(() => new Presence(0), RangeError)
})
