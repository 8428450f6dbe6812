import { LogTruncatedError } from '@budao/model'
import type { Answered, Asked, Handlers } from '../http/http-front.ts'
import { refusal } from '../http/http-front.ts'
import type { SegmentLog } from './segment-log.ts'

/**
 * Longest a reader's question waits for an entry, milliseconds. Heartbeats come four times a second, so one that waits longer
 * was lost on its way: after a partition nobody sits on a dead connection.
 */
export const waitMsMax = 2_000
const bytesMaxOfRead = 8 * 1024 * 1024

/** The log of this site, for the peers that read it. */
export function logRoutes(log: SegmentLog): Handlers {
  return {
    'GET /v1/log/bounds': async () => ({ status: 200, body: await log.bounds() }),
    'GET /v1/log': (asked) => read(log, asked),
  }
}

async function read(log: SegmentLog, { query, signal }: Asked): Promise<Answered> {
  const offset = Number(query.get('offset') ?? Number.NaN)
  const bytes = Number(query.get('bytes') ?? 1024 * 1024)
  const logId = query.get('logId')
  if (
    !Number.isSafeInteger(offset) ||
    offset < 0 ||
    !Number.isSafeInteger(bytes) ||
    bytes < 1 ||
    logId === null
  ) {
    return refusal(
      400,
      'bad-query',
      'expected logId, offset (a whole number) and bytes (a whole number above 0)',
    )
  }
  const until = AbortSignal.any([signal, AbortSignal.timeout(waitMsMax)])
  try {
    const frames = await log.frames({ logId, partition: 0, offset }, Math.min(bytes, bytesMaxOfRead), until)
    if (frames.length === 0) return { status: 204 }
    return { status: 200, headers: { 'content-type': 'application/octet-stream' }, body: frames }
  } catch (error) {
    if (!(error instanceof LogTruncatedError)) throw error
    return refusal(410, 'log-truncated', error.message, { found: error.found })
  }
}
