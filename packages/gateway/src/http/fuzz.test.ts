import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fuzz } from './fuzz-campaign.ts'
import { fuzzGateway } from './fuzz-gateway.ts'
import { laxity, type Reading, type ReadMessage } from './fuzz-readings.ts'
import { RequestStreams } from './fuzz-requests.ts'

test('our reader is never laxer than Node’s (short; npm run fuzz goes on)', async () => {
  const report = await fuzz(20_260_101, 6_000)
  assert.deepEqual(report.failures, [])
  // A fuzz of which one side takes or refuses nearly everything would prove nothing.
  assert.ok(report.accepted > 0.25 * report.streams, `taken whole by both: ${report.accepted}`)
  assert.ok(report.refused > 0.25 * report.streams, `refused by both: ${report.refused}`)
  assert.ok(report.stricter > 0.05 * report.streams, `refused only by us: ${report.stricter}`)
  const codes = [
    'bad_header',
    'bad_request_line',
    'bad_chunk',
    'bad_host',
    'bad_framing',
    'bad_target',
    'bad_expectation',
  ]
  for (const code of codes) assert.ok((report.codes[code] ?? 0) >= 10, `${code}: ${report.codes[code]}`)
})

test('what a backend gets through the gateway is what our reader took, whole, in order and nothing else', async () => {
  const report = await fuzzGateway(20_260_102, 1_500)
  assert.deepEqual(report.failures, [])
  assert.ok(report.messages > 0.5 * report.streams, `requests that arrived: ${report.messages}`)
})

test('a seed repeats its streams', () => {
  const [a, b, c] = [new RequestStreams(7), new RequestStreams(7), new RequestStreams(8)]
  const drawn = Array.from({ length: 50 }, () => a.next())
  assert.deepEqual(
    drawn,
    Array.from({ length: 50 }, () => b.next()),
  )
  assert.notDeepEqual(
    drawn,
    Array.from({ length: 50 }, () => c.next()),
  )
})

const message: ReadMessage = {
  method: 'GET',
  target: '/',
  headers: [['Host', 'a']],
  body: 'x',
  trailers: [],
  complete: true,
}
const strict: Reading = { messages: [message, message], end: 'waiting', code: '' }
const refusing: Reading = { messages: [message], end: 'refused', code: 'bad' }

test('being stricter is no failure; being laxer, or understanding something else, is', () => {
  assert.equal(laxity(strict, strict), null)
  assert.equal(laxity(refusing, strict), null)
  assert.equal(laxity({ messages: [], end: 'refused', code: '' }, refusing), null)
  assert.match(laxity(strict, refusing)!, /request 1 is taken by us and not by the other/)
  for (const [key, value] of Object.entries({
    method: 'PUT',
    target: '/b',
    headers: [],
    body: 'xy',
    trailers: [['A', 'b']],
    complete: false,
  })) {
    const other: Reading = { messages: [{ ...message, [key]: value }], end: 'waiting', code: '' }
    assert.match(laxity({ ...refusing, end: 'waiting' }, other)!, new RegExp(`request 0: ${key} is`))
  }
  const partial: ReadMessage = { ...message, complete: false }
  assert.match(
    laxity(
      { messages: [partial], end: 'waiting', code: '' },
      { messages: [partial], end: 'refused', code: 'x' },
    )!,
    /we wait for more of a body/,
  )
})
