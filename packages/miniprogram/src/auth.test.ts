import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualTime, WxEmulator } from '@budao/testkit'
import { createClient, weixin, type AuthOptions } from './index.ts'
import { testRuntime } from './test-runtime.test.ts'

const origin = 'https://a.example'

/** A server that takes one token, and a client that begins with another. */
function world(
  refresh: (set: (token: string) => void, time: VirtualTime) => Promise<string | undefined>,
  refusal = { status: 401, body: '{}' },
) {
  const time = new VirtualTime()
  let token: string | undefined = 'old'
  let refreshes = 0
  const seen: string[] = []
  const wx = new WxEmulator(time, {
    domains: [origin],
    network: ({ header }) => {
      seen.push(header['Authorization'] ?? 'none')
      const good = header['Authorization'] === 'Bearer new'
      return { afterMs: 20, ...(good ? { status: 200, body: '{}' } : refusal) }
    },
  })
  const auth: AuthOptions = {
    token: () => token,
    refresh: () => {
      refreshes++
      return refresh((next) => void (token = next), time)
    },
  }
  const client = createClient({
    channels: [{ baseUrl: origin }],
    transport: weixin(wx),
    runtime: testRuntime(time),
    auth,
  })
  return { time, client, seen, refreshes: () => refreshes }
}

test('many calls that find the token no longer valid renew it once, and are made again', async () => {
  const { time, client, seen, refreshes } = world(
    (set, at) =>
      new Promise((resolve) => {
        at.after(500, () => {
          set('new')
          resolve('new')
        })
      }),
  )
  const calls = Array.from({ length: 6 }, (_, i) => client.get(`/${i}`))
  const responses = await time.until(Promise.all(calls))
  assert.ok(responses.every(({ status }) => status === 200))
  assert.equal(refreshes(), 1)
  assert.equal(seen.filter((each) => each === 'Bearer new').length, 6)
  await time.until(client.get('/later'))
  assert.equal(refreshes(), 1)
})

test('a gateway says 403 of a token that has ended: it is renewed; any other 403 is an answer', async () => {
  const renew = (set: (token: string) => void): Promise<string> => {
    set('new')
    return Promise.resolve('new')
  }
  const ended = world(renew, { status: 403, body: '{"error":"token_invalid","message":"…"}' })
  assert.equal((await ended.time.until(ended.client.get('/x'))).status, 200)
  assert.equal((await ended.time.until(ended.client.post('/x', {}, { responseType: 'text' }))).status, 200)
  const forbidden = world(renew, { status: 403, body: '{"error":"token_insufficient"}' })
  await assert.rejects(forbidden.time.until(forbidden.client.get('/x')), { code: 'http', status: 403 })
  assert.equal(forbidden.refreshes(), 0)
})

test('where no other token is to be had, the 401 is the answer, and nobody asks in circles', async () => {
  for (const refresh of [
    () => Promise.reject(new Error('the user said no')),
    () => Promise.resolve(undefined),
    () => Promise.resolve('old'),
  ]) {
    const { time, client, seen } = world(refresh)
    await assert.rejects(time.until(client.post('/orders', {})), { code: 'http', status: 401 })
    assert.equal(seen.length, 1)
  }
})

test('a call that waits for a token can be aborted', async () => {
  const { time, client } = world(() => new Promise(() => {}))
  const call = client.get('/x')
  const outcome = assert.rejects(time.until(call), { code: 'aborted' })
  await time.advance(100)
  call.abort()
  await outcome
})
