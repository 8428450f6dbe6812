import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { SeededDraws } from '@budao/testkit'
import { LogDecoder } from '../../packages/observability/src/store/log-decoder.ts'
import { type LogPlace, readLog } from '../../packages/observability/src/store/segment-reader.ts'

/** What a trial came to. */
export interface KillTrial {
  readonly seed: number
  readonly kills: number
  readonly rotations: number
  readonly lines: number
  /** Lines that are not in the store. */
  readonly lost: number
  /** Lines that are in it more than once. */
  readonly repeated: number
}

const program = fileURLToPath(new URL('./intake-process.ts', import.meta.url))
const killAfterMsMax = 60
const settleMsMax = 30_000

/**
 * Kills the process that reads files again and again, at any moment, while lines are written and files are rotated: then each line has
 * to be in the store exactly once.
 */
export async function runKillTrial(folder: string, seed: number, kills: number): Promise<KillTrial> {
  const draws = new SeededDraws(seed)
  const random = (): number => draws.next()
  const logs = join(folder, 'logs')
  const store = join(folder, 'store')
  mkdirSync(logs, { recursive: true })
  const writer = new LineWriter(join(logs, 'app.log'), random)
  // What was rotated away before the very first look is history, and not read.
  await writer.begin(() => untilStored(logs, store))
  for (let kill = 0; kill < kills; kill++) {
    const child = start(logs, store)
    // Half of them while it opens what the one before left.
    if (random() < 0.5) await once(child.stdout!, 'data')
    const until = performance.now() + random() * killAfterMsMax
    while (performance.now() < until) {
      writer.write()
      await sleep(1)
    }
    child.kill('SIGKILL')
    if (random() < 0.5) writer.write()
    await once(child, 'close')
  }
  writer.finish()
  const child = start(logs, store)
  const deadline = performance.now() + settleMsMax
  let counts = new Map<string, number>()
  do {
    await sleep(50)
    counts = linesIn(store)
  } while (counts.size < writer.lines && performance.now() < deadline)
  child.kill('SIGKILL')
  await once(child, 'close')
  counts = linesIn(store)
  const found = [...counts]
  return {
    seed,
    kills,
    rotations: writer.rotations,
    lines: writer.lines,
    lost: writer.lines - found.filter(([line]) => /^line \d+ end$/.test(line)).length,
    repeated: found.filter(([, count]) => count > 1).length,
  }
}

async function untilStored(logs: string, store: string): Promise<void> {
  const child = start(logs, store)
  await once(child.stdout!, 'data')
  while (linesIn(store).size === 0) await sleep(5)
  child.kill('SIGKILL')
  await once(child, 'close')
}

function start(logs: string, store: string): ChildProcess {
  return spawn(process.execPath, ['--conditions=@budao/source', program, logs, store], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

/** Writes numbered lines in pieces that end anywhere, and rotates now and then. */
class LineWriter {
  lines = 0
  rotations = 0
  readonly #path: string
  readonly #random: () => number
  /** Of the last piece, what is missing to its line end. */
  #rest = ''

  constructor(path: string, random: () => number) {
    this.#path = path
    this.#random = random
  }

  write(): void {
    let text = this.#rest
    const count = 1 + Math.floor(this.#random() * 200)
    for (let index = 0; index < count; index++) text += `line ${this.lines++} end\n`
    const cut = this.#random() < 0.3 ? text.length - 1 - Math.floor(this.#random() * 8) : text.length
    appendFileSync(this.#path, text.slice(0, cut))
    this.#rest = text.slice(cut)
    if (this.#rest === '' && this.#random() < 0.1) this.#rotate()
  }

  /** The first line, alone. */
  async begin(stored: () => Promise<void>): Promise<void> {
    appendFileSync(this.#path, `line ${this.lines++} end\n`)
    await stored()
  }

  finish(): void {
    if (this.#rest !== '') appendFileSync(this.#path, this.#rest)
    this.#rest = ''
  }

  #rotate(): void {
    const folder = join(this.#path, '..')
    const generations = readdirSync(folder)
      .map((name) => Number(/^app\.log\.(\d+)$/.exec(name)?.[1] ?? 0))
      .filter((generation) => generation > 0)
    for (const generation of generations.toSorted((a, b) => b - a))
      renameSync(`${this.#path}.${generation}`, `${this.#path}.${generation + 1}`)
    renameSync(this.#path, `${this.#path}.1`)
    appendFileSync(this.#path, '')
    this.rotations++
  }
}

function linesIn(store: string): Map<string, number> {
  const counts = new Map<string, number>()
  const decoder = new LogDecoder(store)
  for (let place: LogPlace = { segment: 0, offset: 0 }; ;) {
    const piece = readLog(store, place)
    if (piece === null) return counts
    for (const { body } of decoder.records(piece)) counts.set(body, (counts.get(body) ?? 0) + 1)
    place = piece.next
  }
}
