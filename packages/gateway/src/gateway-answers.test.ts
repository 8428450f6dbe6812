import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rawServer } from '@budao/testkit'
import { requestText, testGateway, until } from './test-gateway.test.ts'

const unused = { unused: { endpoints: [{ address: '127.0.0.1:1', site: 'east' }] } }
const path = (at: string): object[] => [{ path: { prefix: at } }]

test('a route answers by itself: text, JSON, nothing, whatever the method', async (t) => {
  const gateway = await testGateway(t, {
    services: unused,
    routes: [
      {
        name: 'text',
        match: path('/text'),
        respond: { body: 'gar nicht müde\n', headers: { 'Cache-Control': 'max-age=60', 'X-City': 'Zürich' } },
      },
      {
        name: 'json',
        match: path('/json'),
        respond: { status: 503, json: { error: 'closed', von: '3 Uhr' } },
      },
      {
        name: 'typed',
        match: path('/typed'),
        respond: { body: '<p>', headers: { 'content-type': 'text/html' } },
      },
      { name: 'gone', match: path('/'), respond: { status: 204 } },
    ],
  })
  const text = await gateway.request('/text')
  assert.equal(text.status, 200)
  assert.equal(text.header('content-type'), 'text/plain; charset=utf-8')
  assert.equal(text.header('cache-control'), 'max-age=60')
  assert.equal(Buffer.from(text.header('x-city')!, 'latin1').toString(), 'Zürich')
  assert.equal(Buffer.from(text.body, 'latin1').toString(), 'gar nicht müde\n')
  assert.ok(text.header('x-request-id'))
  const json = await gateway.request('POST /json/x', [], 'body')
  assert.equal(json.status, 503)
  assert.equal(json.header('content-type'), 'application/json')
  assert.deepEqual(JSON.parse(json.body), { error: 'closed', von: '3 Uhr' })
  assert.deepEqual((await gateway.request('/typed')).header('content-type'), 'text/html')
  const none = await gateway.request('/anything')
  assert.equal(none.status, 204)
  assert.equal(none.header('content-length'), undefined)

  const head = await gateway.connect()
  head.send(requestText('HEAD /text') + requestText('/json'))
  assert.equal((await head.readResponse('HEAD')).header('content-length'), '16')
  assert.equal((await head.readResponse()).status, 503, 'on the same connection')
  await until('counts', () => gateway.route('json').status['5xx'] === 2)
})

test('filters of a route hold for its own answer too', async (t) => {
  const gateway = await testGateway(t, {
    services: unused,
    routes: [
      {
        name: 'limited',
        filters: [
          { headers: { response: { add: { 'X-Filter': 'passed' } } } },
          { rateLimit: { requests: 1, per: '1h' } },
        ],
        respond: { body: 'fine' },
      },
    ],
  })
  const first = await gateway.request('/')
  assert.equal(`${first.status} ${first.header('x-filter')}`, '200 passed')
  assert.equal((await gateway.request('/')).status, 429)
})

