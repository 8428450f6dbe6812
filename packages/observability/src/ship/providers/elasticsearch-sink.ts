import type { ElasticsearchSinkConfig, LogRecord } from '@budao/model'
import { ecsDocument } from '../ecs-document.ts'
import { post } from '../http-sender.ts'
import type { LogSink, SinkAnswer } from '../log-sink.ts'

interface BulkAnswer {
  readonly errors: boolean
  readonly items: readonly {
    readonly create: {
      readonly status: number
      readonly error?: { readonly type: string; readonly reason?: string }
    }
  }[]
}

/**
 * `_bulk`: of one request some documents may be taken, some refused for ever, and some not now, each said in the body under
 * status 200.
 */
export function elasticsearchSink({ url, index, headers }: ElasticsearchSinkConfig): LogSink {
  const target = `${url.replace(/\/$/, '')}/_bulk`
  const sent = { ...headers, 'content-type': 'application/x-ndjson' }
  return {
    async send(records, signal) {
      let body = ''
      // `create`, as data streams want it.
      for (const record of records)
        body += `{"create":{"_index":${JSON.stringify(indexOf(index, record))}}}\n${JSON.stringify(ecsDocument(record))}\n`
      const answer = await post(target, sent, body, signal)
      if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text.slice(0, 200)}`)
      return judge(records, JSON.parse(answer.text) as BulkAnswer)
    },
    close: () => Promise.resolve(),
  }
}

function judge(records: readonly LogRecord[], { errors, items }: BulkAnswer): SinkAnswer {
  if (!errors) return { again: [], refused: 0 }
  const again: LogRecord[] = []
  let refused = 0
  let reason: string | undefined
  for (const [position, { create }] of items.entries()) {
    if (create.status < 300) continue
    // Too many requests, or a shard that is away: the same document will be taken later.
    if (create.status === 429 || create.status >= 500) again.push(records[position]!)
    else {
      refused++
      reason ??= `${create.error?.type ?? create.status}: ${create.error?.reason ?? ''}`
    }
  }
  return { again, refused, ...(reason === undefined ? {} : { reason }) }
}

function indexOf(index: string, { timestamp }: LogRecord): string {
  if (!index.includes('{')) return index
  const [year = '', month = '', day = ''] = new Date(timestamp).toISOString().slice(0, 10).split('-')
  return index.replace('{yyyy.MM.dd}', `${year}.${month}.${day}`)
}
