import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startNode, tempDir } from '@budao/testkit'
import { CliError } from '../../cli-error.ts'
import { createProgram } from '../../cli.ts'

const main = fileURLToPath(new URL('../../main.ts', import.meta.url))

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

function budao(cwd: string, args: readonly string[], verb = 'keepalived'): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--conditions=@budao/source', main, verb, ...args],
      { cwd },
      (error, out, err) => {
        resolve({ code: error === null ? 0 : Number(error.code), out, err })
      },
    )
  })
}

function folderWith(t: TestContext, more: string): string {
  const folder = tempDir(t)
  writeFileSync(
    join(folder, 'budao.yaml'),
    `version: 1
node: { name: gw-2, site: east }
sites: { east: {} }
admin: { address: '127.0.0.1:1' }
listeners: [{ name: web, address: 0.0.0.0:8080, protocol: http }]
services: { shop: { endpoints: [{ address: 127.0.0.1:7001, site: east }] } }
routes: [{ name: all, backends: [{ service: shop }] }]
${more}
`,
  )
  return folder
}

const shared = `virtualIp:
  keepalived:
    interface: eth0
    addresses: [10.0.0.100/24]
    routerId: 51
    nodes: { gw-1: { address: 10.0.0.11 }, gw-2: { address: 10.0.0.12, interface: ens3 } }
`

test('render writes the file of this node, the same each time, and says why each value', async (t) => {
  const folder = folderWith(t, shared)
  const { code, out } = await budao(folder, ['render'])
  assert.equal(code, 0)
  assert.equal(
    out,
    `# keepalived.conf of gw-2, written by budao keepalived render out of budao.yaml. Change that file, not this one.
# 10.0.0.100/24 belongs to the best of: gw-1 250, gw-2 240.
# The gateway refuses: it moves within 1.06 to 2.06 s.
# The machine dies: within 2.06 to 3.06 s.

global_defs {
    router_id gw-2                   # in its log
    vrrp_version 3
    script_user nobody               # programs need no rights: they ask the gateway
    enable_script_security           # nor runs any that others than root could have changed
}

vrrp_script budao_check {
    script "/usr/local/libexec/budao-ready" # exits 0 where the gateway is ready
    interval 1
    timeout 1                        # killed then, and counted as failed
    fall 2                           # in a row: fails after 1 to 2 intervals
    rise 2                           # in a row, until the node may have the address again
    weight 0                         # fault: a failing node is out, whatever the priorities
    init_fail                        # no address before the first good answer
}

vrrp_instance budao {
    state BACKUP                     # everywhere: MASTER takes the address before it has heard anybody
    interface ens3
    virtual_router_id 51
    priority 240
    advert_int 1
    nopreempt                        # a node that comes back leaves the address where it is
    unicast_src_ip 10.0.0.12
    unicast_peer {
        10.0.0.11
    }
    virtual_ipaddress {
        10.0.0.100/24
    }
    track_script {
        budao_check
    }
}
`,
  )
  const written = await budao(folder, ['render', '--out', 'k.conf'])
  assert.equal(written.out, 'k.conf: written\n')
  assert.match(written.err, /^\/usr\/local\/libexec\/budao-ready is not there: keepalived would run without/)
  assert.equal((await budao(folder, ['render', '--out', 'k.conf'])).out, 'k.conf: as it was\n')
  assert.equal(readFileSync(join(folder, 'k.conf'), 'utf8'), out)
  await budao(folder, ['render', '--part', 'check', '--out', 'ready'])
  assert.equal(statSync(join(folder, 'ready')).mode & 0o777, 0o755)
})

