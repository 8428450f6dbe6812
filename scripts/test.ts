// npm test [unit|e2e]: everything that can fail, in one run of node:test with one closing summary.
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { constants } from 'node:os'

const which = process.argv[2] ?? 'all'
if (!['unit', 'e2e', 'all'].includes(which)) {
  console.error(`npm test: expected unit, e2e or nothing, got ${which}`)
  process.exit(2)
}

// The runner gives each file a process of its own. `unit.ts` is one such file and loads every unit test.
const files = [
  ...(which === 'e2e' ? [] : ['scripts/unit.ts']),
  ...(which === 'unit' ? [] : globSync('e2e/*.e2e.test.ts').toSorted()),
]

// One at a time: the end-to-end files measure failovers, and the machine may have two cores.
const child = spawn(
  process.execPath,
  [
    ...['--conditions=@budao/source', '--test', '--test-concurrency=1'],
    ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
    ...['--test-reporter=./scripts/no-skips.ts', '--test-reporter-destination=stdout'],
    ...files,
  ],
  { stdio: 'inherit' },
)
// A handle that a test left open would hold its file, and with it the run, for ever: the runner then says which.
const minutesMax = 20
const deadline = setTimeout(() => {
  console.error(`npm test: not over after ${minutesMax} minutes, ending it`)
  child.kill('SIGTERM')
}, minutesMax * 60_000)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => {
  clearTimeout(deadline)
  process.exitCode = code ?? 128 + (signal === null ? 1 : constants.signals[signal])
})
