import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { stringify } from 'yaml'
import { parseConfig } from './config-parser.ts'
import type { Config } from './config.ts'
import { formatProblem } from './problem.ts'
import { parseSnapshot } from './snapshot-parser.ts'
import { createSnapshot } from './snapshot.ts'
import { designExample, smallest, smallestWith, writtenConfig } from './written-config.test.ts'

function parse(text: string): Config {
  const parsed = parseConfig(text, 'budao.yaml')
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.problems.map(formatProblem).join('\n'))
  return parsed.config
}

function complain(text: string): string[] {
  const parsed = parseConfig(text, 'budao.yaml')
  return (parsed.ok ? parsed.warnings : parsed.problems).map(formatProblem)
}

test('the smallest file gets every default', () => {
  const config = parse(smallest)
  assert.deepEqual(config, {
    version: 1,
    node: { name: 'gw-1', site: 'east' },
    dataDir: './data',
    sites: { east: { weight: 1 }, west: { weight: 1 } },
    admin: { address: '127.0.0.1:9900' },
    workers: 1,
    drain: 30_000,
    log: { level: 'info' },
    dns: { family: 'prefer-ipv4', timeout: 2000, ttlMin: 1000, ttlMax: 60_000, addressesMax: 64 },
    listeners: [
      {
        name: 'web',
        address: '0.0.0.0:8080',
        protocol: 'http',
        tcp: { idle: 3_600_000 },
        protocols: ['http/1.1'],
        trustForwarded: false,
        limits: {
          headerBytes: 16_384,
          headers: 100,
          bodyBytes: 10_485_760,
          connections: 10_000,
          headTimeout: 10_000,
          bodyRate: 240,
          bodyGrace: 5_000,
          idle: 75_000,
          streams: 100,
          resets: 200,
        },
      },
    ],
    stores: {},
    identity: {},
    caches: {},
    processes: {},
    rollouts: {},
    services: {
      shop: {
        mode: 'multi-active',
        endpoints: [{ address: '127.0.0.1:7001', site: 'east', weight: 1, release: 'stable', rank: 0 }],
        registration: { endpointsMax: 64, leaseMax: 600_000 },
        balance: 'least-request',
        hashOn: { ip: true },
        outlier: { maxFails: 3, failTimeout: 30_000 },
        breaker: {
          window: 5000,
          buckets: 10,
          requestVolumeThreshold: 20,
          errorThresholdPercentage: 50,
          sleepWindow: 5000,
          trialLease: 5000,
          slowCallPercentage: 50,
        },
        timeouts: {
          connect: 1000,
          tlsHandshake: 1000,
          request: 3000,
          perTry: 1500,
          announce: false,
          idle: 300_000,
          tunnel: 300_000,
        },
        retry: {
          attempts: 1,
          budgetPercent: 20,
          budgetMin: 3,
          bodyBytes: 65_536,
          on: ['connect-failure', 'reset-before-request', 'reset', 'timeout', '502', '503', '504'],
          backoff: { base: 25, max: 250 },
        },
        priority: { overprovisioningPercent: 140, panicPercent: 50 },
        limits: {
          concurrency: 1024,
          pending: 1024,
          connections: 512,
          shares: { critical: 100, high: 95, normal: 90, low: 70 },
          retryAfter: 1000,
        },
      },
    },
    routes: [
      {
        name: 'all',
        hosts: ['*'],
        match: [{ headers: {}, query: {}, cookies: {} }],
        filters: [],
        upgrade: ['websocket'],
        backends: [{ service: 'shop', weight: 100 }],
        priority: 'normal',
      },
    ],
  })
})

test('the smallest file has nothing left to leave out', () => {
  assert.ok(parseConfig(smallest, 'f').ok)
  for (const top of ['version', 'node', 'sites', 'listeners', 'routes']) {
    const without = smallest.replace(new RegExp(`^${top}:.*\\n(?: .*\\n)*`, 'm'), '')
    const parsed = parseConfig(without, 'f')
    assert.ok(
      !parsed.ok && parsed.problems.some(({ path, message }) => path === top && message === 'missing'),
      top,
    )
  }
})

test('the example of the design is accepted; what nobody acts on yet is said', () => {
  const parsed = parseConfig(designExample, 'budao.yaml')
  assert.ok(parsed.ok)
  assert.deepEqual(parsed.warnings.map(formatProblem), [
    'budao.yaml:24:5  services.shop.detection: read and checked, and acted on by nobody without `control`',
    'budao.yaml:25:5  services.shop.objectives: read and checked, and acted on by nobody without `control`',
  ])
  const { shop } = parsed.config.services
  assert.equal(shop?.healthCheck?.timeout, 500)
  assert.deepEqual(shop?.retry.on, ['connect-failure', 'reset-before-request', '502', '503', '504'])
  const [route] = parsed.config.routes
  assert.deepEqual(route?.match[0]?.path, { prefix: '/api/' })
  assert.deepEqual(route?.filters[1], {
    rateLimit: {
      key: ['ip'],
      requests: 100,
      per: 1000,
      burst: 100,
      keysMax: 16_384,
      onStoreFailure: 'local',
      headers: false,
    },
  })
  assert.deepEqual(route?.fallback, {
    stale: 300_000,
    staleBytes: 1_048_576,
    status: 200,
    json: { code: 0, degraded: true },
  })
})

