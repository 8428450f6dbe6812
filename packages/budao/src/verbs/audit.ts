import type { AuditRecord, AuditVerdict } from '@budao/model'
import { type Command, InvalidArgumentError } from 'commander'
import { adminApi, withAdminAccess, type AdminAccessOptions } from '../admin-access.ts'
import { FailoverApi } from '../failover/failover-api.ts'
import { readAuditFile, verifyRecords } from '../failover/audit-file.ts'
import { jsonOption } from '../locate-config.ts'
import { printJson, printLine } from '../output.ts'

interface AuditOptions extends AdminAccessOptions {
  readonly file?: string
  readonly json?: true
}

interface ListOptions extends AuditOptions {
  readonly subject?: string
  readonly after?: number
  readonly limit: number
}

const limitDefault = 50

/** `budao audit`: what was decided about failover, by whom, and whether the log is whole. */
export function auditVerb(program: Command): void {
  const audit = program.command('audit').description('What was decided about failover, by whom and why.')
  withAdminAccess(audit.command('list').description('Records of the audit log, oldest first.'))
    .option('--file <path>', 'read this file instead of asking a controller, such as data/audit.ndjson')
    .option('--subject <name>', 'only of this unit, service or site')
    .option('--after <seq>', 'only records after this one', whole)
    .option('--limit <n>', 'at most so many; without --after the newest', whole, limitDefault)
    .option(...jsonOption)
    .addHelpText(
      'after',
      '\nExample:\n  $ budao audit list --subject shop\n  $ budao audit list --file data/audit.ndjson',
    )
    .action(list)
  withAdminAccess(
    audit.command('verify').description('Follow the hashes of the audit log from its beginning to its end.'),
  )
    .option('--file <path>', 'read this file instead of asking a controller')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Each record holds the hash of the one before. Keep the last hash elsewhere: what is cut off at the end shows only against it.
Exits 0 when the log is whole, 1 when a record was changed or removed, 2 on wrong usage.

Example:
  $ budao audit verify --file data/audit.ndjson`,
    )
    .action(verify)
}

async function list({ file, subject, after, limit, json, ...access }: ListOptions): Promise<void> {
  const records =
    file === undefined
      ? await new FailoverApi(await adminApi(access, 'viewer')).audit({
          limit: String(limit),
          ...(subject === undefined ? {} : { subject }),
          ...(after === undefined ? {} : { after: String(after) }),
        })
      : chosen((await readAuditFile(file)).records, { subject, after, limit })
  if (json) printJson({ records })
  else if (records.length === 0) printLine('no records')
  else for (const record of records) printLine(recordLine(record))
}

async function verify({ file, json, ...access }: AuditOptions): Promise<void> {
  const verdict =
    file === undefined
      ? await new FailoverApi(await adminApi(access, 'viewer')).verifyAudit()
      : await verifyRecords(await readAuditFile(file))
  if (json) printJson(verdict)
  else printLine(verdictText(verdict))
  if (!verdict.ok) process.exitCode = 1
}

function chosen(
  records: readonly AuditRecord[],
  { subject, after, limit }: { subject: string | undefined; after: number | undefined; limit: number },
): readonly AuditRecord[] {
  const found = records.filter(
    (record) => (subject === undefined || record.subject === subject) && record.seq > (after ?? 0),
  )
  return after === undefined ? found.slice(-limit) : found.slice(0, limit)
}

function recordLine({ seq, at, actor, action, subject, epoch, detail }: AuditRecord): string {
  const facts = Object.entries(detail)
    .filter(([, value]) => value !== null && typeof value !== 'object' && value !== '')
    .map(([key, value]) => `${key}=${String(value)}`)
  return `${String(seq).padStart(5)}  ${at.slice(0, 23)}Z  ${actor}  ${action}  ${subject}${epoch > 0 ? `@${epoch}` : ''}${facts.length === 0 ? '' : `  ${facts.join(' ')}`}`
}

function verdictText({ ok, records, last, broken }: AuditVerdict): string {
  if (!ok && broken !== null) {
    const what = {
      changed: 'was changed',
      'removed-before': 'does not follow from the one before: something was removed',
      unreadable: 'cannot be read',
    }[broken.why]
    return `broken: record ${broken.seq} ${what}; ${records} records`
  }
  if (last === null) return 'whole: it has no records'
  return `whole: ${records} records, the last is ${last.seq} with hash ${last.hash}`
}

function whole(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Expected a whole number.')
}
