import { type ChangeDraft, defaultTable, eventBytesMax, type LogPosition } from '@budao/model'
import { parseChangeDraft } from '@budao/model/parser'
import type { DataDesk } from './authority/data-desk.ts'
import { answerQuestion } from './authority/data-question.ts'
import type { PeerWord } from './authority/standing.ts'
import { type Answered, type Asked, type Handlers, refusal } from './http/http-front.ts'
import type { Replicator } from './replicator.ts'
import { replicationMetrics, type ReplicatorReport } from './replicator-report.ts'
import type { SiteDatabase } from './site-database.ts'
import type { Resync } from './snapshot/resync.ts'

/** What is asked of a replicator over HTTP. */
export interface ReplicationRoutesOptions {
  readonly replicator: Replicator
  readonly database: SiteDatabase
  readonly desk: DataDesk
  /** When a write of this table is acknowledged. */
  readonly durabilityOf: (table: string) => 'async' | 'sync'
  readonly resync: Pick<Resync, 'report'>
}

const draftsMax = 1000

/** Applications publish, peers acknowledge, people look and decide. */
export function replicationRoutes({
  replicator,
  database,
  desk,
  durabilityOf,
  resync,
}: ReplicationRoutesOptions): Handlers {
  const report = async (): Promise<ReplicatorReport> => ({
    ...(await replicator.report()),
    resync: resync.report,
  })
  return {
    'GET /healthz': async () => {
      const { alarms } = await replicator.report()
      const stopped = alarms.filter(({ code }) => code === 'stopped' || code === 'log-full')
      const isWhole = (await database.snapshots.progress()) === null
      const ok = stopped.length === 0 && isWhole
      return {
        status: ok ? 200 : 503,
        body: { ok, alarms: stopped.length, ...(!isWhole && { loading: true }) },
      }
    },
    'GET /v1/status': async () => ({ status: 200, body: await report() }),
    'GET /metrics': async () => ({
      status: 200,
      headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
      body: replicationMetrics(await report()),
    }),
    'POST /v1/events': (asked) => publish(replicator, durabilityOf, asked),
    'GET /v1/events/settled': async ({ query, signal }) => {
      const id = query.get('id')
      if (id === null) return refusal(400, 'bad-query', 'expected id')
      const [epoch, unit] = [query.get('epoch'), query.get('unit')]
      const right = epoch === null ? null : { epoch: Number(epoch), ...(unit !== null && { unit }) }
      return answerSettled(await replicator.settled(id, signal, right), [id])
    },
    'POST /v1/applied': async ({ body }) => {
      const { site, positions, mark, ended } = (body ?? {}) as Partial<PeerWord> & { site?: string }
      if (typeof site !== 'string' || !Array.isArray(positions) || !positions.every(isPosition))
        return refusal(400, 'bad-body', 'expected site and positions')
      const word = { positions, ...(mark !== undefined && { mark }), ...(ended !== undefined && { ended }) }
      if (!(await replicator.applied(site, word)))
        return refusal(403, 'unknown-site', `expected a peer, found ${site}`)
      return { status: 204 }
    },
    'GET /v1/unreplicated': async ({ query }) => {
      const site = query.get('site')
      if (site === null) return refusal(400, 'bad-query', 'expected site')
      const [ids, refused] = await Promise.all([
        replicator.unreplicated(site, limitOf(query)),
        replicator.standing.refusedAt(site, limitOf(query)),
      ])
      return { status: 200, body: { ids, refused } }
    },
    'GET /v1/ended': async ({ query }) => {
      const origin = query.get('origin')
      if (origin === null) return refusal(400, 'bad-query', 'expected origin')
      return { status: 200, body: { ids: await database.letters.ended(limitOf(query), origin) } }
    },
    'GET /v1/dead-letters': async ({ query }) => ({
      status: 200,
      body: { deadLetters: await database.letters.list(Number(query.get('after') ?? 0), limitOf(query)) },
    }),
    'POST /v1/dead-letters/retry': async ({ body }) => {
      const { table, key } = (body ?? {}) as { table?: string; key?: string }
      const only = typeof table === 'string' && typeof key === 'string' ? { table, key } : undefined
      return { status: 200, body: await database.letters.retry(only) }
    },
    'POST /v1/dead-letters/drop': async ({ body }) => {
      const id = Number((body as { id?: number } | undefined)?.id)
      const dropped = await database.letters.drop(id)
      return dropped
        ? { status: 204 }
        : refusal(404, 'no-dead-letter', `expected the id of a dead letter, found ${id}`)
    },
    'GET /v1/conflicts': async ({ query }) => ({
      status: 200,
      body: { conflicts: await database.conflicts.list(Number(query.get('after') ?? 0), limitOf(query)) },
    }),
    'POST /v1/conflicts/undo': async ({ body }) => {
      const id = Number((body as { id?: number } | undefined)?.id)
      const event = await database.conflicts.undo(id)
      if (event === null)
        return refusal(404, 'no-conflict', `expected the id of a conflict that stands, found ${id}`)
      return { status: 200, body: { event } }
    },
    'POST /v1/accept-gap': async () => {
      if (await replicator.acceptGap()) return { status: 204 }
      return refusal(409, 'no-gap', 'expected changes of this site to be missing, found none')
    },
    'POST /v1/fence': async ({ body }) => {
      const { origin, epoch, unit } = (body ?? {}) as { origin?: string; epoch?: number; unit?: string }
      if (typeof origin !== 'string' || !Number.isSafeInteger(epoch))
        return refusal(400, 'bad-body', 'expected origin and epoch')
      await replicator.standing.fence(origin, epoch!, unit)
      return { status: 204 }
    },
    'POST /v1/claim': async ({ body }) => {
      const { epoch, unit, force } = (body ?? {}) as { epoch?: number; unit?: string; force?: boolean }
      if (!Number.isSafeInteger(epoch)) return refusal(400, 'bad-body', 'expected epoch')
      const why = await desk.claim(epoch!, unit, force === true)
      return why === null ? { status: 204 } : refusal(409, 'claim-refused', why)
    },
    'POST /v1/data': async ({ body }) => answerQuestion(desk, body),
    'GET /v1/dead-letters/counts': async ({ query }) => {
      const origin = query.get('origin')
      const all = await database.letters.countBySite()
      if (origin === null) return { status: 200, body: { counts: all } }
      const found = all.find((each) => each.origin === origin)
      return { status: 200, body: found ?? { origin, count: 0, oldEpoch: 0 } }
    },
  }
}

