import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Crew } from './crew.ts'

const crewModule = join(import.meta.dirname, 'crew.ts')
const idle = ['-e', 'setInterval(() => {}, 1000); console.log("up")']
const stubborn = ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("up")']

test('a killed process starts again under a new number, and the pid file follows', async (t) => {
  const { crew, runDir, said } = createCrew(t)
  crew.start({ name: 'shop-east-1', crew: 'east', args: idle })
  crew.start({ name: 'shop-east-2', crew: 'east', args: idle })
  const before = pids(runDir)
  assert.deepEqual(Object.keys(before), ['shop-east-1', 'shop-east-2'])

  process.kill(before['shop-east-1']!, 'SIGKILL')
  await until(() => !crew.isRunning('shop-east-1'))
  assert.deepEqual(Object.keys(pids(runDir)), ['shop-east-2'])
  assert.equal(crew.running('east'), 1)
  await until(() => crew.isRunning('shop-east-1'))
  const after = pids(runDir)
  assert.notEqual(after['shop-east-1'], before['shop-east-1'])
  assert.equal(after['shop-east-2'], before['shop-east-2'])
  assert.match(said.join('\n'), /shop-east-1 has died \(SIGKILL\).*\n.*shop-east-1 has started again/)
})

test('stop ends the whole crew, brings nobody back, and leaves the other crews alone', async (t) => {
  const { crew, runDir } = createCrew(t)
  crew.start({ name: 'a', crew: 'east', args: idle })
  crew.start({ name: 'b', crew: 'west', args: idle })
  const { a } = pids(runDir)
  await crew.stop('east')
  assert.equal(isAlive(a!), false)
  assert.equal(crew.isRunning('b'), true)
  assert.equal(existsSync(join(runDir, 'east.pids')), false)
  crew.start({ name: 'c', crew: 'west', args: idle })
  assert.equal(crew.isRunning('c'), false)
})

test('who does not heed SIGTERM is killed', async (t) => {
  const { crew, runDir } = createCrew(t)
  crew.start({ name: 'a', crew: 'east', args: stubborn })
  const { a } = pids(runDir)
  await until(() => crew.tail('a').includes('up'))
  await crew.stop('east')
  assert.equal(isAlive(a!), false)
})

test('a parent killed with SIGKILL: its processes end by themselves', async (t) => {
  const runDir = directory(t)
  const source = `
    import { Crew } from ${JSON.stringify(crewModule)}
    const crew = new Crew({ runDir: ${JSON.stringify(runDir)}, restartAfterMs: 10, say: () => {} })
    for (const name of ['a', 'b']) crew.start({ name, crew: 'east', args: ${JSON.stringify(idle)} })
    console.log('started')`
  const parent = spawn(process.execPath, ['--input-type=module-typescript', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => parent.kill('SIGKILL'))
  await once(parent.stdout, 'data')
  const { a, b } = pids(runDir)
  t.after(() => [a!, b!].filter(isAlive).forEach((pid) => process.kill(pid, 'SIGKILL')))
  await until(() => ['a', 'b'].every((name) => readFileSync(join(runDir, `${name}.log`), 'utf8') === 'up\n'))
  parent.kill('SIGKILL')
  await until(() => !isAlive(a!) && !isAlive(b!))
})

function createCrew(t: TestContext): { crew: Crew; runDir: string; said: string[] } {
  const runDir = directory(t)
  const said: string[] = []
  const crew = new Crew({ runDir, restartAfterMs: 50, patienceMs: 200, say: (line) => said.push(line) })
  t.after(() => crew.stop('east', 'west'))
  return { crew, runDir, said }
}

function pids(runDir: string): Record<string, number> {
  const lines = ['east', 'west'].flatMap((crew) => {
    const file = join(runDir, `${crew}.pids`)
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
  })
  return Object.fromEntries(
    lines.filter(Boolean).map((line) => [line.split(' ')[1]!, Number.parseInt(line, 10)]),
  )
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // Where nobody collects orphans, what is left of one still has its number.
    return process.platform !== 'linux' || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(10)
}

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'budao-crew-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}
