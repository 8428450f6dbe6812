import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { describeMachine, machineText } from '../machine.ts'
import { say, wholeNumber } from '../options.ts'
import { type KillTrial, runKillTrial, sinkBatch } from './kill-trial.ts'

const usage = `npm run trials -- logs [options]

  --kills N       SIGKILLs in all (default 1000)
  --seed S        of the first trial; each next one has the next (default: of the moment)
  --json FILE     figures and seeds for programs

A process that reads log files into the store and passes them on is killed at any moment, while it opens, reads, appends, indexes and sends; meanwhile lines are
written in pieces that end anywhere, and files are rotated, by rename and by copy and truncation. Ten kills a trial. Exit code 1 when a line is not in the store, is in it
twice or is not found, or when the sink, a server that behaves as Elasticsearch does, lacks one or got more than one batch (${sinkBatch} records) again after one kill.
`

const killsOfTrial = 10

export async function run(args: readonly string[]): Promise<0 | 1 | 2> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kills: { type: 'string', default: '1000' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      json: { type: 'string' },
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
  const told: KillTrial[] = []
  const folder = mkdtempSync(join(tmpdir(), 'budao-logs-'))
  try {
    for (let done = 0; done < kills; done += killsOfTrial) {
      const seed = first + told.length
      const trial = await runKillTrial(join(folder, String(seed)), seed, Math.min(killsOfTrial, kills - done))
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

function isBroken({ lost, repeated, notFound, sinkLost, sinkRepeatedMost }: KillTrial): boolean {
  return lost + repeated + notFound + sinkLost > 0 || sinkRepeatedMost > sinkBatch
}
