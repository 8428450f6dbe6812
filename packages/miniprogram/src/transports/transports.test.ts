import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { freePort } from '@budao/testkit'
import { createClient } from '../index.ts'
import type { TransportAnswer, TransportRequest } from '../transport.ts'
import type { Failure } from '../failure.ts'
import { alipay, douyin, fetchTransport, nativeStorage, uni, weixin } from './index.ts'
import { platform } from './platform.ts'

type Options = Record<string, unknown> & {
  success: (answer: object) => void
  fail: (failure: object) => void
}

const request: TransportRequest = {
  method: 'POST',
  url: 'https://a.example/x',
  headers: { 'X-A': '1' },
  body: '{"n":1}',
  timeoutMs: 5_000,
  responseType: 'text',
  native: { enableHttp2: true },
}

/** Sends by a platform that behaves so: what it was given, and what became of it. */
function sent(
  transport: (host: { request: (options: Options) => object }) => ReturnType<typeof weixin>,
  behave: (options: Options) => void,
  over: Partial<TransportRequest> = {},
): { options: Options; outcome: (TransportAnswer | Failure)[]; aborted: () => number } {
  let options: Options | undefined
  let aborts = 0
  const outcome: (TransportAnswer | Failure)[] = []
  const host = {
    request(given: Options) {
      options = given
      return { abort: () => void aborts++ }
    },
  }
  const stop = transport(host).send(
    { ...request, ...over },
    { onAnswer: (answer) => outcome.push(answer), onFailure: (failure) => outcome.push(failure) },
  )
  behave(options!)
  stop()
  return { options: options!, outcome, aborted: () => aborts }
}

test('each platform is asked in its own words', () => {
  const dialects = [
    [weixin, { dataType: 'text', header: { 'X-A': '1' } }],
    [uni, { dataType: 'text', header: { 'X-A': '1' } }],
    [douyin, { dataType: 'string', header: { 'X-A': '1' } }],
    [alipay, { dataType: 'text', headers: { 'X-A': '1' } }],
  ] as const
  for (const [transport, own] of dialects) {
    const { options } = sent(transport, () => {})
    assert.deepEqual(options, {
      success: options.success,
      fail: options.fail,
      url: request.url,
      method: 'POST',
      data: '{"n":1}',
      timeout: 5_000,
      responseType: 'text',
      enableHttp2: true,
      ...own,
    })
    const bytes = sent(transport, () => {}, { responseType: 'arraybuffer', body: undefined }).options
    assert.deepEqual(
      [bytes['dataType'], bytes['responseType'], 'data' in bytes],
      ['arraybuffer', 'arraybuffer', false],
    )
  }
})

test('an answer is one in each platform’s words, a status that its platform calls a failure included', () => {
  const headers = { 'Content-Type': 'application/json', 'X-N': 5 }
  for (const [transport, behave] of [
    [weixin, ({ success }) => success({ statusCode: 404, header: headers, data: 'no' })],
    [uni, ({ success }) => success({ statusCode: 404, header: headers, data: 'no' })],
    [douyin, ({ success }) => success({ statusCode: 404, header: headers, data: 'no' })],
    [alipay, ({ fail }) => fail({ error: 19, status: 404, headers, data: 'no' })],
  ] as [typeof weixin, (options: Options) => void][]) {
    const { outcome } = sent(transport, behave)
    const [answer] = outcome as TransportAnswer[]
    assert.deepEqual([answer!.status, answer!.body], [404, 'no'])
    assert.deepEqual(answer!.headers, { 'content-type': 'application/json', 'x-n': '5' })
  }
  // One that parses although it was told not to.
  const [parsed] = sent(uni, ({ success }) =>
    success({ statusCode: 200, header: {}, data: { n: 1 } }),
  ).outcome
  assert.equal((parsed as TransportAnswer).body, '{"n":1}')
  const [nothing] = sent(uni, ({ success }) => success({ statusCode: 204, header: {}, data: null })).outcome
  assert.equal((nothing as TransportAnswer).body, '')
})

test('failures in each platform’s words', () => {
  for (const [transport, failure, kind] of [
    [alipay, { error: 13, errorMessage: 'timeout' }, 'timeout'],
    [alipay, { error: 12, errorMessage: 'network' }, 'broken'],
    [alipay, { error: 9 }, 'aborted'],
    [alipay, { error: 11 }, 'misuse'],
    [douyin, { errMsg: 'request:fail net::ERR_NAME_NOT_RESOLVED', errNo: 10402 }, 'not-sent'],
    [douyin, { errMsg: 'request:fail timeout' }, 'timeout'],
    [uni, { errMsg: 'request:fail abort' }, 'aborted'],
    [uni, { errMsg: 'request:fail' }, 'unknown'],
  ] as const) {
    const { outcome } = sent(transport, ({ fail }) => fail(failure))
    assert.equal((outcome[0] as Failure).kind, kind, JSON.stringify(failure))
  }
})

