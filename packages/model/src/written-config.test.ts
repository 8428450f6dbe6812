import assert from 'node:assert/strict'
import fc from 'fast-check'

/** A file that leaves out all it may. Tests change one piece of it. */
export const smallest: string = `version: 1
node: { name: gw-1, site: east }
sites: { east: {}, west: {} }
listeners:
  - { name: web, address: 0.0.0.0:8080, protocol: http }
services:
  shop:
    endpoints:
      - { address: 127.0.0.1:7001, site: east }
routes:
  - name: all
    backends: [{ service: shop }]
`

/** The smallest file with one piece in another place or shape; each piece must be there. */
export function smallestWith(...replacements: readonly (readonly [piece: string, other: string])[]): string {
  return replacements.reduce((text, [piece, other]) => {
    assert.ok(text.includes(piece), piece)
    return text.replace(piece, other)
  }, smallest)
}

/** The configuration as the design shows it. */
export const designExample: string = `version: 1
node: { name: gw-1, site: east }
dataDir: ./data
sites:
  east: { weight: 1 }
  west: { weight: 1 }
admin: { address: 127.0.0.1:9900 }          # tokens: { viewer: ..., operator: ... }
listeners:
  - { name: web, address: 0.0.0.0:8080, protocol: http }       # http | https | tcp
  - { name: webs, address: 0.0.0.0:8443, protocol: https, tls: { cert: tls/site.crt, key: tls/site.key } }
services:
  shop:
    mode: multi-active                       # active-standby | active-active | multi-active
    endpoints:
      - { address: 127.0.0.1:7001, site: east, weight: 1, release: stable }
      - { address: 127.0.0.1:7101, site: west }
    # round-robin | least-request | least-connections | peak-ewma | random | ring-hash | maglev
    balance: least-request
    healthCheck: { type: http, path: /healthz, interval: 1s, timeout: 500ms, unhealthyAfter: 3, healthyAfter: 2 }
    outlier: { maxFails: 3, failTimeout: 30s }
    breaker: { window: 5s, requestVolumeThreshold: 20, errorThresholdPercentage: 50, sleepWindow: 5s }
    timeouts: { connect: 1s, tlsHandshake: 1s, request: 3s, idle: 5m }
    retry: { attempts: 1, budgetPercent: 20, on: [connect-failure, reset-before-request, "502", "503", "504"] }
    detection: { mode: accelerated, interval: 3s, timeout: 2s, misses: 3, budget: 5s }   # literal | accelerated
    objectives: { rto: 5s, rpo: 0s }
routes:
  - name: shop-api
    hosts: ["*"]
    match: [{ path: { prefix: /api/ } }]     # exact | prefix | regex; method; headers; query; cookies
    filters:
      - jwt: { jwks: ./keys.json }           # 401 no token, 403 bad token
      - rateLimit: { key: ip, requests: 100, per: 1s }   # 429
      - accessLog: {}
    backends: [{ service: shop, weight: 100 }]
    fallback: { stale: 5m, status: 200, json: { code: 0, degraded: true } }
`

const duration = fc
  .tuple(fc.integer({ min: 1, max: 900 }), fc.constantFrom('ms', 's', 'm'))
  .map(([amount, unit]) => `${amount}${unit}`)
const short = fc.integer({ min: 1, max: 400 }).map((ms) => `${ms}ms`)
const longer = fc.integer({ min: 1, max: 9 }).map((seconds) => `${seconds}s`)
const percent = fc.integer({ min: 1, max: 100 })
const count = fc.integer({ min: 1, max: 100 })
const weight = fc.integer({ min: 1, max: 1000 })
const name = fc.stringMatching(/^[a-z][a-z0-9_-]{0,10}$/)
const path = fc.stringMatching(/^\/[a-z0-9/]{0,10}$/)

