// The part of an agent that reads, appends, indexes and passes on: what trials kill. Argument: an IntakePlan as JSON.
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { autoParser } from '../../packages/observability/src/record/auto-parser.ts'
import { LogInput } from '../../packages/observability/src/ship/log-input.ts'
import { LogPipeline } from '../../packages/observability/src/ship/log-pipeline.ts'
import type { FromOutlet, OutletStart } from '../../packages/observability/src/ship/thread-messages.ts'
import { LogStore } from '../../packages/observability/src/store/log-store.ts'
import type { IntakePlan } from './intake-plan.ts'

const { logs, folder, sinks, segmentBytes, tendMs } = JSON.parse(process.argv[2]!) as IntakePlan
const store = LogStore.open({
  folder,
  ageMax: Infinity,
  bytesMax: Infinity,
  segmentBytes,
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
let tendAt = 0
process.stdout.write('ready\n')
turn()
if (Object.keys(sinks).length > 0) {
  const start: OutletStart = { folder, search: false, sinks, brokerAccess: {} }
  const outlet = new URL('../../packages/observability/src/ship/outlet-thread.ts', import.meta.url)
  new Worker(outlet, { workerData: start }).on('message', ({ kind }: FromOutlet) => {
    if (kind === 'open') process.stdout.write('passing on\n')
  })
}

function turn(): void {
  const state = pipeline.turn()
  if (performance.now() > tendAt) {
    store.tend(0, false)
    tendAt = performance.now() + tendMs
  }
  if (state === 'more') setImmediate(turn)
  else setTimeout(turn, 2)
}
