import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '../config-parser.ts'
import { formatProblem } from '../problem.ts'
import { rankNodes } from './virtual-ip.ts'

interface Written {
  readonly nodes?: string
  readonly more?: string
  readonly addresses?: string
  readonly node?: string
  readonly listen?: string
}

function config({ nodes, more = '', addresses, node = 'gw-1', listen = '0.0.0.0:8080' }: Written): string {
  return `version: 1
node: { name: ${node}, site: east }
sites: { east: {} }
listeners: [{ name: web, address: '${listen}', protocol: http }]
services: { shop: { endpoints: [{ address: 127.0.0.1:7001, site: east }] } }
routes: [{ name: all, backends: [{ service: shop }] }]
virtualIp:
  keepalived:
    interface: eth0
    addresses: ${addresses ?? '[10.0.0.100/24]'}
    routerId: 51
    nodes: ${nodes ?? '{ gw-1: { address: 10.0.0.11 }, gw-2: { address: 10.0.0.12 } }'}
${more.replaceAll(/^/gm, '    ')}
`
}

const refused: [what: string, written: Written, says: RegExp][] = [
  [
    'a node that is not among the nodes',
    { node: 'gw-9' },
    /nodes: unknown node.name: expected one of gw-1, gw-2, found "gw-9"/,
  ],
  ['one node alone', { nodes: '{ gw-1: {} }' }, /at least two nodes/],
  [
    'the same priority twice',
    { nodes: '{ gw-1: { priority: 240 }, gw-2: {} }' },
    /nodes.gw-2.priority: the same priority as gw-1/,
  ],
  [
    'an address for one node only',
    { nodes: '{ gw-1: { address: 10.0.0.11 }, gw-2: {} }' },
    /nodes.gw-2.address: missing/,
  ],
  [
    'one address for two nodes',
    { nodes: '{ gw-1: { address: 10.0.0.11 }, gw-2: { address: 10.0.0.11 } }' },
    /gw-2.address: address given twice.*gw-1 has it too/,
  ],
  ['no length of the network', { addresses: '[10.0.0.100]' }, /with the length of its network/],
  ['both families', { addresses: '[10.0.0.100/24, "2001:db8::1/64"]' }, /another family than the first/],
  [
    'an address twice',
    { addresses: '[10.0.0.100/24, 10.0.0.100/32]' },
    /addresses\[1\]: address given twice/,
  ],
  ['the own address of a node', { addresses: '[10.0.0.12/24]' }, /the own address of gw-2/],
  [
    'IPv6 with version 2',
    { addresses: '["2001:db8::1/64"]', nodes: '{ gw-1: {}, gw-2: {} }', more: 'version: 2' },
    /version 2 knows only IPv4/,
  ],
  ['a password with version 3', { more: 'password: secret' }, /version 3 knows no password/],
  ['a long password', { more: 'version: 2\npassword: 123456789' }, /at most 8 characters/],
  [
    'version 2 with half seconds',
    { more: 'version: 2\nadvertInterval: 500ms' },
    /whole seconds with version 2/,
  ],
  ['adverts too far apart', { more: 'advertInterval: 41s' }, /at most 40950 ms/],
  ['adverts in milliseconds', { more: 'advertInterval: 15ms' }, /whole hundredths/],
  [
    'checks in parts of a second',
    { more: 'check: { interval: 1500ms }' },
    /check.interval: bad value: expected whole seconds/,
  ],
  [
    'a check longer than its interval',
    { more: 'check: { interval: 1s, timeout: 2s }' },
    /check.timeout: longer than/,
  ],
  [
    'a delay of what never happens',
    { more: 'preemptDelay: 5s' },
    /nothing is preempted: expected preempt: true/,
  ],
  ['a relative program', { more: 'check: { program: check.sh }' }, /the full path of a program/],
  [
    'a name no interface has',
    { more: '', nodes: '{ gw-1: { interface: "eth0 }" }, gw-2: {} }' },
    /the name of an interface/,
  ],
]
for (const [what, written, says] of refused) {
  test(`${what} is refused`, () => {
    const parsed = parseConfig(config(written), 'budao.yaml')
    assert.ok(!parsed.ok)
    assert.match(parsed.problems.map(formatProblem).join('\n'), says)
  })
}

const warned: [what: string, written: Written, says: RegExp | undefined][] = [
  ['the defaults', {}, undefined],
  ['a weight that bridges the gap', { more: 'preempt: true\ncheck: { weight: -20 }' }, undefined],
  [
    'a weight that does not',
    { more: 'preempt: true\ncheck: { weight: 2 }' },
    /check.weight: gw-1 \(priority 250\) before gw-2 \(240\): never fails over: failing, the master still has priority 250 and the backup 242.*write weight 0 \(fault\), or at least 11 or at most -11/,
  ],
  [
    'a weight where nothing is preempted',
    { more: 'check: { weight: -20 }' },
    /`preempt: false` makes the backup leave it alone/,
  ],
  [
    'weights beyond the range',
    {
      more: 'preempt: true\ncheck: { weight: 20 }',
      nodes: '{ gw-1: { priority: 254 }, gw-2: { priority: 250 } }',
    },
    /is 254 when all is well and when it fails/,
  ],
  [
    'an owner with a weight',
    { more: 'preempt: true\ncheck: { weight: -20 }', nodes: '{ gw-1: { priority: 255 }, gw-2: {} }' },
    /priority 255 owns the address/,
  ],
  [
    'a handover that is over before a check has failed',
    { more: 'handover: 2s' },
    /handover: .*noticing takes up to 2000 ms \(write at least 3s\)/,
  ],
  ['the same with a watch', { more: 'handover: 2s\nwatch: { file: /run/budao/ready }' }, undefined],
  [
    'a listener on the virtual IP',
    { listen: '10.0.0.100:80' },
    /listeners\[0\].address: a virtual IP: only the node that holds it/,
  ],
]
for (const [what, written, says] of warned) {
  test(`${what}: ${says === undefined ? 'no warning' : 'warned of'}`, () => {
    const parsed = parseConfig(config(written), 'budao.yaml')
    assert.ok(parsed.ok, JSON.stringify(parsed))
    const text = parsed.warnings.map(formatProblem).join('\n')
    if (says === undefined) assert.equal(text, '')
    else assert.match(text, says)
  })
}

test('priorities come from the order of the nodes where none are given', () => {
  const nodes = '{ a: {}, b: {}, c: { priority: 251 }, gw-1: {} }'
  const parsed = parseConfig(config({ nodes }), 'budao.yaml')
  assert.ok(parsed.ok)
  assert.deepEqual(
    rankNodes(parsed.config.virtualIp!.keepalived).map(({ name, priority }) => `${name} ${priority}`),
    ['c 251', 'a 250', 'b 240', 'gw-1 220'],
  )
})
