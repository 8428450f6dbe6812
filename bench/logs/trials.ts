import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { parseArgs } from 'node:util'
import { startKafka } from '@budao/testkit'
import { describeMachine, machineText } from '../machine.ts'
import { say, UsageError, wholeNumber } from '../options.ts'
import { type AwayTrial, runAwayTrial } from './away-trial.ts'
import { type KillTrial, runKillTrial, sinkBatch } from './kill-trial.ts'
import { type RotationTrial, runRotationTrial } from './rotation-trial.ts'

const usage = `npm run trials -- logs [options]

  --kills N       SIGKILLs in all (default 1000)
  --seed S        of the first trial; each next one has the next (default: of the moment)
  --json FILE     figures and seeds for programs
  --sink NAME     bulk, a server that behaves as Elasticsearch does, or kafka, a real broker (default bulk)
  --rotate HOW    nobody is killed: rename or copytruncate, of a file that is written to at the same time
  --every MS      between two rotations (default 50)
  --rate N        lines a second (default 100000)
  --seconds N     (default 20)
  --keep N        generations that are not deleted (default 20)
  --away SECONDS  nobody is killed: the sink is away for so long while --rate lines a second come

A process that reads log files into the store and passes them on is killed at any moment, while it opens, reads, appends, indexes and sends; meanwhile lines are
written in pieces that end anywhere, and files are rotated, by rename and by copy and truncation. Ten kills a trial. Exit code 1 when a line is not in the store, is in it
twice or is not found, or when the sink lacks one or got more than one batch (${sinkBatch} records) again after one kill.
With --rotate it is 1 when a line is lost or twice; by copytruncate those written between a copy and its truncation are counted apart: no reader can have all of them.
`

const killsOfTrial = 10

export async function run(args: readonly string[]): Promise<0 | 1 | 2> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kills: { type: 'string', default: '1000' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      json: { type: 'string' },
      sink: { type: 'string', default: 'bulk' },
      rotate: { type: 'string' },
      away: { type: 'string' },
      every: { type: 'string', default: '50' },
      rate: { type: 'string', default: '100000' },
      seconds: { type: 'string', default: '20' },
      keep: { type: 'string', default: '20' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  const kills = wholeNumber('kills', values.kills, 1, 1_000_000)
  const first = wholeNumber('seed', values.seed, 0, 2 ** 31)
  const machine = describeMachine()
  say(machineText(machine))
  const { rotate: method } = values
  if (method !== undefined) {
    if (method !== 'rename' && method !== 'copytruncate')
      throw new UsageError(`--rotate: expected rename or copytruncate, got ${method}`)
    const trial = await rotate({
      method,
      everyMs: wholeNumber('every', values.every, 1, 60_000),
      linesPerSecond: wholeNumber('rate', values.rate, 1, 1_000_000),
      seconds: wholeNumber('seconds', values.seconds, 1, 3_600),
      keep: wholeNumber('keep', values.keep, 1, 10_000),
      seed: first,
    })
    if (values.json !== undefined)
      writeFileSync(values.json, `${JSON.stringify({ machine, ...trial }, null, 2)}\n`)
    return trial.lost + trial.repeated === 0 ? 0 : 1
  }
  if (values.away !== undefined) {
    const trial = await away({
      awaySeconds: wholeNumber('away', values.away, 1, 86_400),
      linesPerSecond: wholeNumber('rate', values.rate, 1, 1_000_000),
    })
    if (values.json !== undefined)
      writeFileSync(values.json, `${JSON.stringify({ machine, ...trial }, null, 2)}\n`)
    // A batch under way when the sink goes may have been taken.
    return trial.lost === 0 && trial.repeated <= 1_000 ? 0 : 1
  }
  const { sink } = values
  if (sink !== 'bulk' && sink !== 'kafka') throw new UsageError(`--sink: expected bulk or kafka, got ${sink}`)
  await using ends = new AsyncDisposableStack()
  let broker: string | null = null
  if (sink === 'kafka') {
    const t = { after: (work: () => unknown) => ends.defer(async () => void (await work())), skip: say }
    broker = (await startKafka(t as unknown as TestContext))?.address ?? null
    if (broker === null) return 1
  }
  const told: KillTrial[] = []
  const folder = mkdtempSync(join(tmpdir(), 'budao-logs-'))
  try {
    for (let done = 0; done < kills; done += killsOfTrial) {
      const seed = first + told.length
      const count = Math.min(killsOfTrial, kills - done)
      const trial = await runKillTrial(join(folder, String(seed)), seed, count, broker)
      told.push(trial)
      rmSync(join(folder, String(seed)), { recursive: true })
      if (isBroken(trial)) say(`broken: ${JSON.stringify(trial)}`)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const sum = (value: (trial: KillTrial) => number): number =>
    told.reduce((total, trial) => total + value(trial), 0)
  const totals = {
    kills: sum((trial) => trial.kills),
    lines: sum((trial) => trial.lines),
    rotations: sum((trial) => trial.rotations),
    lost: sum((trial) => trial.lost),
    repeated: sum((trial) => trial.repeated),
    notFound: sum((trial) => trial.notFound),
    sinkLost: sum((trial) => trial.sinkLost),
    sinkRepeated: sum((trial) => trial.sinkRepeated),
    sinkRepeatedMost: Math.max(0, ...told.map((trial) => trial.sinkRepeatedMost)),
  }
  say(
    `${totals.kills} kills, ${totals.lines} lines, ${totals.rotations} rotations: ${totals.lost} lost, ${totals.repeated} twice, ${totals.notFound} not found; ` +
      `at the sink ${totals.sinkLost} lost, ${totals.sinkRepeated} again, at most ${totals.sinkRepeatedMost} after one kill`,
  )
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ machine, ...totals, trials: told }, null, 2)}\n`)
  return told.some(isBroken) ? 1 : 0
}

async function away(plan: Parameters<typeof runAwayTrial>[1]): Promise<AwayTrial> {
  const folder = mkdtempSync(join(tmpdir(), 'budao-logs-'))
  try {
    const trial = await runAwayTrial(folder, plan)
    say(
      `sink away for ${trial.awaySeconds} s, ${trial.lines} lines: ${trial.lost} lost, ${trial.repeated} twice; it has all ${trial.caughtUpSeconds} s after it is back; ` +
        `RSS ${trial.rssMb.join(', ')} MB before, meanwhile, behind`,
    )
    return trial
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function rotate(plan: RotationTrial['plan']): Promise<RotationTrial> {
  const folder = mkdtempSync(join(tmpdir(), 'budao-logs-'))
  try {
    const trial = await runRotationTrial(folder, plan)
    say(
      `${trial.rotations} rotations by ${plan.method}, ${trial.lines} lines at ${trial.linesPerSecond}/s: ${trial.lost} lost, ${trial.repeated} twice` +
        (plan.method === 'rename'
          ? ''
          : `; of ${trial.unsaved} between copy and truncation ${trial.unsavedLost} lost`),
    )
    return trial
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function isBroken({ lost, repeated, notFound, sinkLost, sinkRepeatedMost }: KillTrial): boolean {
  return lost + repeated + notFound + sinkLost > 0 || sinkRepeatedMost > sinkBatch
}
