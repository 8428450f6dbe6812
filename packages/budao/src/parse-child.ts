import { text } from 'node:stream/consumers'
import { parseConfig, parseSnapshot } from '@budao/model/parser'
import type { ParseTask } from './parse-aside.ts'

const task = JSON.parse(await text(process.stdin)) as ParseTask
process.stdout.write(
  JSON.stringify(
    task.kind === 'config' ? parseConfig(task.text, task.name) : parseSnapshot(JSON.parse(task.text)),
  ),
)
