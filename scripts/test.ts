// npm test [unit|e2e]: everything that can fail, in two runs of node:test, each with its closing summary.
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { constants } from 'node:os'

const which = process.argv[2] ?? 'all'
if (!['unit', 'e2e', 'all'].includes(which)) {
  console.error(`npm test: expected unit, e2e or nothing, got ${which}`)
  process.exit(2)
}

/** A handle that a test left open would hold its file, and with it the run, for ever: the runner then says which. */
const minutesMax = 20

// The runner gives each file a process of its own. Each half of the unit tests is one such file. They wait more than they
// compute: two at a time on two cores.
const unit = which === 'e2e' ? 0 : await run(['scripts/unit-first.ts', 'scripts/unit-second.ts'], 2)
// One at a time: the end-to-end files measure failovers, and the machine may have two cores.
const e2e = which === 'unit' ? 0 : await run(globSync('e2e/*.e2e.test.ts').toSorted(), 1)
if (which === 'all') console.log(`unit tests: ${word(unit)}; end to end: ${word(e2e)}`)
process.exitCode = unit || e2e

/** The exit code. Signals are passed on, and end both runs. */
async function run(files: readonly string[], concurrency: number): Promise<number> {
  const child = spawn(
    process.execPath,
    [
      ...['--conditions=@budao/source', '--test', `--test-concurrency=${concurrency}`],
      ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
      ...['--test-reporter=./scripts/no-skips.ts', '--test-reporter-destination=stdout'],
      ...files,
    ],
    { stdio: 'inherit' },
  )
  const deadline = setTimeout(() => {
    console.error(`npm test: not over after ${minutesMax} minutes, ending it`)
    child.kill('SIGTERM')
  }, minutesMax * 60_000)
  const stop = (signal: NodeJS.Signals): void => {
    child.kill(signal)
    child.once('exit', () => process.exit(128 + constants.signals[signal]))
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  return await new Promise((settle) => {
    child.on('exit', (code, signal) => {
      clearTimeout(deadline)
      process.off('SIGINT', stop).off('SIGTERM', stop)
      settle(code ?? 128 + (signal === null ? 1 : constants.signals[signal]))
    })
  })
}

function word(exitCode: number): string {
  return exitCode === 0 ? 'passed' : 'failed'
}
