import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ImportError, type Imported } from '../imported.ts'
import { wholeConfig, yamlOf } from '../written-config.ts'
import { parseConfig } from '@budao/model/parser'
import { istio } from './istio.ts'

const addresses = { shop: ['10.0.0.1:80'], 'shop/v1': ['10.0.0.1:80'], 'shop/v2': ['10.0.0.2:80'] }

function read(text: string, endpoints: Readonly<Record<string, readonly string[]>> = addresses): Imported {
  return istio.read(text, { file: 'shop.yaml', site: 'main', endpoints, include: () => [] })
}

const service = (http: string): string => `kind: VirtualService
metadata: { name: shop }
spec:
  hosts: [shop.example]
  http:
${http}`

const rule = (spec: string): string => `kind: DestinationRule
spec:
  host: shop
${spec}`

const plain = '  - route: [{ destination: { host: shop } }]'

/** `kind line: reason` of everything told. */
function told(text: string): string[] {
  return read(text).notes.map(({ kind, line, reason }) => `${kind} ${line}: ${reason}`)
}

const cases: [what: string, text: string, expected: string[]][] = [
  ['nothing to tell', service(plain), []],
  [
    'conditions that would hold for more than was meant take their match out',
    service(`${plain}
    match:
    - uri: { prefix: /a/ }
      sourceLabels: { app: x }
    - uri: { prefix: /b/ }`),
    ['lost 9: who asks has no labels here: requests of this match do not come here'],
  ],
  [
    'headers of one destination, delegates and timeouts of zero',
    service(`  - route: [{ destination: { host: shop }, headers: { request: { set: { a: b } } } }]
    delegate: { name: x }
    timeout: 0s`),
    [
      'lost 6: headers of one destination are not carried over',
      'lost 7: write the routes of the other VirtualService here',
      'lost 8: every request has a deadline above zero',
    ],
  ],
  [
    'a name that is none of the hosts',
    service(`${plain}\n    match: [{ authority: { exact: other.example } }]`),
    ['default 7: it is none of the hosts: it never holds'],
  ],
  [
    'prefixes that are rewritten',
    service(`${plain}\n    match: [{ uri: { prefix: /api } }]\n    rewrite: { uri: /v2 }`),
    ['changed 7: only whole segments are taken where the path is rewritten'],
  ],
  [
    'retries of two routes that one service has',
    service(`${plain}
    match: [{ uri: { exact: /a } }]
    retries: { attempts: 2, retryOn: "5xx,cancelled", backoff: 1s }
${plain}
    retries: { attempts: 3 }`),
    [
      'lost 8: see retry.backoff of a service',
      'lost 8: has no counterpart',
      'lost 10: service shop has those of an earlier route',
    ],
  ],
  [
    'a mirror, and one to who answers',
    service(`${plain}\n    mirror: { host: shop }\n${plain}\n    mirror: { host: shop, subset: v2 }`),
    [
      'lost 7: a service that answers cannot be the mirror too',
      'changed 9: only requests that may be repeated are mirrored',
    ],
  ],
  [
    'other kinds, other protocols, a host to which nothing leads',
    `${service(plain)}
  tcp: []
  gateways: [web]
---
kind: DestinationRule
spec: { host: stock }
---
kind: Sidecar
---
kind: Gateway
spec: { servers: [{ port: { number: 443, name: https, protocol: HTTPS } }] }`,
    [
      'lost 7: see listeners of the protocol tcp',
      'changed 8: the routes are there on every listener: see listeners of a route',
      'default 11: no route leads there',
      'lost 13: only VirtualService, DestinationRule, ServiceEntry, Gateway are imported',
      'lost 16: only ports of the protocol HTTP are carried over: certificates are in secrets',
    ],
  ],
  [
    'keys that nobody reads, wherever they stand',
    `${service(`  - route: [{ destination: { host: shop, zone: a }, share: 1 }]
    headers: { request: { drop: [a] } }
    fault: { slow: 1s }
    corsPolicy: { allowOrigin: ["*"] }
    rewrite: { authority: a, uriRegexRewrite: {} }`)}
---
kind: ServiceEntry
spec:
  hosts: [x.example]
  workloadSelector: {}
  endpoints: [{ address: 10.0.0.9, locality: eu }]`,
    [
      'lost 6: has no counterpart',
      'lost 6: has no counterpart',
      'lost 7: has no counterpart',
      'lost 8: has no counterpart',
      'lost 9: say allowOrigins with exact',
      'lost 10: only prefixes are rewritten',
      'lost 15: say the endpoints: there are no workloads here',
      'lost 16: say site of the endpoints in the configuration',
    ],
  ],
  [
    'numbers where no limit is meant, and a pattern of hosts',
    `${service(plain)}\n---\n${rule(`  trafficPolicy:
    connectionPool: { tcp: { maxConnections: 2147483647 }, http: { http2MaxRequests: 0 } }`)}
---
kind: DestinationRule
spec: { host: "*.example" }`,
    [
      'changed 12: at most 65535, which it becomes',
      'lost 15: expected a whole name: patterns of hosts have no counterpart',
    ],
  ],
  [
    'settings without a counterpart',
    `${service(plain)}\n---\n${rule(`  trafficPolicy:
    loadBalancer: { simple: PASSTHROUGH }
    tls: { mode: ISTIO_MUTUAL }
    portLevelSettings: []
    connectionPool: { tcp: { tcpKeepalive: {} }, http: { maxRetries: 3 } }
    outlierDetection: { interval: 1s, maxEjectionPercent: 50 }
  subsets: [{ name: v1, labels: { version: v1 }, trafficPolicy: { tls: { mode: DISABLE } } }]`)}`,
    [
      'lost 12: PASSTHROUGH: expected one of ROUND_ROBIN, LEAST_REQUEST, LEAST_CONN, RANDOM, UNSPECIFIED',
      'lost 13: MISSING',
      'lost 14: settings of a service are those of all its ports',
      'lost 15: has no counterpart',
      'lost 15: retries are a share of the requests: see retry.budgetPercent',
      'lost 16: endpoints may all be ejected; below priority.panicPercent health is ignored',
      'default 16: an endpoint is ejected with the failure that is one too many',
      'lost 17: settings of a service are those of all its releases',
    ],
  ],
]
for (const [what, text, expected] of cases)
  test(`told: ${what}`, () =>
    assert.deepEqual(
      told(text).map((line) => line.replace(/ISTIO_MUTUAL: .*/, 'MISSING')),
      expected,
    ))

