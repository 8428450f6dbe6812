// The part of an agent that reads and appends, alone: what trials kill. Arguments: the folder of logs, that of the store.
import { join } from 'node:path'
import { autoParser } from '../../packages/observability/src/record/auto-parser.ts'
import { LogInput } from '../../packages/observability/src/ship/log-input.ts'
import { LogPipeline } from '../../packages/observability/src/ship/log-pipeline.ts'
import { LogStore } from '../../packages/observability/src/store/log-store.ts'

const [logs = '', folder = ''] = process.argv.slice(2)
const store = LogStore.open({
  folder,
  ageMax: Infinity,
  bytesMax: Infinity,
  segmentBytes: 262_144,
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
process.stdout.write('ready\n')
turn()

function turn(): void {
  if (pipeline.turn() === 'more') setImmediate(turn)
  else setTimeout(turn, 2)
}
