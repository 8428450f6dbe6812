import { type Answered, type Handlers, refusal } from '../http/http-front.ts'
import { type Resync, ResyncRefused } from './resync.ts'
import type { ResyncReport } from '@budao/model'

/** Filling a site, and putting one right. */
export function resyncRoutes(resync: Resync): Handlers {
  return {
    'GET /v1/resync': () => ({ status: 200, body: { resync: resync.report } }),
    'POST /v1/bootstrap': ({ body }) => {
      const { from, replace, discardUnread } = (body ?? {}) as Record<string, unknown>
      if (typeof from !== 'string') return refusal(400, 'bad-body', 'expected from, the name of a site')
      return begun(() =>
        resync.bootstrap({ from, replace: replace === true, discardUnread: discardUnread === true }),
      )
    },
    'POST /v1/restore': ({ body }) => {
      const { from } = (body ?? {}) as { from?: unknown }
      if (typeof from !== 'string') return refusal(400, 'bad-body', 'expected from, the name of a site')
      return begun(() => resync.restore(from))
    },
  }
}

async function begun(begin: () => Promise<ResyncReport>): Promise<Answered> {
  try {
    return { status: 202, body: { resync: await begin() } }
  } catch (error) {
    if (!(error instanceof ResyncRefused)) throw error
    return refusal(error.code === 'unknown-site' ? 404 : 409, error.code, error.message)
  }
}
