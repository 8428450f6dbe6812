import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ProcessConfig } from '@budao/model'

/**
 * What an agent must not forget of a process when it is killed itself: whether it is to run, and which one it is. It is
 * written before a process is started, and again once its id is known; between the two the start’s name finds it.
 */
export interface ProcessRecord {
  readonly name: string
  /** What somebody wanted of it last; null: nobody wanted anything but what is configured. */
  readonly wish: 'run' | 'stop' | null
  /** Units for which controllers had it started; empty: a person did, or nobody. */
  readonly orderedBy: readonly string[]
  readonly crashLoop: boolean
  /** The boot of the machine in which this was written. */
  readonly boot: string
  /** What it was started with: see `startHash`. */
  readonly started: string
  /** The name of its last start, in its environment; empty before the first. */
  readonly start: string
  /** Null: not started, or the agent was killed while it started it. */
  readonly pid: number | null
  readonly identity: string
  /** Names of its last starts of which nothing lives any more, the newest first. */
  readonly gone: readonly string[]
}

/** So many starts are remembered as gone: a controller asks about one that ended seconds ago. */
export const goneMax = 32

/** A process that was never started. */
export function emptyRecord(name: string): ProcessRecord {
  return {
    name,
    wish: null,
    orderedBy: [],
    crashLoop: false,
    boot: '',
    started: '',
    start: '',
    pid: null,
    identity: '',
    gone: [],
  }
}

/** Differs where a running process would have to be started again to be as configured. */
export function startHash({ command, cwd, env, user, output }: ProcessConfig): string {
  return createHash('sha256')
    .update(JSON.stringify([command, cwd, Object.entries(env).toSorted(), user, output === 'passed']))
    .digest('hex')
    .slice(0, 16)
}

/** The records of one agent: a file each, replaced as a whole. */
export class ProcessRecords {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
    mkdirSync(folder, { recursive: true })
  }

  /** Those of a former life, by name. One that cannot be read is nobody’s. */
  all(): ReadonlyMap<string, ProcessRecord> {
    const found = new Map<string, ProcessRecord>()
    for (const file of readdirSync(this.#folder)) {
      if (!file.endsWith('.json')) continue
      try {
        const record = JSON.parse(readFileSync(join(this.#folder, file), 'utf8')) as ProcessRecord
        found.set(record.name, { ...emptyRecord(record.name), ...record })
      } catch {
        // Half a file cannot be: it is renamed into place. Whoever wrote something else into it gets a process anew.
      }
    }
    return found
  }

  /** Not synced: after a loss of power nothing of what it says lives any more. */
  write(record: ProcessRecord): void {
    const file = join(this.#folder, `${record.name}.json`)
    writeFileSync(`${file}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }

  remove(name: string): void {
    rmSync(join(this.#folder, `${name}.json`), { force: true })
  }
}
