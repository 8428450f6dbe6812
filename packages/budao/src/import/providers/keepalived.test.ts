import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '@budao/model/parser'
import { ImportError, type Imported, type NoteKind } from '../imported.ts'
import { wholeConfig, yamlOf } from '../written-config.ts'
import { keepalived } from './keepalived.ts'

function read(text: string): Imported {
  const files: Record<string, string> = {
    'more.conf': 'vrrp_script more {\n script /bin/true\n weight -30\n}\n',
  }
  return keepalived.read(text, {
    file: 'keepalived.conf',
    site: 'main',
    endpoints: {},
    include: (name) => [{ name, text: files[name] ?? '' }],
  })
}

function told({ notes }: Imported, kind: NoteKind): string[] {
  return notes
    .filter((note) => note.kind === kind)
    .map(({ line, text, reason }) => `${line}: ${text}: ${reason}`)
}

interface Pair {
  readonly state?: string
  readonly priority?: number
  readonly script?: string
  readonly instance?: string
  readonly rest?: string
}

function instance({
  state = 'MASTER',
  priority = 100,
  script = '',
  instance: more = '',
  rest = '',
}: Pair): string {
  return `vrrp_script check {
  script "/usr/bin/check --fast"
  interval 2
  fall 3
  ${script}
}
vrrp_instance web {
  state ${state}
  interface eth1
  virtual_router_id 7
  priority ${priority}
  track_script { check }
  virtual_ipaddress { 10.0.0.100/24 }
  ${more}
}
${rest}`
}

const warnings: [what: string, text: string, says: RegExp | undefined][] = [
  [
    'weight 2, as most write it',
    instance({ script: 'weight 2' }),
    /^5: weight 2: only a backup with priority 99 takes over.*Write weight 0 \(fault\)/,
  ],
  ['weight -2', instance({ script: 'weight -2' }), /only a backup with priority 99 takes over/],
  [
    'weight 2 seen from the backup',
    instance({ script: 'weight 2', state: 'BACKUP', priority: 90 }),
    /takes over only from a master with priority 91:/,
  ],
  [
    'weight 10 is not above a gap of 10',
    instance({ script: 'weight 10' }),
    /only a backup with priority 91 to 99/,
  ],
  [
    'weight 1 bridges nothing',
    instance({ script: 'weight 1' }),
    /never fails over: failing, the master still has priority 100 and the backup 100/,
  ],
  ['weight 11', instance({ script: 'weight 11' }), undefined],
  ['weight -11', instance({ script: 'weight -11' }), undefined],
  ['weight 0', instance({}), undefined],
  [
    'the weight of the instance counts',
    instance({ script: 'weight 50', instance: 'track_script {\n check weight 3\n}' }).replace(
      '  track_script { check }\n',
      '',
    ),
    /^14: check weight 3: only/,
  ],
  [
    'weights with nopreempt',
    instance({ state: 'BACKUP', script: 'weight -20', instance: 'nopreempt' }),
    /nopreempt makes the backup leave it alone all the same. Write weight 0 \(fault\), which nopreempt does not hinder/,
  ],
  ['weight 0 with nopreempt', instance({ state: 'BACKUP', instance: 'nopreempt' }), undefined],
  [
    'nopreempt with state MASTER',
    instance({ instance: 'nopreempt' }),
    /^14: nopreempt: has no effect with state MASTER/,
  ],
  [
    'preempt_delay with state MASTER',
    instance({ instance: 'preempt_delay 5' }),
    /^14: preempt_delay 5: has no effect/,
  ],
  [
    'an owner with a weight',
    instance({ priority: 255, script: 'weight -20' }),
    /priority 255 owns the address/,
  ],
  [
    'no priority and state MASTER is an owner too',
    instance({ script: 'weight -20' }).replace('  priority 100\n', ''),
    /priority 255 owns/,
  ],
  [
    'reverse',
    instance({ script: 'weight -20 reverse' }),
    /failing makes the master more wanted \(100 → 120\)/,
  ],
  [
    'a weight in a sync group',
    instance({ script: 'weight -20', rest: 'vrrp_sync_group G {\n group {\n web\n }\n}' }),
    /in a sync group what has a weight is not tracked/,
  ],
  [
    'a sync group that counts weights',
    instance({
      script: 'weight -20',
      rest: 'vrrp_sync_group G {\n group { web }\n sync_group_tracking_weight\n}',
    }),
    undefined,
  ],
  [
    'a script that nobody tracks',
    instance({ rest: 'vrrp_script other {\n script /bin/true\n}' }),
    /^16: vrrp_script other { … }: no vrrp_instance tracks it/,
  ],
  [
    'a script that is not there',
    instance({ instance: 'track_script { chek }' }),
    /^14: chek: no vrrp_script has this name/,
  ],
  [
    'a password with version 3',
    instance({ instance: 'version 3\n authentication {\n auth_type PASS\n auth_pass x\n }' }),
    /version 3 of the protocol knows no authentication/,
  ],
  [
    'a weight in a file that is included',
    'include more.conf\nvrrp_instance a {\n state MASTER\n priority 200\n track_script { more }\n virtual_ipaddress { 10.0.0.1 }\n}',
    undefined,
  ],
]
for (const [what, text, says] of warnings) {
  test(`${what}: ${says === undefined ? 'no warning' : 'warned of'}`, () => {
    const found = told(read(text), 'warning')
    if (says === undefined) assert.deepEqual(found, [])
    else assert.match(found.join('\n'), new RegExp(says.source, 'm'))
  })
}

