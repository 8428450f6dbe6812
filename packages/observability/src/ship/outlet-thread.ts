import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { parseLogFilter } from '@budao/model'
import { recordTest } from '../record/filter-match.ts'
import { LogDecoder } from '../store/log-decoder.ts'
import { LogSearch } from '../store/log-search.ts'
import { LogFollower } from './log-follower.ts'
import { openSink } from './providers/open-sink.ts'
import { SinkRunner } from './sink-runner.ts'
import type { FromOutlet, OutletStart, ToOutlet } from './thread-messages.ts'

// A thread of its own: reading the log back and putting it into other forms is as much work as writing it.

const reportMs = 500
const followMs = 200

const { folder, search, sinks, brokerAccess } = workerData as OutletStart
const port = parentPort!
const send = (message: FromOutlet): void => port.postMessage(message)

mkdirSync(join(folder, 'sinks'), { recursive: true })
const decoder = new LogDecoder(folder)
const runners = Object.entries(sinks).map(
  ([name, sink]) =>
    new SinkRunner({
      name,
      folder,
      placeFile: join(folder, 'sinks', `${name}.json`),
      test: sink.filter === undefined ? null : recordTest(parseLogFilter(sink.filter)),
      batch: sink.batch,
      timeout: sink.timeout,
      open: () => openSink(sink, brokerAccess[name]),
      decoder,
      random: Math.random,
    }),
)
const followers = new Map<number, LogFollower>()
let searching: LogSearch | null = null

const reporter = setInterval(report, reportMs)
const pump = setInterval(follow, followMs)
send({ kind: 'open' })

port.on('message', (message: ToOutlet) => {
  switch (message.kind) {
    case 'find':
    case 'tally':
      return void answer(message)
    case 'follow':
      return void followers.set(
        message.id,
        new LogFollower(folder, decoder, recordTest(message.filter), message.from),
      )
    case 'unfollow':
      return void followers.delete(message.id)
    case 'close':
      return void close()
  }
})

async function answer(question: ToOutlet & { kind: 'find' | 'tally' }): Promise<void> {
  const { id, budgetMs } = question
  try {
    if (!search) throw new Error('nothing can be searched here: logs.store.search is false')
    searching ??= new LogSearch(folder)
    if (question.kind === 'tally')
      send({ kind: 'tallied', id, answer: await searching.tally(question.query, budgetMs) })
    else send({ kind: 'found', id, answer: await searching.find(question.query, budgetMs) })
  } catch (error) {
    send({ kind: 'not-found', id, problem: error instanceof Error ? error.message : String(error) })
  }
}

function follow(): void {
  for (const [id, follower] of followers) {
    const { records, missed } = follower.take()
    if (records.length > 0 || missed > 0) send({ kind: 'followed', id, records, missed })
  }
}

function report(): void {
  const reports = runners.map((runner) => runner.report())
  const taken = Math.min(Number.MAX_SAFE_INTEGER, ...reports.map(({ segment }) => segment))
  send({ kind: 'report', sinks: reports, taken })
}

async function close(): Promise<void> {
  clearInterval(reporter)
  clearInterval(pump)
  await Promise.all(runners.map((runner) => runner.close()))
  await searching?.close()
  port.close()
}
