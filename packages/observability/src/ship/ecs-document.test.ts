import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogRecord } from '@budao/model'
import { ecsJson } from './ecs-document.ts'

const record: LogRecord = {
  timestamp: Date.parse('2026-11-27T06:13:20.007Z') + 0.25,
  observed: Date.parse('2026-11-27T06:13:21.100Z'),
  severityNumber: 17,
  severityText: 'error',
  body: 'a "quoted" 支付\n',
  traceId: '0af7651916cd43dd8448eb211c80319c',
  resource: { 'service.name': 'shop' },
  attributes: { 'http.response.status_code': 500, retried: true, 'user.name': null },
}
const asDocument = {
  '@timestamp': '2026-11-27T06:13:20.007Z',
  'service.name': 'shop',
  'http.response.status_code': 500,
  retried: true,
  'user.name': null,
  message: 'a "quoted" 支付\n',
  'log.level': 'error',
  'event.severity': 17,
  'trace.id': '0af7651916cd43dd8448eb211c80319c',
  'event.ingested': '2026-11-27T06:13:21.100Z',
}

test('a record becomes one document with names of ECS, each of them once', () => {
  const { traceId: _, ...untraced } = record
  const { 'trace.id': __, ...untracedDocument } = asDocument
  const cases: readonly [LogRecord, object][] = [
    [record, asDocument],
    [untraced, untracedDocument],
    // What the record says itself is kept over an attribute of that name, and an attribute over the resource.
    [
      { ...record, attributes: { message: 'other', 'service.name': 'pay' } },
      { ...bare(), 'service.name': 'pay' },
    ],
    [
      { ...record, attributes: {}, resource: {} },
      { ...bare(), 'service.name': undefined },
    ],
  ]
  for (const [given, expected] of cases) {
    const json = ecsJson(given)
    assert.deepEqual(JSON.parse(json), JSON.parse(JSON.stringify(expected)))
    assert.equal(json.match(/"message":/g)?.length, 1)
    assert.equal(json.match(/"service\.name":/g)?.length ?? 0, 'service.name' in JSON.parse(json) ? 1 : 0)
  }
})

/** Without attributes. */
function bare(): object {
  const { 'http.response.status_code': _, retried: __, 'user.name': ___, ...rest } = asDocument
  return rest
}
