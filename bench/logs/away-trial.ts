import { once } from 'node:events'
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '@budao/testkit'
import { BulkServer } from './bulk-server.ts'
import { startIntake } from './intake-plan.ts'
import { numberedLine } from './line-writer.ts'

/** What a trial came to. */
export interface AwayTrial {
  readonly awaySeconds: number
  readonly lines: number
  /** Lines that the sink did not get, or not in their order. */
  readonly lost: number
  readonly repeated: number
  /** From when the sink is back until it has everything. */
  readonly caughtUpSeconds: number
  /** Of the process that reads and passes on, the most before the sink went, while it was away, and behind it. */
  readonly rssMb: readonly [before: number, away: number, after: number]
}

const settleMs = 3_000
const caughtUpMsMax = 600_000

/** A sink is away for so long while lines come: all of them wait on the disk, and are taken afterwards, once. */
export async function runAwayTrial(
  folder: string,
  { awaySeconds, linesPerSecond }: { readonly awaySeconds: number; readonly linesPerSecond: number },
): Promise<AwayTrial> {
  const logs = join(folder, 'logs')
  mkdirSync(logs, { recursive: true })
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const bulk = new BulkServer(() => 0)
  await bulk.start(port)
  bulk.nextLife()
  const reader = startIntake({
    logs,
    folder: join(folder, 'store'),
    sinks: { bulk: { elasticsearch: { url, index: 'logs', headers: {} }, batch: 1_000, timeout: 10_000 } },
    segmentBytes: 16_777_216,
    tendMs: 1_000,
  })
  await once(reader.stdout!, 'data')
  const begun = performance.now()
  let lines = 0
  const rss = (): number => rssMb(reader.pid!)
  const write = async (seconds: number): Promise<number> => {
    let most = 0
    for (const until = performance.now() + seconds * 1_000; performance.now() < until; await sleep(50)) {
      let text = ''
      for (const due = ((performance.now() - begun) / 1_000) * linesPerSecond; lines < due;)
        text += `${numberedLine(lines++)}\n`
      appendFileSync(join(logs, 'app.log'), text)
      most = Math.max(most, rss())
    }
    return most
  }
  const before = await write(settleMs / 1_000)
  bulk.close()
  const away = await write(awaySeconds)
  const back = performance.now()
  await bulk.start(port)
  let after = await write(settleMs / 1_000)
  while (bulk.repeats().different.length < lines && performance.now() - back < caughtUpMsMax) {
    after = Math.max(after, rss())
    await sleep(100)
  }
  const caughtUpSeconds = (performance.now() - back) / 1_000
  reader.kill('SIGKILL')
  await once(reader, 'close')
  bulk.close()
  const { different, all } = bulk.repeats()
  return {
    awaySeconds,
    lines,
    lost: lines - different.filter((line, number) => line === numberedLine(number)).length,
    repeated: all,
    caughtUpSeconds: Math.round(caughtUpSeconds * 10) / 10,
    rssMb: [before, away, after],
  }
}

function rssMb(pid: number): number {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1_024)
}
