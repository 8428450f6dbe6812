import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ImportError, type Imported } from '../imported.ts'
import { placeholderAddress } from '../written-config.ts'
import { gatewayApi } from './gateway-api.ts'

function read(text: string, endpoints: Readonly<Record<string, readonly string[]>> = {}): Imported {
  return gatewayApi.read(text, { file: 'routes.yaml', site: 'main', endpoints, include: () => [] })
}

const route = (rules: string, spec = ''): string => `kind: HTTPRoute
metadata: { name: shop, namespace: prod }
spec:
${spec}  rules:
${rules}`

/** `kind line: reason` of everything told. */
function told(text: string, endpoints = { cart: ['10.0.0.1:80'] }): string[] {
  return read(text, endpoints).notes.map(({ kind, line, reason }) => `${kind} ${line}: ${reason}`)
}

const cart = 'backendRefs: [{ name: cart, port: 80 }]'

const cases: [what: string, text: string, expected: string[]][] = [
  ['nothing to tell', route(`  - { ${cart} }`), []],
  [
    'services whose addresses nobody knows',
    route('  - backendRefs:\n    - { name: stock, port: 8080 }'),
    ['lost 6: no address is known: say stock:8080 in --endpoints; a placeholder stands there'],
  ],
  [
    'filters without a counterpart',
    route(`  - ${cart}\n    filters:\n    - type: ExtensionRef\n      extensionRef: { name: x }`),
    ['lost 7: has no counterpart: write a filter of the kind module'],
  ],
  [
    'filters of one backend',
    route(
      '  - backendRefs:\n    - name: cart\n      port: 80\n      filters:\n      - type: RequestHeaderModifier',
    ),
    ['lost 9: filters of one backend are not carried over'],
  ],
  [
    'retries and sessions',
    route(`  - ${cart}\n    retry: { attempts: 2 }\n    sessionPersistence: { type: Cookie }`),
    ['lost 6: retries are settings of a service: see retry', 'lost 7: see balance and hashOn of a service'],
  ],
  [
    'a timeout of zero, and one that is none',
    route(`  - ${cart}\n    timeouts:\n      request: 0s\n      backendRequest: soon`),
    ['lost 7: every request has a deadline above zero', 'lost 8: every request has a deadline above zero'],
  ],
  [
    'a listener it is bound to',
    route(`  - ${cart}`, '  parentRefs:\n  - { name: gw, sectionName: web }\n'),
    ['changed 5: the route is there on every listener: see listeners of a route'],
  ],
  [
    'kinds of path that are unknown',
    route(`  - ${cart}\n    matches:\n    - path: { type: Glob, value: /x }`),
    ['lost 7: expected Exact, PathPrefix or RegularExpression'],
  ],
  [
    'other objects',
    `kind: Service\nmetadata: { name: x }\n---\n${route(`  - { ${cart} }`)}`,
    ['lost 1: only HTTPRoute and Gateway are imported'],
  ],
  [
    'listeners with certificates',
    `kind: Gateway\nspec:\n  listeners:\n  - { name: webs, protocol: HTTPS, port: 443 }`,
    ['lost 4: only listeners of the protocol HTTP are carried over: certificates are in secrets'],
  ],
]
for (const [what, text, expected] of cases)
  test(`told: ${what}`, () => assert.deepEqual(told(text), expected))

test('addresses are found by service and port, in the namespace of the route first', () => {
  const endpoints = {
    'prod/cart:80': ['10.0.0.1:80'],
    'cart:80': ['10.0.0.2:80'],
    stock: ['10.0.0.3:80', '10.0.0.4:80'],
  }
  const { fragment } = read(
    route(
      `  - backendRefs: [{ name: cart, port: 80, weight: 9 }, { name: stock, port: 8080 }, { name: none, port: 1 }]`,
    ),
    endpoints,
  )
  assert.deepEqual(
    Object.entries(fragment.services).map(([name, service]) => [
      name,
      service.endpoints.map(({ address }) => address),
    ]),
    [
      ['cart-80', ['10.0.0.1:80']],
      ['stock-8080', ['10.0.0.3:80', '10.0.0.4:80']],
      ['none-1', [placeholderAddress]],
    ],
  )
  assert.deepEqual(fragment.routes[0]?.['backends'], [
    { service: 'cart-80', weight: 9 },
    { service: 'stock-8080', weight: 1 },
    { service: 'none-1', weight: 1 },
  ])
})

test('timeouts, listeners, and lists as kubectl prints them', () => {
  const { fragment } = read(`kind: List
items:
- kind: Gateway
  spec: { listeners: [{ name: web, protocol: HTTP, port: 8080 }] }
- kind: HTTPRoute
  metadata: { name: shop }
  spec: { rules: [{ timeouts: { request: 10s, backendRequest: 500ms }, ${cart} }] }
`)
  assert.deepEqual(fragment.listeners, [{ name: 'web', address: '0.0.0.0:8080', protocol: 'http' }])
  assert.deepEqual(fragment.routes, [
    { name: 'shop', backends: [{ service: 'cart-80' }], timeout: '10s', perTry: '500ms' },
  ])
})

test('a mirror is carried over where its service answers nobody', () => {
  const mirror = (name: string, more = ''): string =>
    `filters: [{ type: RequestMirror, requestMirror: { backendRef: { name: ${name}, port: 80 }${more} } }]`
  const rules = [
    mirror('copy'),
    mirror('copy', ', fraction: { numerator: 1, denominator: 8 }'),
    mirror('cart'),
  ]
  const { fragment, notes } = read(route(rules.map((each) => `  - { ${cart}, ${each} }`).join('\n')), {
    cart: ['10.0.0.1:80'],
    copy: ['10.0.0.2:80'],
  })
  assert.deepEqual(
    fragment.routes.map((each) => each['mirror']),
    [{ service: 'copy-80' }, { service: 'copy-80', basisPoints: 1250 }, undefined],
  )
  assert.deepEqual(
    notes.map(({ kind, line }) => [kind, line]),
    [
      ['changed', 5],
      ['changed', 6],
      ['lost', 7],
    ],
  )
})

test('what is not YAML is refused with its line', () => {
  assert.throws(() => read('kind: HTTPRoute\n  x: ]'), ImportError)
  assert.throws(() => read('a: 1\n---\nkind: [HTTPRoute'), /^ImportError: routes.yaml:3: not YAML/)
})
