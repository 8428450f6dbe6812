import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { DrillName } from '@budao/model'
import { CliError } from '../cli-error.ts'
import type { Fault } from './faults/fault.ts'
import { known, lives } from './faults/known-process.ts'
import type { KnownProcess } from './faults/known-process.ts'

/** A drill that has begun and is not restored yet, as it stands on disk before anything is broken. */
export interface JournalEntry {
  readonly id: string
  readonly scenario: DrillName
  readonly site: string
  readonly startedAt: string
  /** Who runs it. */
  readonly by: KnownProcess
  readonly fault: Fault
}

const fileName = 'running.json'

/**
 * What has to be taken back, in one file of the drills' folder: from before the fault until after its end. There is one
 * at a time, so it is also what keeps a second drill from beginning.
 */
export class Journal {
  readonly file: string

  constructor(folder: string) {
    this.file = join(folder, fileName)
  }

  /** On disk when this returns. Throws CliError when another drill has not ended. */
  begin(entry: Omit<JournalEntry, 'by'>): void {
    mkdirSync(join(this.file, '..'), { recursive: true })
    const text = `${JSON.stringify({ ...entry, by: known({ pid: process.pid, name: 'budao drill' }) }, null, 2)}\n`
    let descriptor: number
    try {
      descriptor = openSync(this.file, 'wx', 0o600)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      throw new CliError(`another drill has begun meanwhile: see ${this.file}`, 1, { cause: error })
    }
    writeSync(descriptor, text)
    fsyncSync(descriptor)
    closeSync(descriptor)
  }

  /** Undefined when there is nothing to take back. */
  read(): JournalEntry | undefined {
    let text: string
    try {
      text = readFileSync(this.file, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
    try {
      return JSON.parse(text) as JournalEntry
    } catch (error) {
      throw new CliError(
        `${this.file} is damaged: continue stopped processes with kill -CONT, run nft delete table inet budao_drill, and remove it`,
        1,
        { cause: error },
      )
    }
  }

  /** Whether whoever began it is still at it. */
  isRunning({ by }: JournalEntry): boolean {
    return lives(by)
  }

  end(): void {
    rmSync(this.file, { force: true })
  }
}
