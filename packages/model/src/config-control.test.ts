import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from './config-parser.ts'
import { formatProblem } from './problem.ts'

function file({
  node = 'name: gw-east, site: east',
  listeners = 'listeners: [{ name: web, address: "127.0.0.1:0", protocol: http }]',
  control = 'store: { type: sqlite, path: c.db }',
  peers = 'west: { address: "127.0.0.1:9942", site: west, traffic: "127.0.0.1:8081" }, third: { address: "127.0.0.1:9943", witness: true }',
  service = 'mode: active-standby, failover: {}',
  filters = '[]',
} = {}): string {
  return `version: 1
node: { ${node} }
sites: { east: {}, west: {} }
${listeners}
control:
  address: 127.0.0.1:9941
  token: { env: TOKEN }
  ${control}
  peers: { ${peers} }
services:
  shop:
    { ${service}, endpoints: [{ address: "127.0.0.1:1", site: east }, { address: "127.0.0.1:2", site: west }] }
${listeners === '' ? '' : `routes: [{ name: all, filters: ${filters}, backends: [{ service: shop }] }]`}
`
}

test('a node, its peers and their store are read with their defaults', () => {
  const parsed = parseConfig(file(), 'f')
  assert.ok(parsed.ok)
  assert.deepEqual(parsed.warnings, [])
  assert.deepEqual(parsed.config.control, {
    address: '127.0.0.1:9941',
    token: { env: 'TOKEN' },
    witness: false,
    handOver: 5000,
    store: { type: 'sqlite', path: 'c.db' },
    peers: {
      west: { address: '127.0.0.1:9942', site: 'west', witness: false, traffic: '127.0.0.1:8081' },
      third: { address: '127.0.0.1:9943', witness: true },
    },
  })
})

test('a witness has neither site nor listeners; its failure domain has its name', () => {
  const parsed = parseConfig(
    file({
      node: 'name: third',
      listeners: '',
      control: 'witness: true\n  store: { type: sqlite, path: c.db }',
    }),
    'f',
  )
  assert.ok(parsed.ok)
  assert.deepEqual(parsed.config.node, { name: 'third', site: 'third' })
  assert.deepEqual(parsed.config.listeners, [])
})

const refused: [written: Parameters<typeof file>[0], ...problems: string[]][] = [
  [{ node: 'name: gw-east' }, 'f:2:1  node.site: missing: expected the site this process runs at'],
  [
    { control: 'witness: true\n  store: { type: sqlite, path: c.db }' },
    'f:2:30  node.site: a witness stands at no site: expected no `site`, found "east"',
  ],
  [
    { control: 'store: { type: sqlite, endpoints: ["http://127.0.0.1:1"] }' },
    'f:8:10  control.store: `path` is missing: expected the file that all nodes open',
    'f:8:37  control.store.endpoints: nothing for a file: expected `path` alone',
  ],
  [
    { control: 'store: { type: etcd, path: c.db, user: ann }' },
    'f:8:10  control.store: `endpoints` is missing: expected its members, such as [http://10.0.0.1:2379]',
    'f:8:10  control.store: half an identity: expected `user` and `password`, or neither',
    'f:8:30  control.store.path: only with sqlite: expected `endpoints`',
  ],
  [
    { peers: 'a: { address: "127.0.0.1:9941", site: west }, b: { address: "127.0.0.1:9" }' },
    'f:9:26  control.peers.a.address: also the address of this node: found "127.0.0.1:9941"',
    'f:9:72  control.peers.b.address: neither at a site nor a witness: expected either `site` or `witness: true`',
  ],
  [
    { peers: 'a: { address: "127.0.0.1:9", site: wets }' },
    'f:9:47  control.peers.a.site: unknown site: expected one of east, west, found "wets" (did you mean `west`?)',
  ],
]

for (const [written, ...problems] of refused) {
  test(problems[0]!, () => {
    const parsed = parseConfig(file(written), 'f')
    assert.deepEqual(parsed.ok ? [] : parsed.problems.map(formatProblem), problems)
  })
}

test('what works and will not do what one may think is said', () => {
  const warnings = (written: Parameters<typeof file>[0]): string[] => {
    const parsed = parseConfig(file(written), 'f')
    return parsed.ok ? parsed.warnings.map(formatProblem) : ['refused']
  }
  assert.deepEqual(warnings({ peers: 'west: { address: "10.0.0.2:9942", site: west }' }), [
    'f:8:10  control.store: a file of this machine, and west is at another address: nodes of other machines cannot share it',
    'f:9:10  control.peers: two failure domains: a site that is silent is not failed over by itself, only one whose process is gone (a witness at a third place, also a small one)',
  ])
  assert.deepEqual(
    warnings({
      peers: 'b: { address: "127.0.0.1:9", site: east }, c: { address: "127.0.0.1:8", witness: true }',
    }),
    [
      'f:9:10  control.peers: two failure domains: a site that is silent is not failed over by itself, only one whose process is gone (a witness at a third place, also a small one)',
      'f:12:39  services.shop.failover: no node stands at west: nobody there can hold the right to write',
    ],
  )
  const limited = {
    listeners: 'listeners: [{ name: web, address: "127.0.0.1:8080", protocol: http }]',
    peers:
      'gw-east: { address: "127.0.0.1:9941", site: east, traffic: "127.0.0.1:8080" }, west: { address: "127.0.0.1:9942", site: west }, third: { address: "127.0.0.1:9943", witness: true }',
    service: 'mode: active-standby, failover: {}',
  }
  const byAddress = { filters: '[{ rateLimit: { requests: 5, per: 1s } }]' }
  assert.deepEqual(warnings(limited), [])
  assert.deepEqual(warnings({ ...limited, ...byAddress }), [
    'f:4:13  listeners[0].trustForwarded: route all limits by `ip`, and writes that other gateways pass on to web come with theirs: all their clients share one limit (point `control.peers.<name>.traffic` at a listener of its own with `trustForwarded: true`, open to gateways only)',
  ])
  assert.deepEqual(warnings({ service: 'detection: { stable: 5s }' }), [])
  assert.deepEqual(warnings({ service: 'objectives: { rpo: 0s }' }), [
    'f:12:7  services.shop.objectives: read and checked, and acted on by nobody without `failover`',
  ])
})
