import type { LogValue, LokiSinkConfig } from '@budao/model'
import { fieldOf } from '../../record/field.ts'
import { ByteText } from '../../record/byte-text.ts'
import { HttpSender } from '../http-sender.ts'
import { allTaken, type LogSink } from '../log-sink.ts'
import type { SinkRecord } from '../sink-record.ts'

/** `/loki/api/v1/push`: one stream for each combination of labels, lines as JSON, times in nanoseconds. */
export function lokiSink({ url, labels, headers }: LokiSinkConfig): LogSink {
  const sender = new HttpSender(`${url.replace(/\/$/, '')}/loki/api/v1/push`, {
    ...headers,
    'content-type': 'application/json',
  })
  const body = new ByteText()
  return {
    async send(records, signal) {
      body.clear()
      addStreams(body, records, labels)
      const { status, text } = await sender.post(body.bytes, signal)
      if (status < 300) return allTaken
      // What is too old or too long it refuses as a whole request, after it has taken what it can.
      if (status === 400) return { again: [], refused: records.length, reason: text.slice(0, 200) }
      throw new Error(`${status} ${text.slice(0, 200)}`)
    },
    close: async () => sender.close(),
  }
}

function addStreams(body: ByteText, records: readonly SinkRecord[], labels: readonly string[]): void {
  const streams = new Map<string, SinkRecord[]>()
  for (const record of records) {
    const key = JSON.stringify(labels.map((name) => textOf(fieldOf(record.record, name))))
    const stream = streams.get(key)
    if (stream === undefined) streams.set(key, [record])
    else stream.push(record)
  }
  const document = new ByteText()
  let before = '{"streams":['
  for (const [key, stream] of streams) {
    body.addText(`${before}{"stream":${JSON.stringify(streamOf(labels, key))},"values":`)
    let beforeValue = '['
    for (const record of stream) {
      document.clear()
      record.addEcs(document)
      body.addText(`${beforeValue}["${nanoseconds(record.timestamp)}","`)
      body.addEscaped(document.bytes)
      body.addText('"]')
      beforeValue = ','
    }
    body.addText(']}')
    before = ','
  }
  body.addText(']}')
}

function streamOf(labels: readonly string[], key: string): Readonly<Record<string, string>> {
  const values = JSON.parse(key) as string[]
  const named = labels.map((name, index) => [labelName(name), values[index]!] as const)
  const said = named.filter(([, value]) => value !== '')
  // A stream without any label is refused.
  return said.length === 0 ? { source: 'budao' } : Object.fromEntries(said)
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
