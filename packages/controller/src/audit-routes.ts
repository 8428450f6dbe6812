import { Readable } from 'node:stream'
import type { AuditQuery } from '@budao/model'
import type { AdminRoute, NodeRoutesOptions } from './admin-route.ts'
import { ApiError } from './api-error.ts'
import { auditQuery } from './failover-parameters.ts'
import type { FailoverDesk } from './failover-desk.ts'
import { noQuery } from './parameters.ts'
import { within } from './within.ts'

const readTimeoutMs = 5_000
/** The whole log is read again. */
const verifyTimeoutMs = 30_000
const pageSize = 500

/** The part of the API that is about the audit log of failover. */
export function auditRoutes({ source }: NodeRoutesOptions): readonly AdminRoute[] {
  const desk = (): FailoverDesk => source.failover?.() ?? off()

  return [
    {
      method: 'GET',
      url: '/api/v1/failover/audit',
      role: 'viewer',
      async handle(request, reply) {
        const { format, ...query } = auditQuery(request.query)
        const asked = desk()
        if (format === 'json') return { records: await within(readTimeoutMs, () => asked.audit(query)) }
        reply.type('application/x-ndjson; charset=utf-8')
        return Readable.from(lines(asked, query))
      },
    },
    {
      method: 'GET',
      url: '/api/v1/failover/audit/verify',
      role: 'viewer',
      handle(request) {
        noQuery(request.query)
        const asked = desk()
        return within(verifyTimeoutMs, () => asked.verifyAudit())
      },
    },
  ]
}

/** One record a line, a page at a time: with no limit, all there are. */
async function* lines(
  desk: FailoverDesk,
  { after = 0, limit = Infinity, ...query }: AuditQuery,
): AsyncGenerator<string> {
  let last = after
  for (let left = limit; left > 0;) {
    const records = await desk.audit({ ...query, after: last, limit: Math.min(pageSize, left) })
    for (const record of records) yield `${JSON.stringify(record)}\n`
    if (records.length < Math.min(pageSize, left)) return
    last = records.at(-1)!.seq
    left -= records.length
  }
}

function off(): never {
  throw new ApiError('failover-off', 'this process keeps no audit log of failover', {
    hint: 'Ask a controller: each keeps its own.',
  })
}