/** An object that may leave out any of these keys. */
function some(shape: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<object> {
  return fc.record(shape, { requiredKeys: [] })
}

const valueMatch = fc.oneof(
  fc.string(),
  fc.record({ exact: fc.string() }),
  fc.record({ regex: fc.constantFrom('^a+$', '[0-9]{3}') }),
  fc.record({ present: fc.boolean() }),
)

const match = some({
  path: fc.oneof(
    fc.record({ exact: path }),
    fc.record({ prefix: path }),
    fc.record({ regex: fc.constantFrom('/a/[0-9]+', '.*') }),
  ),
  method: fc.oneof(fc.constant('GET'), fc.constant(['GET', 'POST'])),
  headers: fc.dictionary(name, valueMatch, { maxKeys: 2 }),
  query: fc.dictionary(name, valueMatch, { maxKeys: 2 }),
  cookies: fc.dictionary(name, valueMatch, { maxKeys: 2 }),
})

const edit = some({
  set: fc.dictionary(
    name.map((rest) => `x-${rest}`),
    fc.stringMatching(/^[ -~]{0,9}$/),
  ),
  remove: fc.array(name.map((rest) => `x-${rest}`)),
})

const filter = fc.oneof(
  fc.record({
    jwt: fc.record(
      {
        jwks: fc.constant('keys.json'),
        issuer: name,
        clockSkew: duration,
        algorithms: fc.constant(['EdDSA'] as const),
        forwardClaims: fc.constant({ sub: 'X-User' }),
      },
      { requiredKeys: ['jwks'] },
    ),
  }),
  fc.record({
    rateLimit: fc.record(
      {
        key: fc.constantFrom('ip', 'route', 'header:X-User', 'cookie:sid', ['openid', 'claim:sub']),
        requests: count,
        per: duration,
        burst: count,
        keysMax: count,
        onStoreFailure: fc.constantFrom('local', 'allow', 'deny'),
        headers: fc.boolean(),
      },
      { requiredKeys: ['requests', 'per'] },
    ),
  }),
  fc.record({ accessLog: some({ path: fc.constant('access.log') }) }),
  fc.record({
    cors: some({
      origins: fc.constant(['https://shop.example']),
      credentials: fc.constant(false),
      maxAge: duration,
    }),
  }),
  fc.record({ headers: some({ request: edit, response: edit }) }),
  fc.record({
    module: fc.record(
      { path: fc.constant('filter.ts'), options: fc.jsonValue() },
      { requiredKeys: ['path'] },
    ),
  }),
)

const service = fc.record(
  {
    mode: fc.constantFrom('active-standby', 'active-active', 'multi-active'),
    endpoints: fc.uniqueArray(
      fc.record(
        {
          address: fc.oneof(
            fc
              .record({
                host: fc.constantFrom('10.0.0.1', '[fd00::1]', 'shop.internal'),
                port: fc.integer({ min: 1, max: 65_535 }),
              })
              .map(({ host, port }) => `${host}:${port}`),
            fc.constant('srv:_shop._tcp.internal'),
          ),
          site: fc.constantFrom('east', 'west'),
          weight,
          release: name,
          rank: fc.integer({ min: 0, max: 100 }),
        },
        { requiredKeys: ['address', 'site'] },
      ),
      { minLength: 1, maxLength: 4, selector: (endpoint) => endpoint.address },
    ),
    registration: fc.oneof(fc.constant(false), some({ endpointsMax: count, leaseMax: duration })),
    balance: fc.constantFrom('round-robin', 'least-request', 'peak-ewma', 'random', 'ring-hash', 'maglev'),
    hashOn: fc.oneof(fc.record({ header: name }), fc.record({ query: name }), fc.constant({ ip: true })),
    healthCheck: fc.record(
      {
        type: fc.constantFrom('http', 'tcp'),
        path,
        host: name,
        interval: longer,
        timeout: short,
        unhealthyAfter: count,
        expectStatus: fc.constant(['200-299', 404]),
      },
      { requiredKeys: ['type'] },
    ),
    outlier: fc.oneof(fc.constant(false), some({ maxFails: count, failTimeout: duration })),
    breaker: fc.oneof(
      fc.constant(false),
      some({ window: longer, buckets: count, errorThresholdPercentage: percent, slowCall: duration }),
    ),
    timeouts: some({ connect: short, request: longer, perTry: short, idle: duration }),
    retry: some({
      attempts: fc.integer({ min: 0, max: 10 }),
      budgetPercent: percent,
      on: fc.constant(['reset', 'timeout', 502, '503']),
      backoff: some({ base: short, max: longer }),
    }),
    slowStart: fc.record({ window: duration, aggression: fc.constantFrom(0.5, 1, 2) }),
    priority: some({ panicPercent: percent }),
    limits: some({ concurrency: count, pending: count, connections: count }),
    detection: some({ misses: count, beat: duration, phi: percent.map((n) => 1 + n / 10), rise: count }),
    failover: some({
      automation: fc.constantFrom('on', 'advise', 'off'),
      lease: fc.constant('4s'),
      every: duration,
    }),
    objectives: some({ rto: duration, rpo: fc.constant('0s') }),
  },
  { requiredKeys: ['endpoints'] },
)

const route = fc.record(
  {
    name,
    hosts: fc.constantFrom(['*'], ['shop.example', '*.shop.example']),
    match: fc.array(match, { minLength: 1, maxLength: 3 }),
    filters: fc.array(filter, { maxLength: 4 }),
    backends: fc.constantFrom(
      [{ service: 'shop' }],
      [
        { service: 'shop', weight: 90 },
        { service: 'cart', weight: 10 },
      ],
    ),
    rewrite: fc.record({ prefix: path }),
    timeout: duration,
    fallback: fc.record(
      { status: fc.constantFrom(200, 503), json: fc.jsonValue(), stale: duration },
      { requiredKeys: ['json'] },
    ),
  },
  { requiredKeys: ['name', 'backends'] },
)

/** Configurations people may write: every key appears in some, all defaults are left out in others. */
export const writtenConfig: fc.Arbitrary<object> = fc
  .record(
    {
      version: fc.constant(1),
      node: fc.record({ name, site: fc.constantFrom('east', 'west') }),
      dataDir: fc.constant('/var/lib/budao'),
      sites: fc.constantFrom(
        { east: {}, west: {} },
        { east: { weight: 3, pidFile: 'east.pids' }, west: { weight: 0 } },
      ),
      admin: fc.constantFrom(
        {},
        { address: '0.0.0.0:9900', tokens: { viewer: 'v-12345678', operator: 'o-12345678' } },
      ),
      workers: fc.constantFrom(1, 4, 'auto'),
      drain: duration,
      log: fc.constantFrom({}, { level: 'warn' }),
      dns: fc.constantFrom(
        {},
        { servers: ['10.0.0.2', '[fd00::2]:53', 'fd00::3'], family: 'both', ttlMax: '2s' },
      ),
      listeners: fc.constantFrom(
        [
          {
            name: 'web',
            address: '[::]:8080',
            protocol: 'http',
            trustForwarded: true,
            limits: { headTimeout: '5s' },
          },
        ],
        [{ name: 'webs', address: '0.0.0.0:8443', protocol: 'https', tls: { cert: 'a.crt', key: 'a.key' } }],
      ),
      services: fc.record({ shop: service, cart: service }),
      routes: fc.uniqueArray(route, { minLength: 1, maxLength: 4, selector: (one) => one.name }),
    },
    { requiredKeys: ['version', 'node', 'sites', 'listeners', 'services', 'routes'] },
  )
  // JSON has no -0.
  .map((written) => JSON.parse(JSON.stringify(written)))