const refused: [what: string, text: string, message: string][] = [
  [
    'a subset that no rule has',
    service('  - route: [{ destination: { host: cart, subset: v3 } }]'),
    'shop.yaml:6: subset v3 of cart is in no DestinationRule of the file',
  ],
  [
    'a weight that is none',
    service('  - route: [{ destination: { host: shop }, weight: -1 }]'),
    'shop.yaml:6: weight: expected a whole number from 0, found -1',
  ],
  [
    'weights that are nothing together',
    service(
      '  - route:\n    - { destination: { host: shop }, weight: 0 }\n    - { destination: { host: b } }',
    ),
    'shop.yaml:6: route: expected weights above 0 together, found 0',
  ],
  [
    'no destination',
    service('  - timeout: 1s'),
    'shop.yaml:6: route: expected a destination, a redirect or a directResponse',
  ],
]
for (const [what, text, message] of refused)
  test(`refused: ${what}`, () => assert.throws(() => read(text), new ImportError(message)))

const subsets = rule(
  '  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]',
)

test('subsets of one host are releases of its service, of 10 000 together', () => {
  const [v1, v2] = ['v1', 'v2'].map((subset) => `{ host: shop, subset: ${subset} }`)
  const text = `${service(`  - route: [{ destination: ${v1}, weight: 2 }, { destination: ${v2}, weight: 1 }]`)}\n---\n${subsets}`
  const { fragment, notes } = read(text, { 'shop/v1': ['10.0.0.1:80'], 'shop/v2': ['10.0.0.2:80'] })
  assert.deepEqual(notes, [])
  assert.deepEqual(fragment.routes[0]!['split'], { releases: { v1: 6_667, v2: 3_333 } })
  assert.deepEqual(fragment.services, {
    shop: {
      endpoints: [
        { address: '10.0.0.1:80', site: 'main', release: 'v1' },
        { address: '10.0.0.2:80', site: 'main', release: 'v2' },
      ],
    },
  })
})

