import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from './config-parser.ts'
import { formatProblem } from './problem.ts'

function written(processes: string): string {
  return `version: 1
node: { name: agent-1, site: east }
sites: { east: {} }
services: { shop: { endpoints: [{ address: "127.0.0.1:7001", site: east }] } }
processes: ${processes}
`
}

test('a file with processes needs no listeners; what is left out has its default', () => {
  const parsed = parseConfig(written('{ shop: { command: [node, server.js], service: shop } }'), 'f')
  assert.ok(parsed.ok)
  assert.deepEqual(parsed.config.processes['shop'], {
    command: ['node', 'server.js'],
    env: {},
    service: 'shop',
    after: [],
    standby: false,
    restart: { min: 100, max: 30_000, stable: 30_000, limit: 10, window: 300_000 },
    stop: { signal: 'SIGTERM', grace: 10_000 },
    output: { fileBytes: 10_485_760, files: 5 },
  })
})

test('a check’s timeout is never longer than its interval by default', () => {
  const parsed = parseConfig(
    written('{ a: { command: [a], address: "h:1", health: { type: tcp, interval: 200ms } } }'),
    'f',
  )
  assert.ok(parsed.ok)
  assert.equal(parsed.config.processes['a']?.health?.timeout, 200)
})

const refused: [processes: string, problem: string][] = [
  ['{ a: {} }', 'processes.a.command: missing: expected a list: program, then arguments'],
  [
    '{ a: { command: node server.js } }',
    'processes.a.command: bad value: expected a list: program, then arguments, found "node server.js"',
  ],
  [
    '{ a: { command: [] } }',
    'processes.a.command: bad value: expected at least the program, found an empty list',
  ],
  [
    '{ a: { command: [a], service: shpo } }',
    'processes.a.service: unknown service: expected one of shop, found "shpo" (did you mean `shop`?)',
  ],
  [
    '{ a: { command: [a], after: [b] } }',
    'processes.a.after[0]: unknown process: expected one of a, found "b" (did you mean `a`?)',
  ],
  ['{ a: { command: [a], after: [a] } }', 'processes.a.after: waits for itself: found a → a'],
  [
    '{ a: { command: [a], health: { type: http } } }',
    'processes.a.health.address: missing: expected host:port, here or as `address`',
  ],
  [
    '{ a: { command: [a], health: { type: exec } } }',
    'processes.a.health.command: missing: expected a list: program, then arguments',
  ],
  [
    '{ a: { command: [a], address: "h:1", health: { type: tcp, command: [x] } } }',
    'processes.a.health.command: only with type exec: expected no command',
  ],
  [
    '{ a: { command: [a], address: "h:1", health: { type: tcp, timeout: 2s } } }',
    'processes.a.health.timeout: longer than health.interval: expected at most 1000ms, found 2000ms',
  ],
  [
    '{ a: { command: [a], restart: { min: 1m } } }',
    'processes.a.restart.min: longer than restart.max: expected at most 30000ms, found 60000ms',
  ],
  [
    '{ a: { command: [a], node: gw }, b: { command: [b], node: gw } }',
    'processes.b.node: node given twice: found gw (processes.a is it too)',
  ],
  [
    '{ a: { command: [a], stop: { signal: SIGKILL } } }',
    'processes.a.stop.signal: bad value: expected one of SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, found "SIGKILL"',
  ],
  [
    '{ a: { command: [a], output: none } }',
    'processes.a.output: bad value: expected settings, or passed, found "none"',
  ],
  [
    '{ a: { command: [a], memoryMax: 1MiB } }',
    'processes.a.memoryMax: bad value: expected a size from 8MiB to 1023GiB, such as 64MiB, found "1MiB"',
  ],
]

for (const [processes, problem] of refused) {
  test(`refused: ${problem}`, () => {
    const parsed = parseConfig(written(processes), 'f')
    assert.ok(!parsed.ok)
    assert.deepEqual(
      parsed.problems.map((each) => formatProblem(each).replace(/^f:\d+:\d+ +/, '')),
      [problem],
    )
  })
}

test('processes that wait for each other in a circle are all named', () => {
  const circle = '{ a: { command: [a], after: [b] }, b: { command: [b], after: [a] } }'
  const parsed = parseConfig(written(circle), 'f')
  assert.ok(!parsed.ok)
  assert.deepEqual(
    parsed.problems.map(({ path, found }) => `${path} ${found}`),
    ['processes.a.after a → b → a', 'processes.b.after b → a → b'],
  )
})
