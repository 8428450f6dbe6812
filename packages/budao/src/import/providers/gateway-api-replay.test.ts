// What conformance tests of the Gateway API ask of a HTTPRoute, in a table of our own, through a gateway with what was imported.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Gateway } from '@budao/gateway'
import { createSnapshot } from '@budao/model'
import { parseConfig } from '@budao/model/parser'
import { rawExchange, rawServer, tempDir } from '@budao/testkit'
import { wholeConfig, yamlOf } from '../written-config.ts'
import { gatewayApi } from './gateway-api.ts'

/** `METHOD target | Header: value`, and the backend with what it saw, or a status, or a status and where it leads. */
type Asked = readonly [request: string, answer: string]

interface Case {
  readonly what: string
  /** Documents; `rules` alone stand for a route of that name. */
  readonly routes: Readonly<Record<string, string>>
  readonly asked: readonly Asked[]
}

const backend = (name: string): string => `backendRefs: [{ name: ${name}, port: 80 }]`

const cases: readonly Case[] = [
  {
    what: 'an exact path comes before prefixes, a longer prefix before a shorter one, whatever their order',
    routes: {
      order: `rules:
      - { matches: [{ path: { type: PathPrefix, value: /shop/ } }], ${backend('a')} }
      - { matches: [{ path: { type: PathPrefix, value: /shop/cart/items } }], ${backend('b')} }
      - { matches: [{ path: { type: PathPrefix, value: /shop/cart/ } }], ${backend('c')} }
      - { matches: [{ path: { type: Exact, value: /shop/cart } }], ${backend('b')} }
      - { matches: [{ path: { type: Exact, value: /shop/cart/items/1 } }], ${backend('a')} }`,
    },
    asked: [
      ['GET /shop', 'a /shop'],
      ['GET /shop/x', 'a /shop/x'],
      ['GET /shop/cart', 'b /shop/cart'],
      ['GET /shop/cart/', 'c /shop/cart/'],
      ['GET /shop/cart/items', 'b /shop/cart/items'],
      ['GET /shop/cart/items/1', 'a /shop/cart/items/1'],
      ['GET /shop/cart/items/2', 'b /shop/cart/items/2'],
      ['GET /shop/cart/itemsx', 'c /shop/cart/itemsx'],
      ['GET /shopx', '404'],
    ],
  },
  {
    what: 'prefixes are whole segments; a header wins over none at the same path',
    routes: {
      matching: `rules:
      - { matches: [{ path: { value: / } }, { headers: [{ name: Version, value: one }] }], ${backend('a')} }
      - { matches: [{ path: { value: /v2 } }, { headers: [{ name: version, value: two }] }], ${backend('b')} }`,
    },
    asked: [
      ['GET /', 'a /'],
      ['GET /x', 'a /x'],
      ['GET / | VERSION: one', 'a /'],
      ['GET / | version: two', 'b /'],
      ['GET /v2', 'b /v2'],
      ['GET /v2/x', 'b /v2/x'],
      ['GET /v2x', 'a /v2x'],
      ['GET /x/v2', 'a /x/v2'],
      ['GET /v2 | version: one', 'b /v2'],
    ],
  },
  {
    what: 'methods come before headers, headers before query parameters',
    routes: {
      ranks: `rules:
      - { matches: [{ path: { value: /p } }], ${backend('a')} }
      - { matches: [{ queryParams: [{ name: q, value: '1' }] }], ${backend('a')} }
      - { matches: [{ headers: [{ name: x, value: '1' }] }], ${backend('b')} }
      - { matches: [{ method: PATCH }], ${backend('c')} }
      - { matches: [{ headers: [{ name: x, value: '1' }, { name: y, value: '1' }] }], ${backend('a')} }
      - { matches: [{ queryParams: [{ name: q, value: '1' }, { name: r, value: '2' }] }], ${backend('c')} }`,
    },
    asked: [
      ['GET /?q=1', 'a /?q=1'],
      ['GET /?q=1&r=2', 'c /?q=1&r=2'],
      ['GET /?q=1&r=2 | x: 1', 'b /?q=1&r=2'],
      ['GET / | x: 1 | y: 1', 'a /'],
      ['PATCH / | x: 1 | y: 1', 'c /'],
      ['PATCH /p | x: 1', 'a /p'],
      ['GET /?Q=1', '404'],
      ['GET /?q=12', '404'],
      ['HEAD /', '404'],
    ],
  },
  {
    what: 'regular expressions match whole values',
    routes: {
      regex: `rules:
      - { matches: [{ path: { type: RegularExpression, value: '/v[0-9]+/.*' } }], ${backend('a')} }
      - { matches: [{ headers: [{ name: x, type: RegularExpression, value: 'a.c' }] }], ${backend('b')} }
      - { matches: [{ queryParams: [{ name: q, type: RegularExpression, value: '[0-9]+' }] }], ${backend('c')} }`,
    },
    asked: [
      ['GET /v12/x', 'a /v12/x'],
      ['GET /x/v12/x', '404'],
      ['GET / | x: abc', 'b /'],
      ['GET / | x: abcd', '404'],
      ['GET /?q=42', 'c /?q=42'],
      ['GET /?q=a42', '404'],
    ],
  },
  {
    what: 'hosts: whole names before wildcards, longer wildcards before shorter ones, over several routes',
    routes: {
      everybody: `rules:
      - { ${backend('c')} }`,
      wild: `hostnames: ['*.shop.example']
    rules:
      - { matches: [{ path: { type: Exact, value: /x } }], ${backend('b')} }
      - { ${backend('b')} }`,
      deep: `hostnames: ['*.eu.shop.example']
    rules:
      - { ${backend('a')} }`,
      whole: `hostnames: [api.shop.example, other.example]
    rules:
      - { matches: [{ path: { value: /v1 } }], ${backend('a')} }`,
    },
    asked: [
      ['GET /v1 | Host: api.shop.example', 'a /v1'],
      ['GET /v1 | Host: API.shop.example:8080', 'a /v1'],
      ['GET /x | Host: api.shop.example', 'b /x'],
      ['GET /v1 | Host: www.shop.example', 'b /v1'],
      ['GET /x | Host: a.eu.shop.example', 'a /x'],
      ['GET / | Host: shop.example', 'c /'],
      ['GET /v1 | Host: other.example', 'a /v1'],
      ['GET / | Host: other.example', 'c /'],
    ],
  },
  {
    what: 'of equal matches the older route wins, then the first by name',
    routes: {
      'b-younger': `creationTimestamp: "2026-02-01T00:00:00Z"
rules:
      - { ${backend('a')} }`,
      'c-older': `creationTimestamp: "2026-01-01T00:00:00Z"
rules:
      - { ${backend('b')} }`,
    },
    asked: [['GET /', 'b /']],
  },
  {
    what: 'redirects',
    routes: {
      redirect: `rules:
      - { matches: [{ path: { value: /host } }], filters: [{ type: RequestRedirect, requestRedirect: { hostname: other.example, statusCode: 301 } }] }
      - { matches: [{ path: { value: /old } }], filters: [{ type: RequestRedirect, requestRedirect: { path: { type: ReplacePrefixMatch, replacePrefixMatch: /new } } }] }
      - { matches: [{ path: { value: /full } }], filters: [{ type: RequestRedirect, requestRedirect: { path: { type: ReplaceFullPath, replaceFullPath: /only } } }] }
      - { matches: [{ path: { value: /tls } }], filters: [{ type: RequestRedirect, requestRedirect: { scheme: https } }] }
      - { matches: [{ path: { value: /port } }], filters: [{ type: RequestRedirect, requestRedirect: { scheme: https, port: 8443 } }] }
      - { matches: [{ path: { value: /kept } }], filters: [{ type: RequestRedirect, requestRedirect: { statusCode: 308 } }] }`,
    },
    asked: [
      ['GET /host/a?b', '301 http://other.example/host/a?b'],
      ['GET /old/a', '302 http://shop.example/new/a'],
      ['GET /old', '302 http://shop.example/new'],
      ['GET /full/a/b', '302 http://shop.example/only'],
      ['GET /tls/a', '302 https://shop.example/tls/a'],
      ['GET /port/a', '302 https://shop.example:8443/port/a'],
      ['GET /kept/a', '500'],
    ],
  },
  {
    what: 'paths and hosts rewritten',
    routes: {
      rewrite: `rules:
      - { matches: [{ path: { value: /strip } }], filters: [{ type: URLRewrite, urlRewrite: { path: { type: ReplacePrefixMatch, replacePrefixMatch: / } } }], ${backend('a')} }
      - { matches: [{ path: { value: /prefix/one } }], filters: [{ type: URLRewrite, urlRewrite: { path: { type: ReplacePrefixMatch, replacePrefixMatch: /one } } }], ${backend('b')} }
      - { matches: [{ path: { value: /full } }], filters: [{ type: URLRewrite, urlRewrite: { hostname: in.example, path: { type: ReplaceFullPath, replaceFullPath: /whole } } }], ${backend('c')} }
      - { matches: [{ headers: [{ name: x-all, value: '1' }] }], filters: [{ type: URLRewrite, urlRewrite: { path: { type: ReplacePrefixMatch, replacePrefixMatch: /all } } }], ${backend('b')} }`,
    },
    asked: [
      ['GET /strip/a/b?c', 'a /a/b?c'],
      ['GET /strip', 'a /'],
      ['GET /prefix/one/two', 'b /one/two'],
      ['GET /full/x?y', 'c /whole?y in.example'],
      ['GET /x/y | x-all: 1', 'b /all/x/y'],
    ],
  },
  {
    what: 'headers set, added, removed on the way in; backends without weight; rules without backends',
    routes: {
      headers: `rules:
      - matches: [{ path: { value: /set } }]
        filters: [{ type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: X-Set, value: new }], add: [{ name: X-Add, value: more }], remove: [X-Remove] } }]
        ${backend('a')}
      - matches: [{ path: { value: /weights } }]
        backendRefs: [{ name: a, port: 80, weight: 0 }, { name: b, port: 80, weight: 2000000 }]
      - matches: [{ path: { value: /none } }]
      - matches: [{ path: { value: /zero } }]
        backendRefs: [{ name: a, port: 80, weight: 0 }]
      - matches: [{ path: { value: /unknown } }]
        backendRefs: [{ kind: Bucket, name: a }]`,
    },
    asked: [
      ['GET /set | X-Set: old | X-Add: one | X-Remove: x', 'a /set [X-Set: new; X-Add: one, more]'],
      ['GET /weights', 'b /weights'],
      ['GET /weights', 'b /weights'],
      ['GET /none', '500'],
      ['GET /zero', '500'],
      ['GET /unknown', '500'],
    ],
  },
]

