// Writes numbered lines at a pace and rotates their file all the time. Argument: a WriterPlan as JSON; prints WriterResult at its end.
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { SeededDraws } from '@budao/testkit'
import { paddedLine, shiftGenerations } from './line-writer.ts'
import type { WriterPlan, WriterResult } from './rotation-trial.ts'

const plan = JSON.parse(process.argv[2]!) as WriterPlan
const { path, method, everyMs, linesPerSecond, seconds, keep, seed } = plan
const draws = new SeededDraws(seed)
const windows: [from: number, to: number][] = []
const begun = performance.now()
let file = openSync(path, 'a')
let lines = 0
let rotations = 0
let rotateAt = begun + everyMs
/** After a rename the writer goes on with the file it has for a moment, as until a signal comes. */
let reopenAt = Infinity

for (let now = begun; now < begun + seconds * 1_000; now = performance.now()) {
  write(Math.floor(((now - begun) / 1_000) * linesPerSecond))
  if (now >= rotateAt) {
    rotateAt += everyMs
    if (method === 'rename') moveAway()
    else copyAndTruncate()
  }
  if (now >= reopenAt) {
    closeSync(file)
    file = openSync(path, 'a')
    reopenAt = Infinity
  }
  await sleep(1)
}
closeSync(file)
const elapsedSeconds = (performance.now() - begun) / 1_000
const result: WriterResult = { lines, rotations, elapsedSeconds, windows }
process.stdout.write(JSON.stringify(result))

function write(until: number): void {
  // In writes of some hundred lines, as a program under load does.
  while (lines < until) {
    let text = ''
    for (const end = Math.min(until, lines + 500); lines < end; lines++) text += paddedLine(lines)
    writeSync(file, text)
  }
}

function moveAway(): void {
  if (reopenAt !== Infinity) return
  shift()
  renameSync(path, `${path}.1`)
  appendFileSync(path, '')
  reopenAt = performance.now() + draws.next() * 10
  rotations++
}

/** What is written between the copy and the truncation is in neither. */
function copyAndTruncate(): void {
  shift()
  copyFileSync(path, `${path}.1`)
  const from = lines
  write(from + Math.floor(draws.next() * 100))
  ftruncateSync(file, 0)
  windows.push([from, lines])
  rotations++
}

function shift(): void {
  shiftGenerations(path)
  rmSync(`${path}.${keep + 1}`, { force: true })
}
