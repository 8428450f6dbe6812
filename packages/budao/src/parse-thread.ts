import { Worker } from 'node:worker_threads'
import type { Snapshot } from '@budao/model'
import type { ParsedConfig } from '@budao/model/parser'

export type ParseTask =
  | { readonly kind: 'config'; readonly text: string; readonly name: string }
  | { readonly kind: 'snapshot'; readonly text: string }

/**
 * Parses in a thread that ends afterwards. The schema takes 25 MB, which a gateway needs for a moment and would
 * otherwise keep for life; and a large file holds up neither health checks nor the admin API.
 */
export function parseConfigAside(text: string, name: string): Promise<ParsedConfig> {
  return inThread({ kind: 'config', text, name })
}

/** Rejects with what is wrong with the kept snapshot. */
export function parseSnapshotAside(text: string): Promise<Snapshot> {
  return inThread({ kind: 'snapshot', text })
}

function inThread<Result>(task: ParseTask): Promise<Result> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const thread = new Worker(new URL(`./parse-worker.${extension}`, import.meta.url), { workerData: task, name: 'parser' })
  return new Promise((resolve, reject) => {
    thread.once('message', (result: Result) => resolve(result))
    thread.once('error', reject)
    thread.once('exit', (code) => reject(new Error(`the parser ended with code ${code} and without a result`)))
  })
}
