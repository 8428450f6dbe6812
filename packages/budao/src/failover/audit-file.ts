import { readFile } from 'node:fs/promises'
import type { AuditRecord, AuditVerdict } from '@budao/model'
import { CliError } from '../cli-error.ts'

/** The records of a file, as far as its lines can be read. */
export interface AuditFile {
  readonly records: readonly AuditRecord[]
  /** The line that is no record, from 1; null: all are. A last line without an end is being written, and no record yet. */
  readonly unreadableLine: number | null
}

/** Reads an audit log without its controller. Throws CliError with exit code 2 when the file cannot be read. */
export async function readAuditFile(path: string): Promise<AuditFile> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new CliError(`cannot read ${path}: ${(error as Error).message}`, 2, { cause: error })
  }
  const lines = text.split('\n').slice(0, -1)
  const records: AuditRecord[] = []
  for (const [index, line] of lines.entries()) {
    const record = parse(line)
    if (record === null) return { records, unreadableLine: index + 1 }
    records.push(record)
  }
  return { records, unreadableLine: null }
}

/** Follows the hashes of what was read. */
export async function verifyRecords({ records, unreadableLine }: AuditFile): Promise<AuditVerdict> {
  const { brokenLink } = await import('@budao/controller')
  const last = records.at(-1)
  const broken =
    brokenLink(records) ??
    (unreadableLine === null ? null : { seq: (last?.seq ?? 0) + 1, why: 'unreadable' as const })
  return {
    ok: broken === null,
    records: records.length,
    last: last === undefined ? null : { seq: last.seq, hash: last.hash },
    broken,
  }
}

function parse(line: string): AuditRecord | null {
  try {
    const record = JSON.parse(line) as AuditRecord
    return typeof record.seq === 'number' && typeof record.hash === 'string' ? record : null
  } catch {
    return null
  }
}