test('an instance becomes a virtual IP with the numbers of the file', () => {
  const imported = read(
    instance({
      state: 'BACKUP',
      script: 'weight -20\n timeout 1\n rise 4',
      priority: 90,
      instance: `advert_int 2
  unicast_src_ip 10.0.0.12
  unicast_peer {
    10.0.0.11
  }
  preempt_delay 30
  authentication {
    auth_type PASS
    auth_pass 0123456789
  }
  notify "/usr/local/bin/told --all"
  garp_master_delay 1`,
    }),
  )
  assert.deepEqual(imported.fragment.virtualIp, {
    keepalived: {
      interface: 'eth1',
      addresses: ['10.0.0.100/24'],
      routerId: 7,
      nodes: {
        'gw-2': { address: '10.0.0.11', priority: 100 },
        'gw-1': { address: '10.0.0.12', priority: 90 },
      },
      version: 2,
      advertInterval: '2s',
      preempt: true,
      preemptDelay: '30s',
      password: '01234567',
      check: { interval: '2s', timeout: '1s', fall: 3, rise: 4, weight: -20 },
      notify: '/usr/local/bin/told',
    },
  })
  assert.match(
    told(imported, 'changed').join('\n'),
    /the priority of gw-2 is in its own file: 100 is written/,
  )
  assert.match(told(imported, 'lost').join('\n'), /^\d+: garp_master_delay 1: /)
})

const server = (inside: string, args = '10.0.0.100 443'): string =>
  `virtual_server ${args} {\n delay_loop 6\n lb_algo wlc\n ${inside}\n real_server 10.1.0.1 8443 {\n weight 3\n TCP_CHECK {\n connect_timeout 2\n }\n }\n real_server 10.1.0.2 8443 {\n }\n}\n`

test('a virtual server becomes a service behind a listener of bytes', () => {
  const { fragment } = read(server('sorry_server 10.1.0.9 80'))
  assert.deepEqual(fragment.listeners, [
    { name: 'vs-10-0-0-100-443', address: '0.0.0.0:443', protocol: 'tcp', service: 'vs-10-0-0-100-443' },
  ])
  assert.deepEqual(fragment.services, {
    'vs-10-0-0-100-443': {
      mode: 'active-standby',
      priority: { overprovisioningPercent: 1000, panicPercent: 0 },
      endpoints: [
        { address: '10.1.0.1:8443', site: 'main', weight: 3 },
        { address: '10.1.0.2:8443', site: 'main' },
        { address: '10.1.0.9:80', site: 'main-backup' },
      ],
      balance: 'least-connections',
      healthCheck: { type: 'tcp', interval: '6s', timeout: '2s', unhealthyAfter: 2, healthyAfter: 1 },
    },
  })
})

