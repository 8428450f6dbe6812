import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from './config-parser.ts'
import { parseSnapshot, SnapshotError } from './snapshot-parser.ts'
import { createSnapshot } from './snapshot.ts'
import { designExample } from './written-config.test.ts'

function configOf(text: string) {
  const parsed = parseConfig(text, 'budao.yaml')
  assert.ok(parsed.ok)
  return parsed.config
}

test('a snapshot is numbered after the one before and dated', () => {
  const config = configOf(designExample)
  const { version, source, createdAt } = createSnapshot(config, 'budao.yaml', 41, Date.UTC(2026, 0, 2))
  assert.deepEqual([version, source, createdAt], [42, 'budao.yaml', '2026-01-02T00:00:00.000Z'])
})

test('a snapshot comes back from a file as it was', () => {
  const snapshot = createSnapshot(configOf(designExample), 'budao.yaml', 0, 0)
  assert.deepEqual(parseSnapshot(JSON.parse(JSON.stringify(snapshot))), snapshot)
})

test('a snapshot of an older release gets the defaults of keys it does not know', () => {
  const snapshot = createSnapshot(configOf(designExample), 'budao.yaml', 0, 0)
  const { drain, ...older } = snapshot.config
  assert.equal(parseSnapshot({ ...snapshot, config: older }).config.drain, drain)
})

const broken: [what: string, input: unknown, problem: RegExp][] = [
  ['nothing', null, /not a snapshot/],
  ['half a file', { version: 1 }, /source: .*createdAt: .*config: /s],
  ['version 0', { ...createSnapshot(configOf(designExample), 'f', 0, 0), version: 0 }, /version: /],
  [
    'durations as people write them',
    {
      ...createSnapshot(configOf(designExample), 'f', 0, 0),
      config: { ...configOf(designExample), drain: '30s' },
    },
    /config\.drain: /,
  ],
]
for (const [what, input, problem] of broken) {
  test(`${what} is refused as a snapshot`, () => {
    assert.throws(
      () => parseSnapshot(input),
      (error) => error instanceof SnapshotError && problem.test(error.message),
    )
  })
}
