import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { LogSinkConfig } from '@budao/model'

/** What a process of a trial reads, and where it puts it. */
export interface IntakePlan {
  /** Folder of `*.log`. */
  readonly logs: string
  /** Of the store. */
  readonly folder: string
  readonly sinks: Readonly<Record<string, LogSinkConfig>>
  readonly segmentBytes: number
  /** How often what is indexed becomes visible and is synced. */
  readonly tendMs: number
}

const program = fileURLToPath(new URL('./intake-process.ts', import.meta.url))

/** Starts one. It says `ready` when it reads, and `passing on` when it does. */
export function startIntake(plan: IntakePlan): ChildProcess {
  return spawn(process.execPath, ['--conditions=@budao/source', program, JSON.stringify(plan)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}
