import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { Snapshot } from '@budao/model'
import type { ParsedBeside } from './import/parse-beside.ts'

export type ParseTask =
  | {
      readonly kind: 'config'
      readonly text: string
      readonly name: string
      /** Files of other programs, as `FILE` or `KIND:FILE`. */
      readonly beside: readonly string[]
    }
  | { readonly kind: 'snapshot'; readonly text: string }

/** A hanging one is ended, a slow one is not: where a machine has little time to give, a gateway has to come up all the same. */
const PARSE_MS = 120_000

/**
 * Parses in a process that ends afterwards. The schema takes 27 MB, which a gateway needs for a moment and would
 * otherwise keep for life (a thread gives little of it back); and a large file holds up no health check.
 */
export function parseConfigAside(
  content: string,
  name: string,
  beside: readonly string[] = [],
): Promise<ParsedBeside> {
  return inChild({ kind: 'config', text: content, name, beside })
}

/** Rejects with what is wrong with the kept snapshot. */
export function parseSnapshotAside(content: string): Promise<Snapshot> {
  return inChild({ kind: 'snapshot', text: content })
}

async function inChild<Result>(task: ParseTask): Promise<Result> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const program = fileURLToPath(new URL(`./parse-child.${extension}`, import.meta.url))
  // A profiler's or inspector's flags are meant for the gateway; the condition that finds our sources is for both.
  const flags = process.execArgv.filter((flag) => flag.startsWith('--conditions'))
  const child = spawn(process.execPath, [...flags, program], {
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: PARSE_MS,
  })
  // A child that ends early closes its side; its exit code says more than the broken pipe.
  child.stdin.on('error', () => {})
  child.stdin.end(JSON.stringify(task))
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) =>
    child.once('error', reject).once('close', (status, signal) => resolve(status ?? signal!)),
  )
  const [answer, complaint, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  if (code !== 0)
    throw new Error(`the parser ended with ${code}: ${complaint.trim().split('\n').at(-1) ?? ''}`)
  return JSON.parse(answer) as Result
}
