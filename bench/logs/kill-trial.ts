import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseLogFilter } from '@budao/model'
import { SeededDraws } from '@budao/testkit'
import { LogSearch } from '../../packages/observability/src/store/log-search.ts'
import { BulkServer } from './bulk-server.ts'
import { startIntake } from './intake-plan.ts'
import { LineWriter, numberedLine } from './line-writer.ts'
import { KafkaTopic } from './kafka-topic.ts'
import { bodiesIn } from './store-lines.ts'
import type { TrialSink } from './trial-sink.ts'

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
  /** Lines that a search does not find exactly once. */
  readonly notFound: number
  /** Lines that a sink has not got, or got before an earlier one. */
  readonly sinkLost: number
  /** Lines that a sink got again; and the most of one life of the process. */
  readonly sinkRepeated: number
  readonly sinkRepeatedMost: number
}

/** Records of a request to the sink. */
export const sinkBatch = 100
const killAfterMsMax = 60
const settleMsMax = 180_000

/**
 * Kills the process that reads files again and again, at any moment, while lines are written and files are rotated: then each line has
 * to be in the store exactly once, and at the sink, a server as Elasticsearch or a broker of Kafka, where a kill may repeat one batch.
 */
export async function runKillTrial(
  folder: string,
  seed: number,
  kills: number,
  broker: string | null = null,
): Promise<KillTrial> {
  const draws = new SeededDraws(seed)
  const random = (): number => draws.next()
  const sink: TrialSink =
    broker === null
      ? await BulkServer.open(random, sinkBatch)
      : await KafkaTopic.open(broker, `logs-${seed}`, sinkBatch)
  const logs = join(folder, 'logs')
  const store = join(folder, 'store')
  mkdirSync(logs, { recursive: true })
  const start = (): ChildProcess => {
    sink.nextLife()
    // Everything much more often than in an agent: a kill is to find it at it.
    return startIntake({
      logs,
      folder: store,
      sinks: { sink: sink.config },
      segmentBytes: 65_536,
      tendMs: 50,
    })
  }
  const end = async (child: ChildProcess): Promise<void> => {
    child.kill('SIGKILL')
    await once(child, 'close')
  }
  const writer = new LineWriter(join(logs, 'app.log'), random)
  // What was rotated away before the very first look is history, and not read.
  await writer.begin(async () => {
    const child = start()
    await once(child.stdout!, 'data')
    while (bodiesIn(store).length === 0) await sleep(5)
    await end(child)
  })
  for (let kill = 0; kill < kills; kill++) {
    const child = start()
    // A third of them while it opens what the one before left, a third soon after it reads, a third while it passes on.
    const moment = random()
    if (moment > 1 / 3) await untilSaid(child, 'ready')
    if (moment > 2 / 3) await sink.asked()
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
  const last = start()
  const deadline = performance.now() + settleMsMax
  do await sleep(50)
  while (
    (bodiesIn(store).length < writer.lines || sink.repeats().different.length < writer.lines) &&
    performance.now() < deadline
  )
  await end(last)
  await sink.close()
  const wanted = Array.from({ length: writer.lines }, (_, number) => numberedLine(number))
  const stored = countsOf(bodiesIn(store))
  const found = countsOf(await search(store, writer.lines + 100))
  const repeats = sink.repeats()
  return {
    seed,
    kills,
    rotations: writer.rotations,
    lines: writer.lines,
    lost: wanted.filter((line) => !stored.has(line)).length,
    repeated: [...stored].filter(([, count]) => count > 1).length,
    notFound: wanted.filter((line) => found.get(line) !== stored.get(line)).length,
    sinkLost: missing([...stored.keys()], repeats.different),
    sinkRepeated: repeats.all,
    sinkRepeatedMost: repeats.most,
  }
}

/** Whether each line came for the first time behind those before it. */
function missing(stored: readonly string[], got: readonly string[]): number {
  const places = new Map(got.map((line, place) => [line, place]))
  let before = -1
  let count = 0
  for (const line of stored) {
    const place = places.get(line) ?? -1
    if (place < before) count++
    else before = place
  }
  return count
}

async function search(store: string, limit: number): Promise<string[]> {
  const searching = new LogSearch(store)
  const { records } = await searching.find(
    { filter: parseLogFilter('line'), from: 0, to: Number.MAX_SAFE_INTEGER, limit },
    settleMsMax,
  )
  await searching.close()
  return records.map(({ body }) => body)
}

async function untilSaid(child: ChildProcess, word: string): Promise<void> {
  let said = ''
  for await (const chunk of child.stdout!.iterator({ destroyOnReturn: false })) {
    said += String(chunk)
    if (said.includes(word)) return
  }
}

function countsOf(lines: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1)
  return counts
}
