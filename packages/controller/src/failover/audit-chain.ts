import { createHash } from 'node:crypto'
import type { AuditDraft, AuditRecord } from '@budao/model'

const start = '0'.repeat(64)

/** The next record of the chain after `last`, null at its beginning. */
export function chainAudit(last: Pick<AuditRecord, 'seq' | 'hash'> | null, draft: AuditDraft): AuditRecord {
  const { at, actor, action, subject, term, epoch, detail } = draft
  const linked = {
    seq: (last?.seq ?? 0) + 1,
    at,
    actor,
    action,
    subject,
    term,
    epoch,
    detail,
    previous: last?.hash ?? start,
  }
  return { ...linked, hash: hashOf(linked) }
}

/**
 * The first record that does not follow from the one before, and why; null when all do. `after` is the last record
 * before them, null when they begin the chain. What was cut off at the end shows only against a hash kept elsewhere.
 */
export function brokenLink(
  records: Iterable<AuditRecord>,
  after: Pick<AuditRecord, 'seq' | 'hash'> | null = null,
): { readonly seq: number; readonly why: 'changed' | 'removed-before' } | null {
  let last = after
  for (const record of records) {
    const { hash, ...linked } = record
    if (record.seq !== (last?.seq ?? 0) + 1 || record.previous !== (last?.hash ?? start))
      return { seq: record.seq, why: 'removed-before' }
    if (hashOf(linked) !== hash) return { seq: record.seq, why: 'changed' }
    last = record
  }
  return null
}

/** Over the JSON with sorted keys: a record may be read and written again by anything. */
function hashOf(linked: Omit<AuditRecord, 'hash'>): string {
  return createHash('sha256').update(canonical(linked)).digest('hex')
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(',')}}`
}
