import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProxyProbe, RecordingBackend, requestCases, responseCases } from '@budao/testkit'
import { testGateway } from '../test-gateway.test.ts'

const unguarded = { outlier: false, breaker: false, retry: { attempts: 0 } }

test('of the corpus of requests every plain one is forwarded, once, and of every other one no byte', async (t) => {
  await using backend = await RecordingBackend.start()
  const gateway = await testGateway(t, { endpoints: [backend.address], service: unguarded })
  const probe = new ProxyProbe(gateway.port, backend)
  const wrong: string[] = []
  for (const each of requestCases) {
    const { status, forwarded, requests } = await probe.request(each)
    const right =
      each.verdict === 'forward'
        ? status === 200 && requests === 1
        : !forwarded && status !== null && status >= 400
    if (!right)
      wrong.push(`${each.verdict}, ${each.name}: status ${status}, ${requests} request(s) forwarded`)
  }
  assert.deepEqual(wrong, [])
})

test('of the corpus of answers every plain one is passed on, and every other one is 502 or breaks off', async (t) => {
  await using backend = await RecordingBackend.start()
  const gateway = await testGateway(t, { endpoints: [backend.address], service: unguarded })
  const probe = new ProxyProbe(gateway.port, backend)
  const wrong: string[] = []
  for (const each of responseCases) {
    const { kind, body } = await probe.response(each)
    const right =
      each.verdict === 'forward'
        ? kind === 'passed' && body === each.body
        : kind === 'refused' || kind === 'cut'
    if (!right) wrong.push(`${each.verdict}, ${each.name}: ${kind} ${JSON.stringify(body)}`)
    const next = await probe.next()
    if (!next.answered) wrong.push(`${each.name}: the next request suffered`)
    if (each.verdict === 'broken' && next.trusting) wrong.push(`${each.name}: the connection was used again`)
  }
  assert.deepEqual(wrong, [])
})
