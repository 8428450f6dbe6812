import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:http2'
import { test, type TestContext } from 'node:test'
import { rawExchange, rawServer, TestCa, type RawResponse } from '@budao/testkit'
import { requestText, testFiles, testGateway, type TestGateway } from './test-gateway.test.ts'
import { tlsClient } from './test-tls.test.ts'

const HEADER = 'strict-transport-security'

/** A listener `web` with TLS and a listener `plain` without, in front of a backend that may say it itself. */
async function serve(t: TestContext, hsts: unknown): Promise<TestGateway> {
  const { cert, key } = new TestCa().issue({ names: ['shop.example'] })
  const backend = await rawServer(t, ({ connection, target }) =>
    connection.respond(200, 'fine', target === '/own' ? { 'strict-transport-security': 'max-age=7' } : {}),
  )
  const tls = { cert: 'site.crt', key: 'site.key', ...(hsts === undefined ? {} : { hsts }) }
  return testGateway(
    t,
    {
      endpoints: [backend.address],
      listeners: [
        { name: 'web', address: '127.0.0.1:0', protocol: 'https', tls },
        { name: 'plain', address: '127.0.0.1:0', protocol: 'http' },
      ],
      routes: [
        { name: 'says', match: [{ path: { exact: '/says' } }], respond: { status: 200, body: 'own' } },
        {
          name: 'says-it',
          match: [{ path: { exact: '/says-it' } }],
          respond: { status: 200, headers: { 'strict-transport-security': 'max-age=9' } },
        },
        { name: 'shop', match: [{ path: { exact: '/shop' } }], backends: [{ service: 'shop' }] },
        { name: 'own', match: [{ path: { exact: '/own' } }], backends: [{ service: 'shop' }] },
      ],
    },
    testFiles(t, { 'site.crt': cert, 'site.key': key }),
  )
}

async function ask(t: TestContext, gateway: TestGateway, text: string): Promise<RawResponse> {
  const { client } = await tlsClient(t, gateway.port)
  client.send(text)
  return client.readResponse()
}

test('hsts: every answer over TLS says it, once, and what is said already stays', async (t) => {
  const gateway = await serve(t, {})
  const halfYear = 'max-age=15552000'
  for (const [text, status, expected] of [
    [requestText('/shop'), 200, halfYear],
    [requestText('/says'), 200, halfYear],
    [requestText('/nobody'), 404, halfYear],
    ['GET / HTTP/1.1\r\nHost : a\r\n\r\n', 400, halfYear],
    [requestText('/own'), 200, 'max-age=7'],
    [requestText('/says-it'), 200, 'max-age=9'],
  ] as const) {
    const answer = await ask(t, gateway, text)
    assert.equal(answer.status, status, text)
    // Two lines would be joined.
    assert.equal(answer.header(HEADER), expected, text)
  }
})

test('hsts: never over plain HTTP, and not without being asked for', async (t) => {
  const gateway = await serve(t, { maxAge: '365d' })
  for (const target of ['/shop', '/says', '/nobody']) {
    const answer = await rawExchange(t, gateway.portOf('plain'), requestText(target))
    assert.equal(answer.header(HEADER), undefined, target)
  }
  for (const off of [undefined, false]) {
    const without = await serve(t, off)
    for (const target of ['/shop', '/says', '/nobody'])
      assert.equal((await ask(t, without, requestText(target))).header(HEADER), undefined, target)
  }
})

test('hsts: what it says follows the configuration', async (t) => {
  for (const [hsts, expected] of [
    [{ maxAge: 0 }, 'max-age=0'],
    [{ maxAge: '1d', includeSubDomains: true }, 'max-age=86400; includeSubDomains'],
    [
      { maxAge: '365d', includeSubDomains: true, preload: true },
      'max-age=31536000; includeSubDomains; preload',
    ],
  ] as const)
    assert.equal((await ask(t, await serve(t, hsts), requestText('/shop'))).header(HEADER), expected)
})

test('hsts: the same over HTTP/2', async (t) => {
  const gateway = await serve(t, {})
  const session = connect(`https://127.0.0.1:${gateway.port}`, { rejectUnauthorized: false })
  t.after(() => session.destroy())
  for (const [path, status, expected] of [
    ['/shop', 200, 'max-age=15552000'],
    ['/says', 200, 'max-age=15552000'],
    ['/nobody', 404, 'max-age=15552000'],
    ['/own', 200, 'max-age=7'],
    ['/says-it', 200, 'max-age=9'],
  ] as const) {
    const stream = session.request({ ':path': path })
    const [headers] = await once(stream, 'response')
    stream.resume()
    assert.equal(headers[':status'], status, path)
    assert.equal(headers[HEADER], expected, path)
  }
})
