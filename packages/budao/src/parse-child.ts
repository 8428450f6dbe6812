import { text } from 'node:stream/consumers'
import { parseConfig, parseSnapshot } from '@budao/model/parser'
import type { ParsedBeside } from './import/parse-beside.ts'
import type { ParseTask } from './parse-aside.ts'

const task = JSON.parse(await text(process.stdin)) as ParseTask
process.stdout.write(
  JSON.stringify(task.kind === 'config' ? await parse(task) : parseSnapshot(JSON.parse(task.text))),
)

async function parse({ text: content, name, beside }: ParseTask & { kind: 'config' }): Promise<ParsedBeside> {
  if (beside.length === 0) return { parsed: parseConfig(content, name), notes: [] }
  const { parseBeside } = await import('./import/parse-beside.ts')
  return parseBeside(content, name, beside)
}