test('what a file can say beyond the defaults is in it', async (t) => {
  const more = `    version: 2
    advertInterval: 2s
    preempt: true
    preemptDelay: 30s
    password: s3cret
    notify: /usr/local/bin/told
    check: { program: /opt/check --fast, interval: 2s, timeout: 1s, weight: -20 }
    watch: { file: /run/budao/ready }
`
  const { out } = await budao(folderWith(t, shared + more), ['render', '--node', 'gw-1'])
  const statements = out.split('\n').map((line) => line.replace(/#.*/, '').trim())
  const wanted = [
    ...[
      'vrrp_version 2',
      'advert_int 2',
      'preempt_delay 30',
      'auth_pass s3cret',
      'notify "/usr/local/bin/told"',
    ],
    ...[
      'script "/opt/check --fast"',
      'interval 2',
      'timeout 1',
      'weight -20',
      'interface eth0',
      'priority 250',
    ],
    ...['file "/run/budao/ready"', 'budao_watch', 'unicast_src_ip 10.0.0.11', '10.0.0.12'],
  ]
  assert.deepEqual(
    wanted.filter((statement) => !statements.includes(statement)),
    [],
  )
  assert.ok(!statements.includes('nopreempt'))
})

const refused: [args: string[], more: string, code: number, says: RegExp][] = [
  [['render'], '', 1, /virtualIp is not configured/],
  [
    ['render'],
    `${shared}    preempt: true\n    check: { weight: 5 }`,
    1,
    /not rendered\n.*gw-1 \(priority 250\) before gw-2 \(240\): never fails over: failing, the master still has priority 250 and the backup 245.*at least 11 or at most -11/,
  ],
  [['render'], `${shared}    check: { weight: -20 }`, 1, /`preempt: false` makes the backup leave it alone/],
  [['render', '--node', 'gw-3'], shared, 2, /--node: expected one of gw-1, gw-2, got gw-3/],
  [['render', '--part', 'all'], shared, 2, /Allowed choices are conf, check, unit/],
  [['render', '--part', 'unit'], shared, 1, /watch is not configured/],
  [['render', '--out', 'no/such/folder/k.conf'], shared, 2, /cannot write .*ENOENT/],
  [['watch'], shared, 1, /watch is not configured/],
  [
    ['watch'],
    `${shared}    watch: { file: /no/such/folder/ready }`,
    1,
    /cannot write \/no\/such\/folder\/ready: ENOENT/,
  ],
  [['check', '--url', 'ftp://x'], shared, 2, /Expected a URL/],
  [['check', '--timeout', '5'], shared, 2, /Expected a duration/],
]
for (const [args, more, code, says] of refused) {
  test(`${args.join(' ')} with ${JSON.stringify(more.split('\n').at(-1))} is refused`, async (t) => {
    const file = args[0] === 'check' ? [] : ['-c', join(folderWith(t, more), 'budao.yaml')]
    const program = await createProgram()
    const silent = { writeErr: () => {}, writeOut: () => {} }
    for (const verb of program.commands)
      for (const each of [verb, ...verb.commands]) each.configureOutput(silent)
    await assert.rejects(
      program.parseAsync(['keepalived', ...args, ...file], { from: 'user' }),
      (error: Error) => {
        assert.match(error.message, says)
        // What commander itself throws is wrong usage: the command exits 2.
        assert.equal(error instanceof CliError ? error.exitCode : 2, code)
        return true
      },
    )
  })
}

test('the check of a configuration says who is to have the address', async (t) => {
  const folder = folderWith(t, shared.replace('gw-2: {', 'gw-2: { priority: 254,'))
  const ran = await budao(folder, [], 'check')
  assert.equal(ran.code, 0, ran.out)
  assert.match(ran.out, /^virtual IP +10.0.0.100\/24 +gw-2 before gw-1$/m)
})

test('check says why a gateway is not ready', async (t) => {
  const ran = await budao(tempDir(t), ['check', '--url', 'http://127.0.0.1:1', '--timeout', '500ms'])
  assert.deepEqual(ran, { code: 1, out: 'not ready: http://127.0.0.1:1/readyz: ECONNREFUSED\n', err: '' })
})

test('the watch writes what it sees, and 0 when it ends', async (t) => {
  const state = join(tempDir(t), 'ready')
  const folder = folderWith(t, `${shared}    watch: { file: ${state}, interval: 10ms }\n`)
  const watch = startNode(t, [main, 'keepalived', 'watch'], { cwd: folder })
  await watch.waitForOutput(/the gateway is not ready: .*ECONNREFUSED/)
  assert.equal(readFileSync(state, 'utf8'), '1\n')
  assert.equal(await watch.stop(), 0)
  assert.equal(readFileSync(state, 'utf8'), '0\n')
})
