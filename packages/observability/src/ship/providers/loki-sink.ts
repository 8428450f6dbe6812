import type { LogRecord, LogValue, LokiSinkConfig } from '@budao/model'
import { fieldOf } from '../../record/field.ts'
import { ecsJson } from '../ecs-document.ts'
import { post } from '../http-sender.ts'
import { allTaken, type LogSink } from '../log-sink.ts'

/** `/loki/api/v1/push`: one stream for each combination of labels, lines as JSON, times in nanoseconds. */
export function lokiSink({ url, labels, headers }: LokiSinkConfig): LogSink {
  const target = `${url.replace(/\/$/, '')}/loki/api/v1/push`
  const sent = { ...headers, 'content-type': 'application/json' }
  return {
    async send(records, signal) {
      const body = JSON.stringify({ streams: streamsOf(records, labels) })
      const { status, text } = await post(target, sent, body, signal)
      if (status < 300) return allTaken
      // What is too old or too long it refuses as a whole request, after it has taken what it can.
      if (status === 400) return { again: [], refused: records.length, reason: text.slice(0, 200) }
      throw new Error(`${status} ${text.slice(0, 200)}`)
    },
    close: () => Promise.resolve(),
  }
}

interface Stream {
  readonly stream: Readonly<Record<string, string>>
  readonly values: [at: string, line: string][]
}

function streamsOf(records: readonly LogRecord[], labels: readonly string[]): Stream[] {
  const streams = new Map<string, Stream>()
  for (const record of records) {
    const values = labels.map((name) => textOf(fieldOf(record, name)))
    const key = JSON.stringify(values)
    let stream = streams.get(key)
    if (stream === undefined) {
      const named = labels.map((name, index) => [labelName(name), values[index]!] as const)
      const said = named.filter(([, value]) => value !== '')
      // A stream without any label is refused.
      stream = { stream: Object.fromEntries(said.length === 0 ? [['source', 'budao']] : said), values: [] }
      streams.set(key, stream)
    }
    stream.values.push([nanoseconds(record.timestamp), ecsJson(record)])
  }
  return [...streams.values()]
}

/** Letters, digits and `_`. */
function labelName(name: string): string {
  return name.replace(/[^a-zA-Z0-9_]/g, '_').replace(/^(?=\d)/, '_')
}

function textOf(value: LogValue | undefined): string {
  return value === undefined || value === null ? '' : String(value)
}

function nanoseconds(ms: number): string {
  const whole = Math.floor(ms)
  return `${whole}${String(Math.round((ms - whole) * 1e6)).padStart(6, '0')}`
}