const defaultsThatFollow: [
  what: string,
  text: string,
  read: (config: Config) => unknown,
  expected: unknown,
][] = [
  [
    'a try has half of the request timeout',
    smallestWith(['endpoints:', 'timeouts: { request: 9s }\n    endpoints:']),
    (config) => config.services['shop']?.timeouts.perTry,
    4500,
  ],
  [
    'without retries a try has all of it',
    smallestWith(['endpoints:', 'retry: { attempts: 0 }\n    endpoints:']),
    (config) => config.services['shop']?.timeouts.perTry,
    3000,
  ],
  [
    'a trial outlives the request timeout',
    smallestWith(['endpoints:', 'timeouts: { request: 9s }\n    endpoints:']),
    (config) => config.services['shop']?.breaker && config.services['shop'].breaker.trialLease,
    9000,
  ],
  [
    'a check ends before the next one',
    smallestWith(['endpoints:', 'healthCheck: { type: tcp, interval: 200ms }\n    endpoints:']),
    (config) => config.services['shop']?.healthCheck?.timeout,
    200,
  ],
  [
    'a try of a route has half of its timeout',
    smallestWith(['- name: all', '- name: all\n    timeout: 5s']),
    (config) => config.routes[0]?.perTry,
    2500,
  ],
  [
    'breaker and outlier detection can be off',
    smallestWith(['endpoints:', 'breaker: false\n    outlier: false\n    endpoints:']),
    (config) => [config.services['shop']?.breaker, config.services['shop']?.outlier],
    [false, false],
  ],
  [
    'one method is a list of one; header names and hosts are in lower case',
    smallestWith([
      '- name: all',
      '- name: all\n    hosts: [A.Example]\n    match: [{ method: GET, headers: { X-Day: mo } }]',
    ]),
    (config) => [config.routes[0]?.hosts, config.routes[0]?.match],
    [['a.example'], [{ method: ['GET'], headers: { 'x-day': { exact: 'mo' } }, query: {}, cookies: {} }]],
  ],
  [
    'anchors and merge keys are followed',
    smallestWith([
      'sites: { east: {}, west: {} }',
      'sites:\n  east: &one { weight: 7 }\n  west: { <<: *one }',
    ]),
    (config) => config.sites['west'],
    { weight: 7 },
  ],
]
for (const [what, text, read, expected] of defaultsThatFollow) {
  test(what, () => assert.deepEqual(read(parse(text)), expected))
}

test('JSON is read as YAML is, indented with tabs too', () => {
  const written = {
    ...parse(smallest),
    drain: '30s',
    dns: {},
    listeners: [{ name: 'web', address: '0.0.0.0:1', protocol: 'http' }],
  }
  const services = { shop: { endpoints: [{ address: '127.0.0.1:7001', site: 'east' }] } }
  const text = JSON.stringify({ $schema: './budao.schema.json', ...written, services }, null, '\t')
  assert.equal(parse(text).drain, 30_000)
})

test('a misspelt key in JSON has its line and column', () => {
  const text = JSON.stringify({ version: 1, nodes: {} }, null, 2)
  assert.ok(complain(text).includes('budao.yaml:3:3  nodes: unknown key (did you mean `node`?)'))
})

test('every valid configuration parses, as YAML and as JSON, and survives as a snapshot', () => {
  fc.assert(
    fc.property(writtenConfig, (written) => {
      const config = parse(JSON.stringify(written))
      // Keys in quotes: a free value may have the key `<<`, which merges where it is not quoted.
      assert.deepEqual(parse(stringify(written, { defaultKeyType: 'QUOTE_DOUBLE' })), config)
      const snapshot = createSnapshot(config, 'budao.yaml', 6, 0)
      assert.deepEqual(parseSnapshot(JSON.parse(JSON.stringify(snapshot))), snapshot)
      assert.deepEqual(structuredClone(snapshot), snapshot)
    }),
    { numRuns: 100 },
  )
})

test('no text makes the parser throw, and what is refused has a place', () => {
  const shred = fc
    .tuple(fc.nat(smallest.length), fc.nat(12), fc.string({ maxLength: 6 }))
    .map(([at, cut, other]) => smallest.slice(0, at) + other + smallest.slice(at + cut))
  const yamlish = fc
    .array(
      fc.constantFrom(
        'a',
        ':',
        ' ',
        '\n',
        '- ',
        '{',
        '}',
        '[',
        ']',
        '&x',
        '*x',
        '"',
        '\t',
        '|',
        '<<',
        '!',
        '#',
        '1',
      ),
    )
    .map((pieces) => pieces.join(''))
  fc.assert(
    fc.property(fc.oneof(fc.string(), shred, yamlish), (text) => {
      const parsed = parseConfig(text, 'f')
      if (parsed.ok) return
      assert.ok(parsed.problems.length > 0)
      for (const { line, column } of parsed.problems) assert.ok(line >= 1 && column >= 1)
    }),
    { numRuns: 1000 },
  )
})

test('whatever value stands at a key, it is refused or read, never thrown at', () => {
  const keys = [
    'version',
    'node',
    'sites',
    'admin',
    'workers',
    'listeners',
    'services',
    'routes',
    'drain',
    'log',
  ]
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...keys), fc.jsonValue(), { maxKeys: 10 }), (value) => {
      parseConfig(JSON.stringify(value), 'f')
    }),
    { numRuns: 300 },
  )
})
