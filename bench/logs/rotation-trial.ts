import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { linesIn as recordsIn } from '../../packages/observability/src/store/log-decoder.ts'
import { segmentName, segmentNumbers } from '../../packages/observability/src/store/segment-log.ts'
import { type LogPlace, readLog } from '../../packages/observability/src/store/segment-reader.ts'
import { startIntake } from './intake-plan.ts'
import { lineNumber } from './line-writer.ts'

export type RotationMethod = 'rename' | 'copytruncate'

/** What the writer does. */
export interface WriterPlan {
  readonly path: string
  readonly method: RotationMethod
  readonly everyMs: number
  readonly linesPerSecond: number
  readonly seconds: number
  /** Generations that are kept beside the file. */
  readonly keep: number
  readonly seed: number
}

/** What it did. */
export interface WriterResult {
  readonly lines: number
  readonly rotations: number
  readonly elapsedSeconds: number
  /** Lines written between a copy and the truncation behind it. */
  readonly windows: readonly (readonly [from: number, to: number])[]
}

/** What a trial came to. */
export interface RotationTrial {
  readonly plan: Omit<WriterPlan, 'path'>
  readonly lines: number
  readonly rotations: number
  readonly linesPerSecond: number
  /** Lines that are not in the store, without those that the method itself may lose. */
  readonly lost: number
  readonly repeated: number
  /** Lines between a copy and its truncation, and those of them that are not in the store. */
  readonly unsaved: number
  readonly unsavedLost: number
}

const program = fileURLToPath(new URL('./rotating-writer.ts', import.meta.url))
const settleMsMax = 120_000

/** Lines come and their file is rotated, both fast, while it is read. Then the store is compared with what was written. */
export async function runRotationTrial(
  folder: string,
  plan: Omit<WriterPlan, 'path'>,
  quietMs = 2_000,
): Promise<RotationTrial> {
  const logs = join(folder, 'logs')
  const store = join(folder, 'store')
  mkdirSync(logs, { recursive: true })
  const reader = startIntake({ logs, folder: store, sinks: {}, segmentBytes: 16_777_216, tendMs: 1_000 })
  await once(reader.stdout!, 'data')
  const writer = spawn(
    process.execPath,
    ['--conditions=@budao/source', program, JSON.stringify({ ...plan, path: join(logs, 'app.log') })],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const result = JSON.parse(await text(writer.stdout)) as WriterResult
  const bytes = (): number =>
    segmentNumbers(store).reduce((sum, number) => sum + statSync(join(store, segmentName(number))).size, 0)
  const until = performance.now() + settleMsMax
  // Nothing more has come for a while: what is missing then is missing.
  for (let before = -1; bytes() !== before && performance.now() < until;) {
    before = bytes()
    await sleep(quietMs)
  }
  reader.kill('SIGKILL')
  await once(reader, 'close')
  const counts = linesIn(store, result.lines)
  const maySpare = new Uint8Array(result.lines)
  for (const [from, to] of result.windows) maySpare.fill(1, from, to)
  const missing = (spared: number): number =>
    counts.reduce((sum, count, line) => sum + (count === 0 && maySpare[line] === spared ? 1 : 0), 0)
  return {
    plan,
    lines: result.lines,
    rotations: result.rotations,
    linesPerSecond: Math.round(result.lines / result.elapsedSeconds),
    lost: missing(0),
    repeated: counts.reduce((sum, count) => sum + (count > 1 ? 1 : 0), 0),
    unsaved: maySpare.reduce((sum, each) => sum + each, 0),
    unsavedLost: missing(1),
  }
}

/** How often each line is there; a line that was never written counts as a repeat of the first. */
function linesIn(store: string, lines: number): Uint8Array {
  const counts = new Uint8Array(lines)
  for (let place: LogPlace = { segment: 0, offset: 0 }; ;) {
    const piece = readLog(store, place)
    if (piece === null) return counts
    for (const { body } of recordsIn(piece.bytes)) {
      const number = lineNumber(body)
      if (number >= 0 && number < lines) counts[number]!++
      else counts[0]! += 2
    }
    place = piece.next
  }
}
