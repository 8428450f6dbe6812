import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualTime, WxEmulator, type WxNetwork } from '@budao/testkit'
import { createClient, weixin } from './index.ts'
import { testRuntime } from './test-runtime.test.ts'

const primary = 'https://a.example'
const backup = 'https://b.example'

function wrapped(network: WxNetwork) {
  const time = new VirtualTime()
  const wx = new WxEmulator(time, { domains: [primary, backup, 'https://other.example'], network })
  const client = createClient({
    channels: [{ baseUrl: primary }, { baseUrl: backup }],
    transport: weixin(wx),
    runtime: testRuntime(time),
  })
  return { time, wx, request: client.wrap(wx) }
}

type Result = Record<string, unknown>

/** What the three callbacks of one request were given, in their order. */
async function told(
  time: VirtualTime,
  request: WxEmulator['request'],
  options: Parameters<WxEmulator['request']>[0],
): Promise<[name: string, result: Result][]> {
  const calls: [string, Result][] = []
  await time.until(
    new Promise<void>((resolve) => {
      request({
        ...options,
        success: (answer) => calls.push(['success', answer as unknown as Result]),
        fail: (failure) => calls.push(['fail', failure as unknown as Result]),
        complete: (result) => {
          calls.push(['complete', result as unknown as Result])
          resolve()
        },
      })
    }),
  )
  return calls
}

test('a wrapped request answers as the platform does, and finds a channel that works', async () => {
  const { time, wx, request } = wrapped(({ url, header, data }) =>
    url.startsWith(primary)
      ? { afterMs: 10, fails: 'dns' }
      : { afterMs: 10, status: 201, body: JSON.stringify({ got: data, type: header['Content-Type'] }) },
  )
  const calls = await told(time, request, { url: `${primary}/orders?x=1`, method: 'POST', data: { item: 1 } })
  assert.deepEqual(
    calls.map(([name]) => name),
    ['success', 'complete'],
  )
  assert.equal(calls[0]![1]['statusCode'], 201)
  assert.deepEqual(calls[0]![1]['data'], { got: '{"item":1}', type: 'application/json' })
  assert.deepEqual(
    wx.sent.map(({ url }) => url),
    [`${primary}/orders?x=1`, `${backup}/orders?x=1`],
  )
})

test('every status is a success, what is no JSON stays text, and data of a GET are parameters', async () => {
  const { time, wx, request } = wrapped(() => ({ afterMs: 10, status: 404, body: 'no such item' }))
  const [[name, answer]] = (await told(time, request, { url: `${primary}/items`, data: { id: 7 } })) as [
    [string, Result],
  ]
  assert.equal(name, 'success')
  assert.equal(answer['statusCode'], 404)
  assert.equal(answer['data'], 'no such item')
  assert.equal(wx.sent[0]!.url, `${primary}/items?id=7`)
})

test('other domains and answers in pieces go to the platform as before', async () => {
  const { time, request } = wrapped(() => ({ afterMs: 10, fails: 'reset' }))
  for (const options of [
    { url: 'https://other.example/x' },
    { url: 'https://a.example.evil/x' },
    { url: `${primary}/x`, enableChunked: true },
  ]) {
    const calls = await told(time, request, options)
    assert.equal(calls[0]![0], 'fail')
  }
})

test('abort of the task ends the call with the platform’s words', async () => {
  const { time, request } = wrapped(() => ({ fails: 'silence' }))
  const failures: string[] = []
  const task = request({ url: `${primary}/x`, fail: ({ errMsg }) => failures.push(errMsg) })
  await time.advance(5)
  task.abort()
  await time.advance(5)
  assert.deepEqual(failures, ['request:fail abort'])
})

test('failures have the platform’s words, once', async () => {
  for (const [fate, text] of [
    [{ fails: 'silence' }, /^request:fail timeout$/],
    [{ afterMs: 10, fails: 'dns' }, /^request:fail errcode:-105 /],
    [{ afterMs: 10, fails: 'reset' }, /^request:fail errcode:-101 /],
  ] as const) {
    const { time, request } = wrapped(() => fate)
    const calls = await told(time, request, { url: `${primary}/x`, timeout: 3_000 })
    assert.deepEqual(
      calls.map(([name]) => name),
      ['fail', 'complete'],
    )
    assert.match(String(calls[0]![1]['errMsg']), text)
  }
})
