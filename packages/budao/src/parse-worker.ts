import { parentPort, workerData } from 'node:worker_threads'
import { parseConfig, parseSnapshot } from '@budao/model/parser'
import type { ParseTask } from './parse-thread.ts'

const task = workerData as ParseTask
parentPort!.postMessage(task.kind === 'config' ? parseConfig(task.text, task.name) : parseSnapshot(JSON.parse(task.text)))
