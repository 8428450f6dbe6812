import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { takeBack } from './faults/inject.ts'
import type { Journal, JournalEntry } from './journal.ts'

/** A drill that was broken off: it has no report, but it must not vanish from the history. */
export interface BrokenOff extends Pick<JournalEntry, 'id' | 'scenario' | 'site' | 'startedAt'> {
  readonly restoredAt: string
}

/** Takes back what the journal says and forgets it. Resolves with what it was; undefined when there was nothing. */
export async function restoreFrom(journal: Journal, token?: string): Promise<JournalEntry | undefined> {
  const entry = journal.read()
  if (entry === undefined) return undefined
  await takeBack(entry.fault, token)
  const { id, scenario, site, startedAt } = entry
  const left: BrokenOff = { id, scenario, site, startedAt, restoredAt: new Date().toISOString() }
  writeFileSync(join(dirname(journal.file), `${id}.broken-off.json`), `${JSON.stringify(left, null, 2)}\n`)
  journal.end()
  return entry
}
