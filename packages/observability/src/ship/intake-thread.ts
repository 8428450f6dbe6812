import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import type { LogFilter, LogRecord } from '@budao/model'
import { recordTest, type RecordTest } from '../record/filter-match.ts'
import { recordOf } from '../record/parsed-line.ts'
import { linesIn } from '../store/log-decoder.ts'
import { LogStore } from '../store/log-store.ts'
import { LogPipeline } from './log-pipeline.ts'
import { inputOf } from './log-plan.ts'
import type { FromIntake, IntakeStart, ToIntake } from './thread-messages.ts'

// A thread of its own: reading, appending and indexing wait for the disk.

const idleMs = 50
const blockedMs = 250
const tendMs = 1_000
/** A process that is just ending is waited for. */
const lockMs = 5_000
/** Records that one append may send to whoever watches. */
const watchedMax = 5_000

const start = workerData as IntakeStart
const port = parentPort!
const now = (): number => performance.now()

let taken = start.awaited ? 0 : Number.MAX_SAFE_INTEGER
let closing = false
let watched = anyOf(start.filters)
let unwatched = 0
let timer: NodeJS.Timeout | undefined
let tendAt = 0
/** Held for as long as this thread lives, however it ends. */
let lock: DatabaseSync | null = null

const send = (message: FromIntake): void => port.postMessage(message)
const opened = open()

port.on('message', (message: ToIntake) => {
  if (message.kind === 'taken') taken = message.segment
  else if (message.kind === 'watch') watched = anyOf(message.filters)
  else {
    closing = true
    clearTimeout(timer)
    close()
  }
})
if (opened !== null) turn()

function open(): { readonly store: LogStore; readonly pipeline: LogPipeline } | null {
  try {
    const { folder, files, search, keep, bytes } = start
    const inputs = files.map(inputOf)
    lock = lockFolder(folder)
    const store = LogStore.open({
      folder,
      indexed: search,
      ageMax: keep,
      bytesMax: bytes,
      // A sixteenth: so that little goes at once where little may be kept.
      segmentBytes: Math.min(16 * 1_048_576, Math.max(1_048_576, Math.floor(bytes / 16))),
      now: Date.now,
      warn: (message) => send({ kind: 'warning', message }),
    })
    const pipeline = new LogPipeline(store, inputs, {
      now,
      wallNow: Date.now,
      hasRoom: () => start.drop || store.hasRoom,
      tap: (lines) => watch(store, lines),
    })
    send({ kind: 'open' })
    return { store, pipeline }
  } catch (error) {
    send({ kind: 'failed', problem: error instanceof Error ? error.message : String(error) })
    port.close()
    return null
  }
}

/** Two that append to one folder would tear each other's lines. Throws where another has it. */
function lockFolder(path: string): DatabaseSync {
  mkdirSync(path, { recursive: true, mode: 0o750 })
  const database = new DatabaseSync(join(path, 'lock.db'), { timeout: lockMs })
  try {
    database.exec('BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database.close()
    throw new Error(`another process collects logs into ${path}: end it, or give this one another dataDir`, {
      cause: error,
    })
  }
}

function turn(): void {
  const { store, pipeline } = opened!
  const state = pipeline.turn()
  if (now() >= tendAt) {
    tendAt = now() + tendMs
    tend(store, pipeline)
  }
  if (closing) return
  if (state === 'more') setImmediate(turn)
  else timer = setTimeout(turn, state === 'idle' ? idleMs : blockedMs)
}

function tend(store: LogStore, pipeline: LogPipeline): void {
  let problem = pipeline.problem?.message ?? null
  try {
    store.tend(taken, start.drop)
  } catch (error) {
    problem ??= (error as Error).message
  }
  if (problem === null && !start.drop && !store.hasRoom)
    problem = 'the store is full of what no sink has taken yet'
  send({
    kind: 'report',
    report: {
      ...pipeline.counts,
      ...pipeline.tails.counts,
      files: [...pipeline.tails.files].length,
      storeBytes: store.log.bytes,
      segments: store.log.segments.length,
      droppedBytes: store.droppedBytes,
      unwatched,
      problem,
    },
  })
}

function watch(store: LogStore, lines: Buffer): void {
  if (watched === null) return
  const records: LogRecord[] = []
  for (const line of linesIn(lines)) {
    const record = recordOf(line, store.log.origin(line.src))
    if (!watched(record)) continue
    if (records.length < watchedMax) records.push(record)
    else unwatched++
  }
  if (records.length > 0) send({ kind: 'records', records })
}

function anyOf(filters: readonly LogFilter[]): RecordTest | null {
  return filters.length === 0 ? null : recordTest({ kind: 'or', parts: filters })
}

function close(): void {
  opened?.pipeline.close()
  opened?.store.close()
  lock?.close()
  port.close()
}