test('a platform that tells twice, or after the end, is heard once', () => {
  const { outcome, aborted } = sent(weixin, ({ success, fail }) => {
    success({ statusCode: 200, header: {}, data: '1' })
    fail({ errMsg: 'request:fail abort' })
    success({ statusCode: 200, header: {}, data: '2' })
  })
  assert.equal(outcome.length, 1)
  assert.equal(aborted(), 1)
  const late: Options[] = []
  const { outcome: none } = sent(weixin, (options) => late.push(options))
  late[0]!.success({ statusCode: 200, header: {}, data: '1' })
  assert.equal(none.length, 0)
})

test('a provider of addresses is not waited for longer than a moment, unless the app says so', () => {
  const withDns = (native: object) =>
    sent(weixin, () => {}, { native: native as Record<string, unknown> }).options
  assert.equal(withDns({ enableHttpDNS: true })['httpDNSTimeout'], 800)
  assert.equal(withDns({ enableHttpDNS: true, httpDNSTimeout: 300 })['httpDNSTimeout'], 300)
  assert.ok(!('httpDNSTimeout' in withDns({})))
})

test('fetch: answers, refused connections and broken ones, and an abort that reaches the server', async (t) => {
  let told = (): void => {}
  const closed = new Promise<void>((resolve) => (told = resolve))
  const server = createServer((incoming, answer) => {
    // An abort is one, to a server.
    incoming.on('error', () => {})
    if (incoming.url === '/silent') return void answer.on('close', told)
    if (incoming.url === '/broken') return void incoming.socket.resetAndDestroy()
    let body = ''
    incoming.on('data', (chunk) => (body += String(chunk)))
    incoming.on('end', () => {
      answer.writeHead(201, { 'X-Method': incoming.method, 'X-Type': incoming.headers['content-type'] ?? '' })
      answer.end(body === '' ? '{}' : body)
    })
  }).listen(0, '127.0.0.1')
  t.after(() => void server.close())
  t.after(() => server.closeAllConnections())
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = createClient({ channels: [origin], transport: fetchTransport(globalThis) })
  const { data, status, headers } = await client.post('/x', { n: 1 })
  assert.deepEqual([data, status], [{ n: 1 }, 201])
  assert.deepEqual([headers['x-method'], headers['x-type']], ['POST', 'application/json'])
  const bytes = await client.get('/x', { responseType: 'arraybuffer' })
  assert.ok(bytes.data instanceof ArrayBuffer)
  await assert.rejects(client.post('/broken', {}), { code: 'maybe-sent', sent: true })
  const silent = client.get('/silent')
  const outcome = assert.rejects(silent, { code: 'aborted' })
  await once(server, 'request')
  silent.abort()
  await outcome
  await closed
  const nobody = createClient({
    channels: [`http://127.0.0.1:${await freePort()}`],
    transport: fetchTransport(globalThis),
  })
  await assert.rejects(nobody.post('/x', {}), { code: 'network', sent: false })
})

test('the platform is found by its global: its own object before uni-app’s, and a browser’s last', () => {
  const host = (): object => ({ request: () => ({}) })
  const globals = globalThis as Record<string, unknown>
  for (const [names, expected] of [
    [['my'], 'alipay'],
    [['tt'], 'douyin'],
    [['wx'], 'weixin'],
    [['uni'], 'uni'],
    [['uni', 'wx'], 'weixin'],
    [['uni', 'my'], 'alipay'],
    [[], 'fetch'],
  ] as const) {
    for (const name of names) globals[name] = host()
    try {
      assert.equal(platform().transport.name, expected, names.join())
    } finally {
      for (const name of names) delete globals[name]
    }
  }
  // The page of a browser in an app has a `wx` that cannot send.
  globals['wx'] = { miniProgram: {} }
  assert.equal(platform().transport.name, 'fetch')
  delete globals['wx']
})

test('storage in a platform’s words: what is not there is nothing, what does not fit is refused', async () => {
  const values = new Map<string, unknown>([['other', { an: 'object' }]])
  const storage = nativeStorage({
    getStorage: ({
      key,
      success,
      fail,
    }: {
      key: string
      success: (r: object) => void
      fail: (r: object) => void
    }) =>
      values.has(key)
        ? success({ data: values.get(key) })
        : fail({ errMsg: 'getStorage:fail data not found' }),
    setStorage: ({ fail }: { fail: (r: object) => void }) =>
      fail({ errMsg: 'setStorage:fail exceed storage max size' }),
    removeStorage: ({ fail }: { fail: (r: object) => void }) => fail({}),
    getStorageInfo: ({ success }: { success: (r: object) => void }) => success({ keys: [...values.keys()] }),
  })
  assert.equal(await storage.get('nothing'), undefined)
  assert.equal(await storage.get('other'), undefined)
  await assert.rejects(storage.set('x', 'y'), /exceed storage max size/)
  await storage.remove('x')
  assert.deepEqual(await storage.keys(), ['other'])
})
