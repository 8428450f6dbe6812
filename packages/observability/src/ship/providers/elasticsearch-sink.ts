import type { ElasticsearchSinkConfig } from '@budao/model'
import { ByteText } from '../../record/byte-text.ts'
import { HttpSender } from '../http-sender.ts'
import { allTaken, type LogSink, type SinkAnswer } from '../log-sink.ts'
import type { SinkRecord } from '../sink-record.ts'

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
  const sender = new HttpSender(`${url.replace(/\/$/, '')}/_bulk?${wanted}`, {
    ...headers,
    'content-type': 'application/x-ndjson',
  })
  const actionOf = actionLines(index)
  const compose = (body: ByteText, records: readonly SinkRecord[]): void => {
    body.clear()
    for (const record of records) {
      body.add(actionOf(record))
      record.addEcs(body)
      body.add(lineEnd)
    }
  }
  let body = new ByteText()
  let ahead = new ByteText()
  let prepared: readonly SinkRecord[] | null = null
  return {
    prepare(records) {
      compose(ahead, records)
      prepared = records
    },
    async send(records, signal) {
      if (records === prepared) {
        ;[body, ahead] = [ahead, body]
        prepared = null
      } else compose(body, records)
      const answer = await sender.post(body.bytes, signal)
      if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text.slice(0, 200)}`)
      // It stands before the items, which say of each document only that it was taken.
      if (noErrors.test(answer.beginning(noErrorsLetters))) return allTaken
      return judge(records, JSON.parse(answer.text) as BulkAnswer)
    },
    close: async () => sender.close(),
  }
}

/** Of the answer what is looked at: without it there are 180 bytes of each document, with it 25. */
const wanted = 'filter_path=errors,items.*.status,items.*.error'
const lineEnd = Buffer.from('\n')
const noErrors = /^\{[^[{]*"errors":false[,}]/
const noErrorsLetters = 200

function judge(records: readonly SinkRecord[], { errors, items }: BulkAnswer): SinkAnswer {
  if (!errors) return allTaken
  const again: SinkRecord[] = []
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
function actionLines(index: string): (record: SinkRecord) => Buffer {
  const action = (name: string): Buffer => Buffer.from(`{"create":{"_index":${JSON.stringify(name)}}}\n`)
  const same = action(index)
  if (!index.includes('{')) return () => same
  let lastDay = Number.NaN
  let line = same
  return (record) => {
    const day = Math.floor(record.timestamp / dayMs)
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