test('an HTTP check keeps its path, host, statuses and patience', () => {
  const url = 'url {\n path /up\n status_code 200-299 404\n digest 9b3a\n }\n connect_timeout 3\n retry 3'
  const imported = read(
    `virtual_server 10.0.0.100 80 {\n virtualhost shop.example\n real_server 10.1.0.1 80 {\n HTTP_GET {\n ${url}\n }\n }\n}`,
  )
  assert.deepEqual(imported.fragment.services['vs-10-0-0-100-80']!['healthCheck'], {
    type: 'http',
    path: '/up',
    host: 'shop.example',
    expectStatus: ['200-299', '404'],
    interval: '1m',
    timeout: '3s',
    unhealthyAfter: 4,
    healthyAfter: 1,
  })
  assert.match(told(imported, 'lost').join('\n'), /^8: digest 9b3a: the status decides/m)
})

const lost: [what: string, text: string, says: RegExp][] = [
  ['a firewall mark', server('', 'fwmark 3'), /^1: virtual_server fwmark 3 .*only an address with a port/m],
  ['a group', server('', 'group web'), /only an address with a port/],
  ['UDP', server('protocol UDP'), /UDP is not carried/],
  ['an unknown scheduler', server('').replace('wlc', 'ovf'), /^3: lb_algo ovf: has no counterpart/m],
  [
    'a check by a program',
    server('').replace('TCP_CHECK', 'MISC_CHECK'),
    /MISC_CHECK { … }: has no counterpart/,
  ],
  [
    'a second instance',
    instance({ rest: 'vrrp_instance b {\n virtual_ipaddress { 10.0.0.2 }\n}' }),
    /^16: vrrp_instance b .*one virtual router/m,
  ],
  [
    'what nobody knows',
    `static_ipaddress {\n 10.0.0.1\n}\n${server('')}`,
    /^1: static_ipaddress { … }: has no counterpart/m,
  ],
]
for (const [what, text, says] of lost)
  test(`${what} is told to be lost`, () => assert.match(told(read(text), 'lost').join('\n'), says))

test('two virtual servers of one port keep their addresses apart', () => {
  const { fragment } = read(server('') + server('', '10.0.0.101 443'))
  assert.deepEqual(
    fragment.listeners.map(({ address }) => address),
    ['0.0.0.0:443', '10.0.0.101:443'],
  )
})

test('what is made out of a whole file is accepted, but for routes that no such file has', () => {
  const { fragment } = read(instance({ script: 'weight -20' }) + server('persistence_timeout 50'))
  const parsed = parseConfig(yamlOf(wholeConfig(fragment), []), 'made')
  assert.ok(parsed.ok, JSON.stringify(parsed))
})

test('definitions, quotes, comments and braces are read as they are there', () => {
  const { fragment } = read(`$VIP=10.0.0.77
! vrrp_instance no {
vrrp_instance yes
{
  interface "eth2" # and so on
  virtual_ipaddress {
    $VIP/24
    \${VIP}
  }
}`)
  const { keepalived: made } = fragment.virtualIp as {
    keepalived: { interface: string; addresses: string[] }
  }
  assert.deepEqual([made.interface, made.addresses], ['eth2', ['10.0.0.77/24', '10.0.0.77/32']])
})

const broken: [text: string, says: RegExp][] = [
  [
    'vrrp_instance a {\n state MASTER\n',
    /keepalived.conf:1: expected "}" for this block, got the end of the file/,
  ],
  ['vrrp_instance a {\n}\n}', /keepalived.conf:3: expected a statement, got "}"/],
  ['{', /keepalived.conf:1: expected a statement before "{"/],
  ['vrrp_script "x {\n', /keepalived.conf:1: expected the end of what " begins/],
]
for (const [text, says] of broken)
  test(`${JSON.stringify(text)} is refused`, () =>
    assert.throws(
      () => read(text),
      (error) => error instanceof ImportError && says.test(error.message),
    ))

test('the kind is told by the text, and no other is taken for it', () => {
  assert.ok(keepalived.detects(instance({}), 'x'))
  assert.ok(!keepalived.detects('upstream x { server 127.0.0.1:1; }', 'nginx.conf'))
})
