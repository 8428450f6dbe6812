import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explainFiles, type ExplainedRouter } from './keepalived-explain.ts'

interface Node {
  readonly priority: number
  readonly weight?: number
  readonly more?: string
  readonly address?: string
  readonly routerId?: number
}

function conf({ priority, weight = 0, more = '', address = '10.0.0.100/24', routerId = 51 }: Node): string {
  return `vrrp_script check {
  script /bin/true
  fall 2
  weight ${weight}
}
vrrp_instance web {
  virtual_router_id ${routerId}
  priority ${priority}
  virtual_ipaddress { ${address} }
  track_script { check }
  ${more}
}
`
}

function explain(...nodes: readonly Node[]): ExplainedRouter[] {
  return explainFiles(
    nodes.map((node, index) => ({ file: `${'abc'[index]}.conf`, text: conf(node), include: () => [] })),
  )
}

const told = ({ findings }: ExplainedRouter): string[] =>
  findings.map(({ file, line, text, good, says }) => `${good ? '+' : '-'} ${file}:${line}: ${text}: ${says}`)

test('two files together say exactly what moves, and how soon', () => {
  const [router] = explain({ priority: 90, weight: -20 }, { priority: 100, weight: -20 })
  assert.deepEqual(router!.nodes, [
    { file: 'b.conf', base: 100, well: 100 },
    { file: 'a.conf', base: 90, well: 90 },
  ])
  assert.deepEqual(told(router!), [
    '+ b.conf:10: check: moves to a.conf within 3.65 to 5.65 s',
    '+ b.conf:6: vrrp_instance web: dies: moves to a.conf within 2.65 to 3.65 s',
  ])
})

const bad: [what: string, nodes: Node[], says: RegExp][] = [
  [
    'a weight that is not above the gap',
    [
      { priority: 100, weight: 2 },
      { priority: 90, weight: 2 },
    ],
    /^- a.conf:10: check: never fails over: failing, the master still has priority 100 and the backup 92/,
  ],
  [
    'weights that differ',
    [
      { priority: 100, weight: -20 },
      { priority: 90, weight: -20, more: 'nopreempt' },
    ],
    /nopreempt makes the backup leave it alone/,
  ],
  [
    'a third node that nobody reaches',
    [
      { priority: 100, weight: -20 },
      { priority: 90, weight: -20 },
      { priority: 50, weight: -20 },
    ],
    /^- b.conf:10: check: never fails over: failing, the master still has priority 70 and the backup 50/,
  ],
  [
    'a password that differs',
    [
      { priority: 100, more: 'authentication {\n auth_pass one\n }' },
      { priority: 90, more: 'authentication {\n auth_pass two\n }' },
    ],
    /^- b.conf:6: vrrp_instance web: auth_pass differs from a.conf: each throws the other's adverts away, and both have the address/,
  ],
  [
    'an interval that differs',
    [{ priority: 100 }, { priority: 90, more: 'advert_int 2' }],
    /advert_int differs from a.conf \(2, and 1 there\)/,
  ],
  [
    'a version that differs',
    [{ priority: 100 }, { priority: 90, more: 'version 3' }],
    /version differs from a.conf \(3, and 2 there\)/,
  ],
  [
    'an address that differs',
    [{ priority: 100 }, { priority: 90, address: '10.0.0.101/24' }],
    /virtual_ipaddress differs from a.conf/,
  ],
  [
    'a virtual router of one file alone',
    [{ priority: 100 }, { priority: 90, routerId: 52 }],
    /no other file has this virtual router/,
  ],
  [
    'a weight in a sync group',
    [
      { priority: 100, weight: -20, more: '}\nvrrp_sync_group g {\n group { web }' },
      { priority: 90, weight: -20 },
    ],
    /in a sync group what has a weight is not tracked/,
  ],
  [
    'nothing tracked',
    [
      { priority: 100, more: '}\nvrrp_instance other {\n virtual_router_id 60\n priority 9' },
      { priority: 90, more: '}\nvrrp_instance other {\n virtual_router_id 60\n priority 8' },
    ],
    /nothing is tracked: the address stays/,
  ],
]
for (const [what, nodes, says] of bad) {
  test(`${what} is told`, () => {
    const lines = explain(...nodes).flatMap(told)
    assert.match(lines.join('\n'), new RegExp(says.source, 'm'))
  })
}

test('the length of a network may differ, and the interval with version 3', () => {
  const [router] = explain(
    { priority: 100, more: 'version 3' },
    { priority: 90, address: '10.0.0.100/32', more: 'version 3\n advert_int 0.5' },
  )
  assert.ok(
    router!.findings.every(({ good }) => good),
    told(router!).join('\n'),
  )
})