for (const { what, routes, asked } of cases) {
  test(what, async (t) => {
    const endpoints: Record<string, string[]> = {}
    for (const name of ['a', 'b', 'c']) endpoints[`${name}:80`] = [await echo(t, name)]
    const port = await startImported(t, Object.entries(routes).map(document).join('---\n'), endpoints)
    for (const [request, answer] of asked) assert.equal(await ask(t, port, request), answer, request)
  })
}

function document([name, rules]: [string, string]): string {
  const created = /^creationTimestamp: .*$/m.exec(rules)?.[0]
  const spec = rules.replace(/^creationTimestamp: .*\n/m, '').replace(/^(rules|hostnames)/, '    $1')
  return `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: ${name}
${created === undefined ? '' : `  ${created}\n`}spec:
${spec.replace(/^\s*rules/m, '    rules')}
`
}

/** Says its name, and what it was asked for that a test may look at. */
async function echo(t: TestContext, name: string): Promise<string> {
  const server = await rawServer(t, ({ connection, target, head, header }) => {
    const host =
      header('host') === 'shop.example' || header('host')?.startsWith('in.') !== true
        ? ''
        : ` ${header('host')}`
    const seen = ['X-Set', 'X-Add', 'X-Remove'].flatMap((each) => {
      const values = [...head.matchAll(new RegExp(`^${each}: (.*)\\r$`, 'gim'))].map(([, value]) => value)
      return values.length === 0 ? [] : [`${each}: ${values.join(', ')}`]
    })
    const text = `${name} ${target}${host}${seen.length === 0 ? '' : ` [${seen.join('; ')}]`}`
    connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`)
  })
  return `127.0.0.1:${server.port}`
}

async function startImported(
  t: TestContext,
  text: string,
  endpoints: Readonly<Record<string, readonly string[]>>,
): Promise<number> {
  const { fragment } = gatewayApi.read(text, {
    file: 'routes.yaml',
    site: 'main',
    endpoints,
    include: () => [],
  })
  const listeners = [{ name: 'web', address: '127.0.0.1:0', protocol: 'http' as const }]
  const parsed = parseConfig(yamlOf(wholeConfig({ ...fragment, listeners }), []), 'imported.yaml')
  assert.ok(parsed.ok, JSON.stringify(parsed))
  const gateway = new Gateway(parsed.config, {
    version: '0.0.0-test',
    baseDir: tempDir(t),
    report: () => {},
    warn: () => {},
  })
  t.after(() => gateway.close())
  await gateway.start(createSnapshot(parsed.config, 'imported.yaml', 0, Date.now()))
  return Number(gateway.addresses['web']!.split(':').at(-1))
}

async function ask(t: TestContext, port: number, request: string): Promise<string> {
  const [line = '', ...headers] = request.split(' | ')
  const host = headers.some((each) => each.startsWith('Host:')) ? [] : ['Host: shop.example']
  const head = [`${line} HTTP/1.1`, ...host, ...headers, 'Connection: close']
  const { status, body, header } = await rawExchange(t, port, `${head.join('\r\n')}\r\n\r\n`)
  if (status === 200) return body
  const location = header('location')
  return location === undefined ? String(status) : `${status} ${location}`
}
