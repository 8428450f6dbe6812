import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort, requireDebian, startProcess, tempDir } from '@budao/testkit'
import { testGslb } from './test-gslb.test.ts'

const zone = `      records:
        - { name: "@", type: TXT, value: "v=spf1 -all" }
        - { name: "@", type: CAA, value: '0 issue "letsencrypt.org"' }
        - { name: long, type: TXT, value: "${'z'.repeat(2_000)}" }
        - { name: "*.wild", type: A, value: 203.0.113.9 }
      names:
        api: { services: [shop], policy: nearest, ttl: { min: 1s, max: 1s } }
        first: { services: [shop], ttl: { min: 1s, max: 1s } }`

type Dig = (...args: readonly string[]) => Promise<string>

async function digger(t: TestContext, port: number): Promise<Dig | undefined> {
  const path = await requireDebian(t, 'bind9-dnsutils', 'dig')
  if (path === undefined) return undefined
  return async (...args) => {
    // Without an answer dig fails: who asks decides what that means.
    const asked = promisify(execFile)(path, [
      '@127.0.0.1',
      '-p',
      String(port),
      '+tries=1',
      '+time=2',
      ...args,
    ])
    return (await asked.catch((error: { stdout: string }) => error)).stdout
  }
}

/** Asks until the answer is the one that is waited for. */
async function until(dig: Dig, wanted: string, ...args: readonly string[]): Promise<void> {
  const end = performance.now() + 15_000
  for (let got = ''; ; await pause(50)) {
    got = (await dig('+short', ...args)).trim()
    if (got === wanted) return
    assert.ok(performance.now() < end, `${args.join(' ')}: expected ${wanted}, got ${got}`)
  }
}

test('unbound recurses to us, mixes the case of names, and follows a verdict when the time to live is over', async (t) => {
  const path = await requireDebian(t, 'unbound')
  const port = await freePort()
  const dig = await digger(t, port)
  if (path === undefined || dig === undefined) return
  const { port: own, sites } = await testGslb(t, { zone })
  const dir = tempDir(t)
  writeFileSync(
    join(dir, 'unbound.conf'),
    `server:
  interface: 127.0.0.1
  port: ${port}
  username: ""
  chroot: ""
  directory: "${dir}"
  pidfile: ""
  use-syslog: no
  logfile: ""
  do-not-query-localhost: no
  use-caps-for-id: yes
  module-config: "iterator"
  domain-insecure: "example"
  local-zone: "example." nodefault
stub-zone:
  name: "shop.example"
  stub-addr: 127.0.0.1@${own}
remote-control:
  control-enable: no
`,
  )
  startProcess(t, path, ['-d', '-c', join(dir, 'unbound.conf')])
  await until(dig, '192.0.2.1', 'first.shop.example', 'A')
  assert.equal((await dig('+short', 'shop.example', 'TXT')).trim(), '"v=spf1 -all"')
  assert.match(await dig('nothing.shop.example'), /status: NXDOMAIN/)
  assert.match(await dig('shop.example', 'MX'), /status: NOERROR[^]*AUTHORITY: 1/)
  // Longer than UDP takes: it comes over TCP to us.
  assert.equal((await dig('+short', '+tcp', 'long.shop.example', 'TXT')).match(/z/g)?.length, 2_000)
  sites.set('east', 'down')
  await until(dig, '198.51.100.1', 'first.shop.example', 'A')
  sites.set('west', 'down')
  await until(dig, '198.51.100.1', 'first.shop.example', 'A')
})

test('dnsdist in front passes the client on, and finds us healthy', async (t) => {
  const path = await requireDebian(t, 'dnsdist')
  const port = await freePort()
  const dig = await digger(t, port)
  if (path === undefined || dig === undefined) return
  const { port: own, sites } = await testGslb(t, { zone })
  const conf = join(tempDir(t), 'dnsdist.conf')
  writeFileSync(
    conf,
    `setLocal('127.0.0.1:${port}')
setACL({'127.0.0.0/8'})
setSecurityPollSuffix('')
newServer({ address = '127.0.0.1:${own}', useClientSubnet = true, checkName = 'first.shop.example.', mustResolve = true })
`,
  )
  startProcess(t, path, ['--supervised', '--disable-syslog', '-C', conf])
  await until(dig, '192.0.2.1', 'api.shop.example', 'A', '+subnet=10.1.3.0/24')
  const west = await dig('api.shop.example', 'A', '+subnet=10.2.3.0/24')
  assert.match(west, /CLIENT-SUBNET: 10\.2\.3\.0\/24\/16/)
  assert.match(west, /\s198\.51\.100\.1\n/)
  assert.equal((await dig('+short', 'long.shop.example', 'TXT')).match(/z/g)?.length, 2_000)
  sites.set('west', 'down')
  assert.equal((await dig('+short', 'api.shop.example', 'A', '+subnet=10.2.3.0/24')).trim(), '192.0.2.1')
})

test('PowerDNS asks us through its remote backend, and answers the next question after a verdict by it', async (t) => {
  const path = await requireDebian(t, 'pdns-server', 'pdns_server')
  const module = await requireDebian(t, 'pdns-backend-remote', '/usr/lib/*/pdns/libremotebackend.so')
  const port = await freePort()
  const dig = await digger(t, port)
  if (path === undefined || module === undefined || dig === undefined) return
  const { sites, gslb } = await testGslb(t, {
    zone,
    gslb: '  http: { address: 127.0.0.1:0, remoteBackend: true }',
  })
  const dir = tempDir(t)
  writeFileSync(
    join(dir, 'pdns.conf'),
    `launch=remote
remote-connection-string=http:url=http://${gslb.httpAddress}/backend
module-dir=${dirname(module)}
local-address=127.0.0.1
local-port=${port}
socket-dir=${dir}
setuid=
setgid=
daemon=no
guardian=no
security-poll-suffix=
edns-subnet-processing=yes
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
`,
  )
  startProcess(t, path, [`--config-dir=${dir}`])
  await until(dig, '192.0.2.1', 'first.shop.example', 'A')
  assert.equal((await dig('+short', 'shop.example', 'TXT')).trim(), '"v=spf1 -all"')
  assert.equal((await dig('+short', 'shop.example', 'CAA')).trim(), '0 issue "letsencrypt.org"')
  const nameServers = (await dig('+short', 'shop.example', 'NS')).trim().split('\n')
  assert.deepEqual(nameServers.toSorted(), ['ns1.shop.example.', 'ns2.shop.example.'])
  assert.equal((await dig('+short', 'any.wild.shop.example', 'A')).trim(), '203.0.113.9')
  assert.match(await dig('nothing.shop.example'), /status: NXDOMAIN[^]*SOA/)
  assert.match(await dig('else.test'), /status: REFUSED/)
  const west = await dig('api.shop.example', 'A', '+subnet=10.2.3.0/24')
  assert.match(west, /CLIENT-SUBNET: 10\.2\.3\.0\/24\/16/)
  assert.match(west, /\s198\.51\.100\.1\n/)
  sites.set('east', 'down')
  assert.equal((await dig('+short', 'first.shop.example', 'A')).trim(), '198.51.100.1')
})