test('without addresses there is a placeholder for each subset, and it is a configuration', () => {
  const [v1, v2] = ['v1', 'v2'].map((subset) => `{ host: shop, subset: ${subset} }`)
  const text = `${service(`  - route: [{ destination: ${v1}, weight: 90 }, { destination: ${v2}, weight: 10 }]`)}\n---\n${subsets}`
  const { fragment, notes } = read(text, {})
  assert.match(notes[0]!.reason, /say shop\/v1, shop\/v2 in --endpoints/)
  const yaml = yamlOf(wholeConfig(fragment), [])
  assert.equal(yaml.match(/# PLACEHOLDER/g)?.length, 2)
  assert.ok(parseConfig(yaml, 'imported.yaml').ok, yaml)
})

test('subsets of several hosts are services of their own, a subset of a mirror too', () => {
  const text = `${service(`  - route:
    - { destination: { host: shop, subset: v1 }, weight: 75 }
    - { destination: { host: cart }, weight: 25 }
    mirror: { host: shop, subset: v2 }
    mirrorPercentage: { value: 2.5 }`)}\n---\n${subsets}`
  const { fragment } = read(text, { ...addresses, cart: ['10.0.0.3:80'] })
  const { backends, mirror } = fragment.routes[0]!
  assert.deepEqual(backends, [
    { service: 'shop-v1', weight: 75 },
    { service: 'cart', weight: 25 },
  ])
  assert.deepEqual(mirror, { service: 'shop-v2', basisPoints: 250 })
})

test('a host is that of its namespace, however it is written', () => {
  const text = `kind: VirtualService
metadata: { name: a, namespace: prod }
spec: { hosts: [a.example], http: [{ route: [{ destination: { host: shop } }] }] }
---
kind: VirtualService
metadata: { name: b, namespace: test }
spec: { hosts: [b.example], http: [{ route: [{ destination: { host: shop } }] }] }
---
kind: DestinationRule
metadata: { namespace: ops }
spec: { host: shop.test.svc.cluster.local, trafficPolicy: { loadBalancer: { simple: RANDOM } } }`
  const { fragment } = read(text)
  assert.deepEqual(
    Object.entries(fragment.services).map(([name, each]) => [name, each['balance']]),
    [
      ['shop', undefined],
      ['shop-2', 'random'],
    ],
  )
})

test('the weight of a single destination says nothing', () => {
  const { fragment } = read(service('  - route: [{ destination: { host: shop }, weight: 0 }]'))
  assert.deepEqual(fragment.routes[0]!['backends'], [{ service: 'shop' }])
})

test('a ServiceEntry that is resolved is its own address', () => {
  const entry = `kind: ServiceEntry
spec: { hosts: [api.example], ports: [{ number: 8080, name: http }], resolution: DNS }`
  const { fragment } = read(
    `${service('  - route: [{ destination: { host: api.example } }]')}\n---\n${entry}`,
    {},
  )
  assert.deepEqual(Object.values(fragment.services), [
    { endpoints: [{ address: 'api.example:8080', site: 'main' }] },
  ])
})

test('a ServiceEntry says where the endpoints are, and their labels which subset they are of', () => {
  const entry = `kind: ServiceEntry
spec:
  hosts: [shop]
  ports: [{ number: 80, name: http, targetPort: 8080 }]
  endpoints:
  - { address: 10.0.0.1, labels: { version: v1 } }
  - { address: 10.0.0.2, labels: { version: v2, zone: a }, ports: { http: 9090 }, weight: 3 }
  - { address: 10.0.0.3 }`
  const text = `${service('  - route: [{ destination: { host: shop, subset: v2 } }]')}\n---\n${subsets}\n---\n${entry}`
  const { fragment, notes } = read(text, {})
  assert.deepEqual(notes, [])
  assert.deepEqual(fragment.services['shop']!.endpoints, [
    { address: '10.0.0.1:8080', site: 'main', release: 'v1' },
    { address: '10.0.0.2:9090', site: 'main', release: 'v2', weight: 3 },
    { address: '10.0.0.3:8080', site: 'main' },
  ])
})

test('everything that has a counterpart is a configuration that the gateway takes', () => {
  const text = `${service(`  - name: gone
    match: [{ uri: { exact: /old } }]
    redirect: { uri: /new, authority: shop.example, scheme: https, redirectCode: 308 }
  - match:
    - uri: { prefix: /API }
      ignoreUriCase: true
      method: { exact: GET }
      headers: { x-user: { regex: "[0-9]+" }, cookie: {} }
      withoutHeaders: { x-bot: {}, x-kind: { exact: test } }
      queryParams: { v: { exact: "2" } }
    - authority: { exact: Shop.example }
    route: [{ destination: { host: shop.default.svc.cluster.local, port: { number: 8080 } } }]
    timeout: 5s
    retries: { attempts: 2, perTryTimeout: 2s, retryOn: "gateway-error,connect-failure,503" }
    fault: { delay: { percentage: { value: 0.1 }, fixedDelay: 2s }, abort: { percentage: { value: 5 }, httpStatus: 503 } }
    headers: { request: { set: { a: b }, remove: [c] }, response: { add: { d: e } } }
    corsPolicy: { allowOrigins: [{ exact: "https://shop.example" }], allowMethods: [GET], maxAge: 1h, allowCredentials: true }
  - match: [{ uri: { exact: /teapot } }]
    directResponse: { status: 418, body: { string: short and stout } }`)}
---
${rule(`  trafficPolicy:
    loadBalancer: { consistentHash: { httpCookie: { name: user, ttl: 0s } } }
    connectionPool: { tcp: { maxConnections: 100, connectTimeout: 2s }, http: { http1MaxPendingRequests: 10, http2MaxRequests: 50, idleTimeout: 1m } }
    outlierDetection: { consecutive5xxErrors: 7, baseEjectionTime: 1m, minHealthPercent: 30 }
    tls: { mode: SIMPLE, sni: shop.example, insecureSkipVerify: true }`)}`
  const { fragment, notes } = read(text, { shop: ['10.0.0.1:80'] })
  assert.deepEqual(notes, [])
  assert.deepEqual(fragment.services, {
    'shop-8080': {
      endpoints: [{ address: '10.0.0.1:80', site: 'main' }],
      balance: 'ring-hash',
      hashOn: { cookie: 'user' },
      cookieTtl: '0s',
      limits: { connections: 100, pending: 10, concurrency: 50 },
      timeouts: { connect: '2s', idle: '1m' },
      outlier: { maxFails: 7, failTimeout: '1m' },
      priority: { panicPercent: 30 },
      tls: { serverName: 'shop.example', verify: false },
      retry: { attempts: 2, on: ['502', '503', '504', 'connect-failure'] },
    },
  })
  assert.deepEqual(
    fragment.routes.map(({ name, hosts }) => [name, hosts]),
    [
      ['shop-gone', ['shop.example']],
      ['shop-2', ['shop.example']],
      ['shop-2-2', ['shop.example']],
      ['shop-3', ['shop.example']],
    ],
  )
  const parsed = parseConfig(JSON.stringify(wholeConfig(fragment)), 'imported.json')
  assert.ok(parsed.ok, JSON.stringify(parsed))
})
