// A reporter for node:test: the files in which something failed, a line each.
import { EventEmitter } from 'node:events'
import { relative } from 'node:path'
import type { TestEvent } from 'node:test/reporters'

// A third reporter makes eleven listeners at the runner's stream, of which Node warns from the eleventh on.
EventEmitter.defaultMaxListeners = 20

export default async function* failedFiles(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const files = new Set<string>()
  for await (const event of source)
    if (event.type === 'test:fail' && event.data.file !== undefined) files.add(relative('.', event.data.file))
  for (const file of files) yield `${file}\n`
}
