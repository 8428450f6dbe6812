// The part of an agent that reads, appends, indexes and passes on: what trials kill. Arguments: the folder of logs, that of the store, and
// the sinks as JSON.
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { LogSinkConfig } from '@budao/model'
import { autoParser } from '../../packages/observability/src/record/auto-parser.ts'
import { LogInput } from '../../packages/observability/src/ship/log-input.ts'
import { LogPipeline } from '../../packages/observability/src/ship/log-pipeline.ts'
import type { FromOutlet, OutletStart } from '../../packages/observability/src/ship/thread-messages.ts'
import { LogStore } from '../../packages/observability/src/store/log-store.ts'

const [logs = '', folder = '', sinks = '{}'] = process.argv.slice(2)
const store = LogStore.open({
  folder,
  ageMax: Infinity,
  bytesMax: Infinity,
  segmentBytes: 65_536,
  now: Date.now,
  warn: () => {},
})
const input = new LogInput({
  paths: [join(logs, '*.log')],
  exclude: [],
  parse: autoParser,
  origin: { resource: {}, attributes: {} },
  startAt: 'beginning',
  encoding: 'utf-8',
  lineBytesMax: 65_536,
  multiline: null,
})
const pipeline = new LogPipeline(store, [input], {
  now: () => performance.now(),
  wallNow: Date.now,
  hasRoom: () => true,
})
const start: OutletStart = {
  folder,
  search: false,
  sinks: JSON.parse(sinks) as Readonly<Record<string, LogSinkConfig>>,
}
let tendAt = 0
process.stdout.write('ready\n')
turn()
if (Object.keys(start.sinks).length > 0) {
  const outlet = new URL('../../packages/observability/src/ship/outlet-thread.ts', import.meta.url)
  new Worker(outlet, { workerData: start }).on('message', ({ kind }: FromOutlet) => {
    if (kind === 'open') process.stdout.write('passing on\n')
  })
}

function turn(): void {
  const state = pipeline.turn()
  // Twenty times as often as in an agent: a kill is to find it at it.
  if (performance.now() > tendAt) {
    store.tend(0, false)
    tendAt = performance.now() + 50
  }
  if (state === 'more') setImmediate(turn)
  else setTimeout(turn, 2)
}
