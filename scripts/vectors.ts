// npm run vectors -- FILE…: replays vectors against our breaker and our priorities. Exit 0: all passed, 1: some
// failed, 2: wrong usage, or a file that cannot be read as vectors.
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { replayBreaker } from './vectors/breaker-replay.ts'
import { replayPriority } from './vectors/priority-replay.ts'
import { VectorFileError, readVectors } from './vectors/vector-file.ts'
import type { Vector } from './vectors/vector-file.ts'

const usage = `npm run vectors -- [--quirks] FILE...

Replays JSON lines: circuit-breaker vectors (with "events") and priority vectors (with "healthy" and "total").
Vectors of tier "quirk" record what other libraries do and we do not claim; --quirks replays them too.

Example: npm run vectors -- packages/resilience/vectors/breaker.jsonl`

function main(): number {
  let files: string[]
  let quirks: boolean
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: { quirks: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
    })
    if (values.help) {
      console.log(usage)
      return 0
    }
    files = positionals
    quirks = values.quirks
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    return 2
  }
  if (files.length === 0) {
    console.error(`expected at least one FILE\n\n${usage}`)
    return 2
  }

  const vectors: Vector[] = []
  try {
    // npm runs scripts from the workspace's root; the names are meant from where the person stands.
    for (const file of files) vectors.push(...readVectors(resolve(process.env['INIT_CWD'] ?? '.', file)))
  } catch (error) {
    if (!(error instanceof VectorFileError)) throw error
    console.error(error.message)
    return 2
  }

  let passed = 0
  let failed = 0
  let skipped = 0
  for (const vector of vectors) {
    if (vector.shape === 'breaker' && vector.tier === 'quirk' && !quirks) {
      skipped++
      continue
    }
    const { failures, notes } = vector.shape === 'breaker' ? replayBreaker(vector) : replayPriority(vector)
    for (const note of notes) console.error(`note: ${vector.id}: ${note}`)
    for (const { at, expected, seen } of failures) {
      console.log(`FAILED ${vector.id}, ${at}: expected ${expected}, seen ${seen}`)
    }
    if (failures.length === 0) passed++
    else failed++
  }
  if (skipped > 0) console.error(`note: ${skipped} of tier "quirk" not replayed (--quirks does)`)
  console.log(`${passed} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}

process.exitCode = main()
