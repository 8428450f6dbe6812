// npm test [unit|e2e] [-- --times]: everything that can fail, in three runs of node:test, each with its closing summary: the unit
// tests, the end-to-end tests that go side by side, and those that want the machine for themselves.
// --times: and which files took longest.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { endToEnd, unitProcesses } from './test-files.ts'

const { positionals, values } = parseArgs({
  options: { times: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const which = positionals[0] ?? 'all'
if (!['unit', 'e2e', 'all'].includes(which)) {
  console.error(`npm test: expected unit, e2e or nothing, got ${which}`)
  process.exit(2)
}

/** A handle that a test left open would hold its file, and with it the run, for ever: the runner then says which. */
const minutesMax = 20

// The runner gives each file a process of its own.
const unit = which === 'e2e' ? 0 : await runUnits()
const beside = which === 'unit' ? 0 : await run(endToEnd.beside, 3)
const alone = which === 'unit' ? 0 : await run(endToEnd.alone, 1)
const e2e = beside || alone
if (which === 'all') console.log(`unit tests: ${word(unit)}; end to end: ${word(e2e)}`)
process.exitCode = unit || e2e

async function runUnits(): Promise<number> {
  const claims = mkdtempSync(join(tmpdir(), 'budao-unit-'))
  try {
    return await run(unitProcesses, unitProcesses.length, { BUDAO_UNIT_CLAIMS: claims })
  } finally {
    rmSync(claims, { recursive: true, force: true })
  }
}

/** The exit code. Signals are passed on, and end both runs. */
async function run(files: readonly string[], concurrency: number, env: object = {}): Promise<number> {
  const reporters = ['spec', './scripts/no-skips.ts', ...(values.times ? ['./scripts/slowest.ts'] : [])]
  const child = spawn(
    process.execPath,
    [
      ...['--conditions=@budao/source', '--test', `--test-concurrency=${concurrency}`],
      ...reporters.flatMap((name) => [`--test-reporter=${name}`, '--test-reporter-destination=stdout']),
      ...files,
    ],
    {
      stdio: 'inherit',
      // Hundreds of processes are started from the same sources: without it each strips their types and compiles them anew.
      env: { NODE_COMPILE_CACHE: resolve('node_modules/.cache/compile'), ...process.env, ...env },
    },
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
