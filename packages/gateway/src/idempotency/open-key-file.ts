import { closeSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { EventDraft } from '@budao/model'
import { KeyFile } from './key-file.ts'

/** Result codes of SQLite. */
const Code = { busy: 5, corrupt: 11, notADatabase: 26 } as const

/**
 * Opens the file of keys. One that is damaged is put aside, told of, and begun anew: a gateway that does not start would be
 * worse. Throws with a sentence for people where it cannot be had: no right to write, or another process has it.
 */
export function openKeyFile(path: string, report: (event: EventDraft) => void): KeyFile {
  const env = { now: () => performance.now(), wallNow: () => Date.now() }
  try {
    if (path !== ':memory:') makePrivate(path)
    return new KeyFile(path, env)
  } catch (error) {
    const code = codeOf(error)
    if (code === Code.busy)
      throw new Error(`${path} is open in another process: every gateway needs a dataDir of its own`, {
        cause: error,
      })
    if (code !== Code.corrupt && code !== Code.notADatabase)
      throw new Error(`the file of idempotency keys ${path} cannot be used: ${messageOf(error)}`, {
        cause: error,
      })
    const aside = `${path}.damaged-${Date.now()}`
    renameSync(path, aside)
    // Of another file: what they say would be taken for part of the new one.
    for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true })
    report({
      kind: 'idempotency.lost',
      severity: 'critical',
      subject: path,
      message:
        'The file of idempotency keys was damaged and is begun anew: earlier keys are not known any more.',
      evidence: { reason: messageOf(error), aside },
    })
    makePrivate(path)
    return new KeyFile(path, env)
  }
}

/** What services answered their users is nobody else's to read. What belongs to the file gets its rights. */
function makePrivate(path: string): void {
  mkdirSync(dirname(path), { recursive: true })
  closeSync(openSync(path, 'a', 0o600))
}

function codeOf(error: unknown): number {
  const code = (error as { errcode?: number }).errcode ?? 0
  // The low byte is the kind, what is above says more.
  return code & 0xff
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