const redirects: [redirect: object, target: string, host: string, location: string][] = [
  [{ scheme: 'https' }, '/a/b?x=1', 'shop.example', 'https://shop.example/a/b?x=1'],
  [{ scheme: 'https' }, '/a', 'shop.example:8080', 'https://shop.example/a'],
  [{ scheme: 'https', port: 8443 }, '/a', 'shop.example:8080', 'https://shop.example:8443/a'],
  [{ scheme: 'https', port: 443 }, '/a', 'shop.example', 'https://shop.example/a'],
  [{ scheme: 'http', port: 443 }, '/a', 'shop.example', 'http://shop.example:443/a'],
  [{ host: 'New.example' }, '/a', 'shop.example:8080', 'http://New.example/a'],
  [{ host: '[::1]', port: 81 }, '/a', 'shop.example', 'http://[::1]:81/a'],
  [{ port: 81 }, '/a', 'shop.example:8080', 'http://shop.example:81/a'],
  [{ path: '/näu' }, '/a/b?x=1', 'shop.example:8080', 'http://shop.example:8080/n%C3%A4u?x=1'],
  [{ path: '/new', keepQuery: false }, '/a/b?x=1', 'shop.example', 'http://shop.example/new'],
  [{ prefix: '/new' }, '/a/b?x=1', 'shop.example', 'http://shop.example/new/b?x=1'],
  [{ prefix: '/' }, '/a', 'shop.example', 'http://shop.example/'],
  [{ prefix: '/new' }, '/a//x/y/../%2e%2e/c', 'shop.example', 'http://shop.example/new/c'],
]
test('redirects change what is given and keep the rest', async (t) => {
  const gateway = await testGateway(t, {
    services: unused,
    routes: redirects.map(([redirect], i) => ({
      name: `r${i}`,
      match: [{ path: { prefix: '/a' }, headers: { 'x-case': String(i) } }],
      redirect,
    })),
  })
  for (const [i, [redirect, target, host, location]] of redirects.entries()) {
    const client = await gateway.connect()
    client.send(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nX-Case: ${i}\r\n\r\n`)
    const response = await client.readResponse()
    assert.equal(response.status, 302)
    assert.equal(response.header('location'), location, JSON.stringify(redirect))
    assert.equal(response.header('content-length'), '0')
  }
})

test('a redirect has the status that was asked for, and cannot be made to break its header', async (t) => {
  const gateway = await testGateway(t, {
    services: unused,
    routes: [{ name: 'r', redirect: { scheme: 'https', status: 308 } }],
  })
  const response = await gateway.request('POST /a%0d%0aX-Injected:%20yes?b%0d%0ac', [], 'x')
  assert.equal(response.status, 308)
  assert.equal(response.header('location'), 'https://shop.example/a%0D%0AX-Injected:%20yes?b%0d%0ac')
  assert.equal(response.header('x-injected'), undefined)
  const old = await gateway.connect()
  old.send('GET /a HTTP/1.0\r\n\r\n')
  assert.equal((await old.readResponse()).header('location'), '/a', 'nobody knows the host')
})

test('endpoints are asked for another path and under another name', async (t) => {
  const backend = await rawServer(t, ({ connection, head }) => connection.respond(200, head))
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    routes: [
      {
        name: 'both',
        match: path('/both'),
        rewrite: { path: '/whole', host: 'internal.example:81' },
        backends: [{ service: 'shop' }],
      },
      { name: 'host', rewrite: { host: 'internal.example' }, backends: [{ service: 'shop' }] },
    ],
  })
  const both = (await gateway.request('/both/x?y=1', ['X-A: 1'])).body
  assert.match(both, /^GET \/whole\?y=1 HTTP\/1.1\r\n/)
  assert.deepEqual(both.match(/^host: .*$/gim), ['host: internal.example:81'])
  assert.match(both, /^X-Forwarded-Host: shop.example\r$/m)
  assert.match((await gateway.request('/x')).body, /^GET \/x HTTP[^]*^host: internal.example\r$/im)
  const old = await gateway.connect()
  old.send('GET /a HTTP/1.0\r\n\r\n')
  assert.deepEqual((await old.readResponse()).body.match(/^host: .*$/gim), ['host: internal.example'])
})

test('headers that are added stand beside those there are, both ways', async (t) => {
  const backend = await rawServer(t, ({ connection, head }) => {
    connection.write(`HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nContent-Length: ${head.length}\r\n\r\n${head}`)
  })
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    route: {
      filters: [
        { headers: { request: { add: { 'X-Tag': 'second' } }, response: { add: { 'Set-Cookie': 'b=2' } } } },
      ],
    },
  })
  const response = await gateway.request('/', ['X-Tag: first'])
  assert.deepEqual(response.body.match(/x-tag: \w+/gi), ['X-Tag: first', 'x-tag: second'])
  assert.deepEqual(response.header('set-cookie'), 'a=1, b=2')
})

test('a match can ask for a beginning, another value, presence and absence', async (t) => {
  const cases: [match: object, holds: string[][], not: string[][]][] = [
    [{ headers: { 'x-v': { prefix: 'ab' } } }, [['X-V: ab'], ['X-V: abc']], [['X-V: a'], []]],
    [{ headers: { 'x-v': { not: 'a' } } }, [['X-V: b'], []], [['X-V: a']]],
    [{ headers: { 'x-v': { not: { prefix: 'a' } } } }, [['X-V: b'], []], [['X-V: ab']]],
    [{ headers: { 'x-v': { not: { regex: 'a+' } } } }, [['X-V: ab']], [['X-V: aa']]],
    [{ headers: { 'x-v': { present: false } } }, [[]], [['X-V:']]],
    [{ cookies: { v: { regex: '(?i:AB)' } } }, [['Cookie: u=1; v=aB']], [['Cookie: v=b'], []]],
    [{ method: ['PUT', 'GET'], query: { q: { not: '1' } } }, [['?q=2'], []], [['?q=1']]],
  ]
  const gateway = await testGateway(t, {
    services: unused,
    routes: [
      ...cases.map(([match], i) => ({
        name: `m${i}`,
        match: [{ path: { exact: `/${i}` }, ...match }],
        respond: { body: 'yes' },
      })),
      { name: 'else', respond: { body: 'no' } },
    ],
  })
  for (const [i, [match, holds, not]] of cases.entries()) {
    for (const [expected, lists] of [
      ['yes', holds],
      ['no', not],
    ] as const)
      for (const lines of lists) {
        const query = lines.find((line) => line.startsWith('?')) ?? ''
        const { body } = await gateway.request(
          `/${i}${query}`,
          lines.filter((line) => line !== query),
        )
        assert.equal(body, expected, `${JSON.stringify(match)} ${lines.join(' ')}`)
      }
  }
})
