import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import { createClient, fetchTransport, type PublicKey } from '@budao/miniprogram'
import { rawServer } from '@budao/testkit'
import { testFiles, testGateway, until } from './test-gateway.test.ts'
import { appId, appSecret, testWeixin } from './test-weixin.test.ts'

const pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string

test('the SDK logs in, is told another channel, and its calls are counted: all by routes of the gateway', async (t) => {
  const platform = await testWeixin(t)
  const hosts: string[] = []
  const shop = await rawServer(t, ({ connection, header }) => {
    hosts.push(header('host') ?? '')
    connection.respond(200, JSON.stringify({ user: header('x-user') }), {
      'Content-Type': 'application/json',
    })
  })
  const lists = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey
  const dir = testFiles(t, {
    'session.pem': pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
    'lists.pem': pem(lists),
    'app.secret': appSecret,
    'users.secret': 'users-secret-0123456789',
    'order.json': JSON.stringify({ version: 1, order: ['https://unknown.example.com'] }),
  })
  const at = (path: string): object => ({ match: [{ path: { exact: path } }] })
  const listeners = ['a', 'b'].map((name) => ({ name, address: '127.0.0.1:0', protocol: 'http' }))
  const gateway = await testGateway(
    t,
    {
      workers: 2,
      endpoints: [shop.address],
      listeners,
      identity: { app: { weixin: { appId, secret: { file: 'app.secret' }, urls: [platform.url] } } },
      routes: [
        { name: 'ping', ...at('/budao/v1/ping'), serve: { ping: {} } },
        { name: 'telemetry', ...at('/budao/v1/telemetry'), serve: { telemetry: {} } },
        {
          name: 'channels',
          ...at('/budao/v1/channels'),
          serve: { channels: { key: 'lists.pem', file: 'order.json' } },
        },
        {
          name: 'session',
          ...at('/budao/v1/session'),
          serve: {
            session: {
              provider: 'app',
              token: { key: 'session.pem', audience: 'shop' },
              user: { hash: { file: 'users.secret' } },
            },
          },
        },
        {
          name: 'shop',
          backends: [{ service: 'shop' }],
          filters: [{ jwt: { jwks: 'session.pem', audience: 'shop', forwardClaims: { sub: 'X-User' } } }],
        },
      ],
    },
    dir,
  )
  const [a, b] = ['a', 'b'].map((name) => `http://127.0.0.1:${gateway.portOf(name)}`)
  let logins = 0
  const client = createClient({
    // A phone's, but for timers that do not outlive the test.
    runtime: {
      now: () => performance.now(),
      wallNow: () => Date.now(),
      random: { next: () => Math.random() },
      after(ms, fire) {
        const timer = setTimeout(fire, ms).unref()
        return () => clearTimeout(timer)
      },
    },
    channels: [a!, b!],
    transport: fetchTransport(globalThis),
    auth: { login: async () => ({ provider: 'weixin', code: `code-alice-${logins++}` }) },
    channelList: { key: createPublicKey(lists).export({ format: 'jwk' }) as PublicKey, intervalMs: 1 },
    telemetry: { app: 'shop', samplePercent: 100, flushMs: 20 },
  })
  const me = async (): Promise<string> => (await client.get<{ user: string }>('/me')).data.user
  const user = await me()
  assert.match(user, /^[\w-]{22}$/)
  assert.equal(await me(), user)
  assert.equal(logins, 1)
  assert.deepEqual([...platform.codes.values()], [1])
  assert.ok(hosts.every((host) => `http://${host}` === a))

  const changed = await gateway.gateway.served.setChannels('channels', { order: [b!, a!], reason: 'a test' })
  assert.ok(changed.ok)
  await until('calls go to the other channel', async () => {
    await me()
    return `http://${hosts.at(-1)}` === b
  })
  await until('calls are counted', () =>
    /^budao_sdk_calls_total\{platform="fetch",code="2xx"\} [1-9]/m.test(gateway.gateway.metrics()),
  )
})
