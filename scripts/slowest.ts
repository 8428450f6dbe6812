// A reporter for node:test: the test files that took longest, with how long each of their own tests took in all. By the clock, so of use
// on a machine that does nothing else.
import { EventEmitter } from 'node:events'
import { relative } from 'node:path'
import type { TestEvent } from 'node:test/reporters'

const filesMax = 25

// A third reporter makes eleven listeners at the runner's stream, of which Node warns from the eleventh on.
EventEmitter.defaultMaxListeners = 20

export default async function* slowest(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const msOf = new Map<string, number>()
  for await (const event of source) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue
    const { file, nesting, details } = event.data
    // Nested ones are within the time of the test around them.
    if (file === undefined || nesting > 0) continue
    const name = relative('.', file)
    msOf.set(name, (msOf.get(name) ?? 0) + details.duration_ms)
  }
  const rows = [...msOf].toSorted(([, a], [, b]) => b - a)
  const seconds = (ms: number): string => (ms / 1000).toFixed(1).padStart(7)
  yield `\nslowest of ${rows.length} files, seconds:\n`
  for (const [file, ms] of rows.slice(0, filesMax)) yield `${seconds(ms)}  ${file}\n`
  const rest = rows.slice(filesMax)
  yield `${seconds(rest.reduce((sum, [, ms]) => sum + ms, 0))}  the other ${rest.length}\n`
}
