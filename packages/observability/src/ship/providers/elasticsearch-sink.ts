import type { ElasticsearchSinkConfig, LogRecord } from '@budao/model'
import { ecsJson } from '../ecs-document.ts'
import { post } from '../http-sender.ts'
import { allTaken, type LogSink, type SinkAnswer } from '../log-sink.ts'

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
  const actionOf = actionLines(index)
  return {
    async send(records, signal) {
      let body = ''
      for (const record of records) body += `${actionOf(record)}${ecsJson(record)}\n`
      const answer = await post(target, sent, body, signal)
      if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text.slice(0, 200)}`)
      // It stands before the items, which say of each document only that it was taken.
      if (noErrors.test(answer.text.slice(0, noErrorsLetters))) return allTaken
      return judge(records, JSON.parse(answer.text) as BulkAnswer)
    },
    close: () => Promise.resolve(),
  }
}

const noErrors = /^\{[^[{]*"errors":false[,}]/
const noErrorsLetters = 200

function judge(records: readonly LogRecord[], { errors, items }: BulkAnswer): SinkAnswer {
  if (!errors) return allTaken
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

/** The line before a document; `create`, as data streams want it. An index has the day of the record, if it has one. */
function actionLines(index: string): (record: LogRecord) => string {
  const action = (name: string): string => `{"create":{"_index":${JSON.stringify(name)}}}\n`
  const same = action(index)
  if (!index.includes('{')) return () => same
  let lastDay = Number.NaN
  let line = ''
  return ({ timestamp }) => {
    const day = Math.floor(timestamp / dayMs)
    if (day !== lastDay) {
      lastDay = day
      line = action(
        index.replace('{yyyy.MM.dd}', new Date(day * dayMs).toISOString().slice(0, 10).replaceAll('-', '.')),
      )
    }
    return line
  }
}

const dayMs = 86_400_000
