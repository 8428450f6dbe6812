import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Channel } from './channel.ts'
import { Channels, failoverDefaults } from './channels.ts'
import { failureOf, type FailureKind } from './failure.ts'
import type { Transport } from './transport.ts'

const transport: Transport = { name: 'none', send: () => () => {} }

/** Two channels, and what happened to them so far, by a letter each. */
function world(): {
  channels: Channels
  a: Channel
  b: Channel
  end(channel: Channel, kind?: FailureKind): void
} {
  const a = new Channel('https://a.example', transport)
  const b = new Channel('https://b.example', transport)
  const channels = new Channels([a, b], failoverDefaults)
  const end = (channel: Channel, kind?: FailureKind): void =>
    channels.onEnd(channel, channel.breaker.admit(0), kind === undefined ? undefined : failureOf(kind, ''), 0)
  return { channels, a, b, end }
}

test('one lost attempt makes a channel suspect: calls go to one that works, and a probe decides', () => {
  const { channels, a, b, end } = world()
  end(a, 'timeout')
  assert.equal(channels.dueProbe(0), a)
  assert.equal(channels.dueProbe(999), null, 'not more than one a second')
  assert.deepEqual([channels.choose(0, []), channels.active], [b, a])
  channels.onProbe(a, true, 10)
  assert.equal(channels.choose(20, []), a)
  for (let n = 0; n < 6; n++) channels.onProbe(a, false, 100)
  assert.deepEqual([channels.active, channels.left], [b, 1], 'seven failures in a row leave it')
})

test('where nothing works nobody is probed, and calls go to the channel in use', () => {
  const { channels, a, b, end } = world()
  for (let n = 0; n < 3; n++) for (const channel of [a, b]) end(channel, 'timeout')
  assert.equal(channels.dueProbe(5_000), null)
  assert.deepEqual([channels.choose(0, []), channels.active], [a, a])
  end(b)
  assert.equal(channels.choose(0, []), b)
  assert.equal(channels.dueProbe(5_000), a)
  // Nor while another is in use that works no more.
  end(a, 'not-sent')
  assert.equal(channels.active, b)
  end(b, 'timeout')
  assert.equal(channels.dueProbe(60_000), null)
})

const leaves: readonly (readonly [kind: FailureKind, times: number])[] = [
  ['not-sent', 1],
  ['wrong', 2],
  ['timeout', 7],
  ['broken', 7],
]

for (const [kind, times] of leaves) {
  test(`a channel is left after ${times} × ${kind}, whatever its probes say between`, () => {
    const { channels, a, b, end } = world()
    for (let n = 1; n <= times; n++) {
      assert.equal(channels.active, a, `after ${n - 1}`)
      end(a, kind)
      channels.onProbe(a, true, 0)
    }
    assert.equal(channels.active, b)
  })
}

test('what the phone did itself speaks against nobody', () => {
  const { channels, a, end } = world()
  for (const kind of ['offline', 'network-switch', 'interrupted', 'aborted', 'misuse'] as const) end(a, kind)
  assert.deepEqual([a.failures, a.suspect, channels.choose(0, [])], [0, false, a])
})
