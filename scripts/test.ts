// npm test [unit|e2e] [-- --times]: everything that can fail, in three runs of node:test, each with its closing summary: the unit
// tests, the end-to-end tests that go side by side, and those that want the machine for themselves.
// --times: and which files took longest.
// With CI=true an end-to-end file that failed is run once more, alone, and said to be flaky where it passes then: these tests kill and cut off
// dozens of processes by the clock, on machines that others use too. More than two are no accident.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { endToEnd, unitParts } from './test-files.ts'

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
const secondChancesMax = 2

// The runner gives each file a process of its own; each part of the unit tests is one such file.
const unit = which === 'e2e' ? 0 : await run(unitParts, unitParts.length)
const e2e = which === 'unit' ? 0 : await runEndToEnd()
if (which === 'all') console.log(`unit tests: ${word(unit)}; end to end: ${word(e2e)}`)
process.exitCode = unit || e2e

async function runEndToEnd(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'budao-tests-'))
  try {
    const failed: string[] = []
    const runNoting = async (files: readonly string[], concurrency: number): Promise<number> => {
      const note = join(folder, `failed-${concurrency}`)
      const code = await run(files, concurrency, note)
      const noted = code === 0 ? [] : readFileSync(note, 'utf8').split('\n').filter(Boolean)
      failed.push(...noted)
      // What ended badly without a failed test, such as one that was skipped, has no second chance.
      return noted.length === 0 ? code : 0
    }
    const code = (await runNoting(endToEnd.beside, 2)) || (await runNoting(endToEnd.alone, 1))
    if (code !== 0 || failed.length === 0) return code
    if (process.env['CI'] !== 'true' || failed.length > secondChancesMax) return 1
    console.log(`\nonce more, alone: ${failed.join(', ')}`)
    const again = await run(failed, 1)
    console.log(again === 0 ? `flaky, passed the second time: ${failed.join(', ')}` : 'failed twice')
    return again
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The exit code. Signals are passed on, and end both runs. `failedNote`: where the files are written in which something failed. */
async function run(files: readonly string[], concurrency: number, failedNote?: string): Promise<number> {
  const reporters = ['spec', './scripts/no-skips.ts', ...(values.times ? ['./scripts/slowest.ts'] : [])]
  const noting =
    failedNote === undefined
      ? []
      : ['--test-reporter=./scripts/failed-files.ts', `--test-reporter-destination=${failedNote}`]
  const child = spawn(
    process.execPath,
    [
      ...['--conditions=@budao/source', '--test', `--test-concurrency=${concurrency}`],
      ...reporters.flatMap((name) => [`--test-reporter=${name}`, '--test-reporter-destination=stdout']),
      ...noting,
      ...files,
    ],
    {
      stdio: 'inherit',
      // Hundreds of processes are started from the same sources: without it each strips their types and compiles them anew.
      env: { NODE_COMPILE_CACHE: resolve('node_modules/.cache/compile'), ...process.env },
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
