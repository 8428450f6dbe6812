import { linkSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Usage, usageOf } from '../process-tree.ts'
import type { Stage } from '../stage.ts'
import { BulkSink } from './bulk-sink.ts'
import type { Collector, Destination, Running } from './collector.ts'
import { type LineKind, lineOf, messageOf, writeLines } from './log-lines.ts'

/** What a collector has to do. */
export interface LogScenario {
  readonly name: string
  readonly about: string
  readonly kind: LineKind
  readonly destination: Destination
  /** Lines a second; null: all of them at once. */
  readonly rate: number | null
  /** Whether it has one core to itself, or all of them with whoever takes its lines. */
  readonly cores: 'one' | 'all'
}

/** One collector in one scenario, once. */
export interface LogRound {
  readonly round: number
  readonly scenario: string
  readonly collector: string
  readonly lines: number
  readonly seconds: number
  readonly linesPerSecond: number
  /** Of the file, in millions. */
  readonly megabytesPerSecond: number
  /** User and system time of all its threads and processes. */
  readonly cpuMicrosPerLine: number
  readonly busyPercent: number
  /** Before the first line, behind the last one, and the highest ever. */
  readonly idleRssBytes: number
  readonly rssBytes: number
  readonly peakRssBytes: number
}

/** Where and with how much. */
export interface LogGround {
  readonly stage: Stage
  readonly core: number
  readonly loadCore: number
  readonly lines: number
  readonly seconds: number
}

const pollMs = 20
const doneMsMax = 120_000
const settleMs = 1_500
const tickMs = 100
const checkedLines = 5_000

let launches = 0

/** Whether each of some lines arrives, once, in order and as it was; null when so, else what did not. */
export async function wrongLines(
  collector: Collector,
  scenario: LogScenario,
  ground: LogGround,
): Promise<string | null> {
  const { kind } = scenario
  await using up = await begin(collector, scenario, ground)
  const bytes = writeLines(up.file, kind, 0, checkedLines)
  await untilDone(up, bytes, checkedLines)
  const got = up.sink === null ? up.running.messages() : await up.sink.messages()
  const message = (index: number): string[] => [messageOf(index), lineOf(kind, index)]
  for (let index = 0; index < checkedLines; index++)
    if (!message(index).includes(got[index]!)) return `line ${index} is ${JSON.stringify(got[index])}`
  return got.length === checkedLines ? null : `${got.length} lines for ${checkedLines}`
}

/** A new process; the same file for everybody, at once or as a program writes it. */
export async function runLogRound(
  collector: Collector,
  scenario: LogScenario,
  prepared: { readonly path: string; readonly bytes: number },
  round: number,
  ground: LogGround,
): Promise<LogRound> {
  const { kind, rate } = scenario
  await using up = await begin(collector, scenario, ground)
  await sleep(settleMs)
  const before = usageOf(up.running.process.pid)
  const began = performance.now()
  let lines = ground.lines
  let { bytes } = prepared
  if (rate === null) linkSync(prepared.path, up.file)
  else ({ lines, bytes } = await writePaced(up.file, kind, rate, ground.seconds))
  await untilDone(up, bytes, lines)
  const seconds = (performance.now() - began) / 1_000
  return {
    round,
    scenario: scenario.name,
    collector: collector.name,
    lines,
    seconds,
    linesPerSecond: lines / seconds,
    megabytesPerSecond: bytes / 1e6 / seconds,
    ...used(before, usageOf(up.running.process.pid), lines, seconds),
  }
}

function used(
  before: Usage,
  after: Usage,
  lines: number,
  seconds: number,
): Pick<LogRound, 'cpuMicrosPerLine' | 'busyPercent' | 'idleRssBytes' | 'rssBytes' | 'peakRssBytes'> {
  const micros = after.cpuMicros - before.cpuMicros
  return {
    cpuMicrosPerLine: micros / lines,
    busyPercent: micros / seconds / 1e4,
    idleRssBytes: before.rssBytes,
    rssBytes: after.rssBytes,
    peakRssBytes: after.peakRssBytes,
  }
}

interface Up extends AsyncDisposable {
  readonly running: Running
  readonly sink: BulkSink | null
  readonly file: string
}

async function begin(
  collector: Collector,
  { destination, cores }: LogScenario,
  { stage, ...pinned }: LogGround,
): Promise<Up> {
  const { core, loadCore } = cores === 'one' ? pinned : { core: undefined, loadCore: undefined }
  const folder = join(stage.folder, `${collector.name}-${++launches}`)
  const logs = join(folder, 'logs')
  mkdirSync(logs, { recursive: true })
  const sink = destination === 'bulk' ? await BulkSink.start(stage, loadCore) : null
  const running = await collector.start({ stage, folder, logs, bulkPort: sink?.port ?? null, core })
  return {
    running,
    sink,
    file: join(logs, 'app.log'),
    async [Symbol.asyncDispose]() {
      await stage.stop(running.process)
      await sink?.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function untilDone({ running, sink }: Up, bytes: number, lines: number): Promise<void> {
  const until = performance.now() + doneMsMax
  for (;;) {
    if (sink === null ? running.hasAll(bytes) : (await sink.count()) >= lines) return
    if (!running.process.running) throw new Error(`${running.process.name} has ended`)
    if (performance.now() > until) throw new Error(`not all of ${lines} lines within ${doneMsMax} ms`)
    await sleep(pollMs)
  }
}

async function writePaced(
  file: string,
  kind: LineKind,
  rate: number,
  seconds: number,
): Promise<{ lines: number; bytes: number }> {
  const each = Math.round((rate * tickMs) / 1_000)
  const began = performance.now()
  let lines = 0
  let bytes = 0
  for (let tick = 0; tick < (seconds * 1_000) / tickMs; tick++) {
    bytes += writeLines(file, kind, lines, each)
    lines += each
    await sleep(Math.max(0, began + (tick + 1) * tickMs - performance.now()))
  }
  return { lines, bytes }
}
