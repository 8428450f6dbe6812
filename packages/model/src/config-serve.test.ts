import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from './config-parser.ts'
import { formatProblem } from './problem.ts'

interface Wanted {
  readonly serve: object
  readonly route?: object
  readonly address?: string
  readonly identity?: object
  readonly routes?: readonly object[]
}

const weixin = { weixin: { appId: 'wx1', secret: { env: 'SECRET' } } }
const token = { key: 'session.pem' }
const user = { plain: true }

function parse({ serve, route, address = '127.0.0.1:8080', identity, routes = [] }: Wanted) {
  const text = JSON.stringify({
    version: 1,
    node: { name: 'gw-1', site: 'east' },
    sites: { east: {} },
    listeners: [
      { name: 'web', address, protocol: 'http' },
      { name: 'inner', address: '127.0.0.1:8081', protocol: 'http' },
    ],
    identity: identity ?? { app: weixin, tests: { test: {} } },
    routes: [{ name: 'own', serve, ...route }, ...routes],
  })
  return parseConfig(text, 'f')
}

const order = ['https://a.example.com', 'https://b.example.com']
const refused: [wanted: Wanted, ...problems: RegExp[]][] = [
  [
    { serve: {} },
    /routes\[0\]\.serve: bad value: expected exactly one of ping, telemetry, channels, session, jwks, accessToken/,
  ],
  [{ serve: { ping: {}, jwks: { key: 'k' } } }, /exactly one of ping/],
  [{ serve: { ping: {} }, route: { respond: {} } }, /routes\[0\]\.serve: not with respond/],
  [{ serve: { ping: {} }, route: { timeout: '1s' } }, /routes\[0\]\.timeout: not with serve/],
  [
    { serve: { channels: { key: 'k' } } },
    /serve\.channels\.order: missing: expected order with version, or file/,
  ],
  [{ serve: { channels: { key: 'k', order } } }, /serve\.channels\.version: missing/],
  [
    { serve: { channels: { key: 'k', order, version: 1, file: 'f' } } },
    /channels\.order: not with file/,
    /channels\.version: not with file/,
  ],
  [
    { serve: { channels: { key: 'k', version: 1, order: ['https://a.example.com/'] } } },
    /order\[0\]: bad value: expected an origin in lower case, such as https:\/\/a\.example\.com/,
  ],
  [{ serve: { channels: { key: 'k', version: 1, order: [order[0], order[0]] } } }, /an origin given twice/],
  [
    {
      serve: { channels: { key: 'session.pem', order, version: 1 } },
      routes: [{ name: 'session', serve: { session: { provider: 'app', token, user } } }],
    },
    /channels\.key: also the key of tokens: expected a key for lists alone/,
  ],
  [
    {
      serve: { channels: { key: 'k', order, version: 1 } },
      routes: [{ name: 'b', filters: [{ jwt: { jwks: 'k' } }], respond: {} }],
    },
    /channels\.key: also the key of tokens/,
  ],
  [
    { serve: { session: { provider: 'ap', token, user } } },
    /session\.provider.*: unknown identity provider: expected one of app, tests, found "ap" \(did you mean `app`\?\)/,
  ],
  [
    { serve: { session: { provider: ['app', 'x'], token, user } } },
    /session\.provider\[1\]: unknown identity provider/,
  ],
  [
    { serve: { session: { provider: 'tests', token, user } }, address: '0.0.0.0:8080' },
    /a test provider where not all listeners are on loopback: everybody could be anybody: expected listeners on loopback, or onNetwork: true/,
  ],
  [
    { serve: { session: { provider: 'app', token, user: {} } } },
    /session\.user: bad value: expected exactly one of hash, plain/,
  ],
  [
    { serve: { session: { provider: 'app', token, user, refresh: { idleDays: 9, maxDays: 8 } } } },
    /refresh\.idleDays: longer than maxDays: expected at most 8/,
  ],
  [{ serve: { accessToken: { provider: 'tests' } } }, /a test provider has no access token/],
  [
    { serve: { accessToken: { provider: 'app' } }, address: '0.0.0.0:8080' },
    /serve\.accessToken: open to the network: who has this token acts as the app/,
  ],
  [
    {
      serve: { accessToken: { provider: 'app' } },
      address: '0.0.0.0:8080',
      route: { filters: [{ jwt: { jwks: 'k' } }] },
    },
    /open to the network/,
  ],
  [
    { serve: { ping: {} }, identity: { app: { weixin: { appId: 'wx1', secret: 'in the open' } } } },
    /identity\.app\.weixin\.secret: bad value/,
  ],
]
for (const [wanted, ...problems] of refused) {
  test(`refused: ${problems[0]!.source}`, () => {
    const parsed = parse(wanted)
    assert.ok(!parsed.ok)
    const found = parsed.problems.map(formatProblem)
    for (const problem of problems)
      assert.ok(
        found.some((each) => problem.test(each)),
        found.join('\n'),
      )
  })
}

const taken: [what: string, wanted: Wanted][] = [
  ['a test provider on loopback', { serve: { session: { provider: 'tests', token, user } } }],
  [
    'a test provider of a route that only a loopback listener reaches',
    {
      serve: { session: { provider: 'tests', token, user } },
      address: '0.0.0.0:8080',
      route: { listeners: ['inner'] },
    },
  ],
  [
    'a test provider on the network that says so',
    {
      serve: { session: { provider: 'tests', token, user } },
      address: '0.0.0.0:8080',
      identity: { tests: { test: { onNetwork: true } } },
    },
  ],
  [
    'an access token behind claims',
    {
      serve: { accessToken: { provider: 'app' } },
      address: '0.0.0.0:8080',
      route: { filters: [{ jwt: { jwks: 'k', requireClaims: { role: 'backend' } } }] },
    },
  ],
]
for (const [what, wanted] of taken) {
  test(`taken: ${what}`, () => {
    const parsed = parse(wanted)
    assert.ok(parsed.ok, JSON.stringify(parsed))
  })
}

test('a list of one channel is told to be of little use, and one that is not https', () => {
  const parsed = parse({ serve: { channels: { key: 'k', version: 1, order: ['http://a.example.com'] } } })
  assert.ok(parsed.ok)
  const warnings = parsed.warnings.map(formatProblem)
  assert.match(warnings[0]!, /channels\.order: one channel alone: nowhere to go when it is down/)
  assert.match(warnings[1]!, /channels\.order\[0\]: not https: mini programs refuse it/)
})
