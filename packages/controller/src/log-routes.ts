import type { ServerResponse } from 'node:http'
import {
  LogFilterError,
  type LogRecord,
  type LogsDesk,
  type LogsTallyQuery,
  parseDuration,
  parseLogFilter,
} from '@budao/model'
import type { AdminRoute, NodeRoutesOptions } from './admin-route.ts'
import { ApiError } from './api-error.ts'
import { badParameter, integer, noQuery, onlyKeys, show } from './parameters.ts'
import { within } from './within.ts'

/** A search ends by itself before. */
const queryTimeoutMs = 15_000
const filterLengthMax = 4_000
const limitMax = 5_000
const barsMax = 200
const heartbeatMs = 15_000
/** A reader who takes nothing so long is cut off. */
const stalledMs = 30_000

/** The part of the API that is about collected logs. */
export function logRoutes({ source }: NodeRoutesOptions): readonly AdminRoute[] {
  const desk = (): LogsDesk => source.logs?.() ?? off()
  return [
    {
      method: 'GET',
      url: '/api/v1/logs',
      role: 'viewer',
      handle(request) {
        const given = request.query as Record<string, unknown>
        onlyKeys(given, ['filter', 'from', 'to', 'limit'], 'query parameter')
        const query = { ...range(given), limit: integer('limit', given['limit'], 1, limitMax) ?? 100 }
        const asked = desk()
        return within(queryTimeoutMs, () => asked.query(query))
      },
    },
    {
      method: 'GET',
      url: '/api/v1/logs/histogram',
      role: 'viewer',
      handle(request) {
        const given = request.query as Record<string, unknown>
        onlyKeys(given, ['filter', 'from', 'to', 'bars'], 'query parameter')
        const query = { ...range(given), bars: integer('bars', given['bars'], 1, barsMax) ?? 60 }
        const asked = desk()
        return within(queryTimeoutMs, () => asked.tally(query))
      },
    },
    {
      method: 'GET',
      url: '/api/v1/logs/status',
      role: 'viewer',
      handle(request) {
        noQuery(request.query)
        return desk().report()
      },
    },
    {
      method: 'GET',
      url: '/api/v1/logs/stream',
      role: 'viewer',
      handle(request, reply) {
        const given = request.query as Record<string, unknown>
        onlyKeys(given, ['filter'], 'query parameter')
        const filter = filterText(given['filter'])
        const follow = follower(desk(), filter)
        const raw = reply.hijack({
          'content-type': 'text/event-stream; charset=utf-8',
          'x-accel-buffering': 'no',
        })
        if (request.method === 'HEAD') {
          follow.stop()
          return raw.end()
        }
        return follow.into(raw)
      },
    },
  ]
}

/** Records as server-sent events. A reader who is slow misses some, and is told how many. */
function follower(desk: LogsDesk, filter: string): { into(response: ServerResponse): void; stop(): void } {
  let response: ServerResponse | null = null
  let stalled: NodeJS.Timeout | undefined
  let missed = 0
  const write = (text: string): void => {
    if (response === null || response.write(text) || stalled !== undefined) return
    stalled = setTimeout(() => response?.destroy(), stalledMs)
  }
  const take = (records: readonly LogRecord[], passedOver: number): void => {
    missed += passedOver
    if (stalled !== undefined) return void (missed += records.length)
    const lines = records.map((record) => `data: ${JSON.stringify(record)}\n\n`)
    if (missed > 0) lines.push(`event: missed\ndata: ${missed}\n\n`)
    missed = 0
    write(lines.join(''))
  }
  const stop = desk.follow(filter, take)
  if (stop === null) {
    throw new ApiError('too-many-streams', 'too many readers follow the logs already', {
      hint: 'Ask /api/v1/logs instead, or close other readers.',
    })
  }
  return {
    stop,
    into(raw) {
      response = raw
      raw.on('drain', () => {
        clearTimeout(stalled)
        stalled = undefined
      })
      const heartbeat = setInterval(() => {
        if (stalled === undefined) write(': alive\n\n')
      }, heartbeatMs)
      raw.on('close', () => {
        stop()
        clearInterval(heartbeat)
        clearTimeout(stalled)
      })
      write('retry: 1000\n\n')
    },
  }
}

/** Which records are meant. */
function range(given: Record<string, unknown>): Omit<LogsTallyQuery, 'bars'> {
  const now = Date.now()
  return {
    filter: filterText(given['filter']),
    from: instant('from', given['from'], now) ?? 0,
    to: instant('to', given['to'], now) ?? Number.MAX_SAFE_INTEGER,
  }
}

function filterText(value: unknown = ''): string {
  if (typeof value !== 'string' || value.length > filterLengthMax)
    throw badParameter(`filter must be a text of at most ${filterLengthMax} characters, got ${show(value)}`)
  try {
    parseLogFilter(value)
  } catch (error) {
    if (error instanceof LogFilterError) throw badParameter(`filter cannot be read: ${error.message}`)
    throw error
  }
  return value
}

/** A time as ISO 8601 or milliseconds since 1970, or how long ago: `15m`. */
function instant(name: string, value: unknown, now: number): number | undefined {
  if (value === undefined) return undefined
  const text = typeof value === 'string' ? value : ''
  const ago = parseDuration(text)
  if (ago !== undefined) return now - ago
  const at = /^\d{10,16}$/.test(text) ? Number(text) : Date.parse(text)
  if (!Number.isNaN(at)) return at
  throw badParameter(
    `${name} must be a time such as 2026-11-27T02:00:00Z, or how long ago such as 15m, got ${show(value)}`,
  )
}

function off(): never {
  throw new ApiError('logs-off', 'this process collects no logs', {
    hint: 'Give it `logs` in the configuration, and start it with budao up or budao agent.',
  })
}
