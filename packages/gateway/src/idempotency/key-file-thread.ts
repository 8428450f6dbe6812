import { parentPort, workerData } from 'node:worker_threads'
import { openKeyFile } from './open-key-file.ts'
import { KeyFileDesk } from './key-file-desk.ts'
import type { FromKeyFileThread, KeyFileStart, ToKeyFileThread } from './key-file-messages.ts'

// A thread of its own: it waits for the disk, and nobody else does who has not asked for that.

const SWEEP_MS = 1_000

const { path } = workerData as KeyFileStart
const port = parentPort!
const desk = open()
const sweeper = desk === null ? undefined : setInterval(() => sweep(desk), SWEEP_MS)

port.on('message', (message: ToKeyFileThread) => {
  if (message.kind === 'port') return desk?.serve(message.port)
  clearInterval(sweeper)
  desk?.close()
  port.close()
})

function open(): KeyFileDesk | null {
  try {
    const file = openKeyFile(path, (event) => send({ kind: 'event', event }))
    const opened = new KeyFileDesk(file, path, (event) => send({ kind: 'event', event }))
    send({ kind: 'open' })
    return opened
  } catch (error) {
    send({ kind: 'failed', problem: error instanceof Error ? error.message : String(error) })
    return null
  }
}

function sweep(from: KeyFileDesk): void {
  from.sweep()
  send({ kind: 'counts', counts: from.counts() })
}

function send(message: FromKeyFileThread): void {
  port.postMessage(message)
}