async function publish(
  replicator: Replicator,
  durabilityOf: (table: string) => 'async' | 'sync',
  { body, query, signal }: Asked,
): Promise<Answered> {
  const values = Array.isArray(body) ? (body as unknown[]) : [body]
  if (values.length === 0 || values.length > draftsMax)
    return refusal(400, 'bad-body', `expected an event or a list of 1 to ${draftsMax}`)
  const drafts: ChangeDraft[] = []
  for (const [index, value] of values.entries()) {
    const bytes = JSON.stringify(value)?.length ?? 0
    if (bytes > eventBytesMax)
      return refusal(
        413,
        'too-large',
        `event ${index}: expected at most ${eventBytesMax} bytes, found ${bytes}`,
      )
    const parsed = parseChangeDraft(value)
    if (!parsed.ok) return refusal(400, parsed.reason, `event ${index}: ${parsed.detail}`)
    drafts.push(parsed.event)
  }
  const asked = query.get('durability')
  const isSync = asked === 'sync' || drafts.some(({ table = defaultTable }) => durabilityOf(table) === 'sync')
  try {
    const { events, settled } = await replicator.publish(drafts, isSync ? 'sync' : 'async', signal)
    const ids = drafts.map(({ id }) => id)
    if (settled !== 'here') return answerSettled(settled, ids)
    return {
      status: 200,
      body: { ids, repeated: ids.filter((_, i) => events[i] === null), durability: 'here' },
    }
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    const status = code === 'outbox-full' || code === 'loading' ? 503 : 409
    return refusal(status, code ?? 'refused', message)
  }
}

function answerSettled(settled: 'peers' | 'degraded' | 'unknown', ids: readonly string[]): Answered {
  if (settled !== 'unknown') return { status: 200, body: { ids, durability: settled } }
  const message = 'written here, and not acknowledged by every peer in time: ask again with the same ids'
  return refusal(503, 'peer-silent', message, { ids })
}

function limitOf(query: URLSearchParams): number {
  const limit = Number(query.get('limit') ?? 100)
  return Number.isSafeInteger(limit) && limit > 0 ? Math.min(limit, 10_000) : 100
}

function isPosition(value: LogPosition): boolean {
  return (
    typeof value?.logId === 'string' &&
    Number.isSafeInteger(value.partition) &&
    Number.isSafeInteger(value.offset)
  )
}
