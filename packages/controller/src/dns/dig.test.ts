import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { requireDebian } from '@budao/testkit'
import { testGslb } from './test-gslb.test.ts'

/** Runs dig against a server; its lines without comments, and those with. */
async function digger(t: TestContext, port: number) {
  const path = await requireDebian(t, 'bind9-dnsutils', 'dig')
  if (path === undefined) return undefined
  return async (...args: readonly string[]): Promise<{ text: string; answer: string }> => {
    const fixed = ['@127.0.0.1', '-p', String(port), '+tries=1', '+time=5']
    const { stdout } = await promisify(execFile)(path, [...fixed, ...args])
    const [, answer = ''] = /;; ANSWER SECTION:\n([^]*?)\n\n/.exec(stdout) ?? []
    return { text: stdout, answer: answer.replaceAll('\t', ' ').replaceAll(/ +/g, ' ') }
  }
}

const zone = `      records:
        - { name: "@", type: TXT, value: "v=spf1 -all" }
        - { name: "@", type: CAA, value: '0 issue "letsencrypt.org"' }
        - { name: "@", type: MX, value: "10 mail.shop.example" }
        - { name: www, type: CNAME, value: api.shop.example }
        - { name: _https._tcp, type: SRV, value: "0 5 443 api.shop.example" }
        - { name: long, type: TXT, value: "${'z'.repeat(2_000)}" }
        - { name: "*.wild", type: A, value: 203.0.113.9 }
      names:
        api: { services: [shop] }
        all: { services: [shop], policy: all-active }`

test('dig gets the addresses of the first usable site, over UDP and TCP', async (t) => {
  const { port, sites } = await testGslb(t, { zone })
  const dig = await digger(t, port)
  if (dig === undefined) return
  const first = await dig('Api.Shop.Example', 'A')
  assert.match(first.text, /status: NOERROR/)
  assert.match(first.text, /flags: qr aa rd; QUERY: 1, ANSWER: 1/)
  assert.equal(first.answer, 'Api.Shop.Example. 5 IN A 192.0.2.1')
  assert.equal((await dig('api.shop.example', 'AAAA')).answer, 'api.shop.example. 5 IN AAAA 2001:db8:e::1')
  sites.set('east', 'down')
  assert.equal((await dig('+tcp', 'api.shop.example', 'A')).answer, 'api.shop.example. 5 IN A 198.51.100.1')
  const none = await dig('api.shop.example', 'AAAA')
  assert.match(none.text, /status: NOERROR/)
  assert.match(none.text, /ANSWER: 0, AUTHORITY: 1/)
  assert.match(none.text, /shop\.example\.\s+5\s+IN\s+SOA\s+ns1\.shop\.example\. hostmaster\.shop\.example\./)
  sites.set('west', 'down')
  const stale = await dig('api.shop.example', 'A')
  assert.equal(stale.answer, 'api.shop.example. 5 IN A 198.51.100.1')
  assert.match(stale.text, /EDE: 3 \(Stale Answer\)/)
})

test('dig gets what stands in the zone, and what does not', async (t) => {
  const { port } = await testGslb(t, { zone })
  const dig = await digger(t, port)
  if (dig === undefined) return
  const short = async (...args: string[]) => (await dig('+short', ...args)).text.trim()
  assert.equal(await short('shop.example', 'TXT'), '"v=spf1 -all"')
  assert.equal(await short('shop.example', 'CAA'), '0 issue "letsencrypt.org"')
  assert.equal(await short('shop.example', 'MX'), '10 mail.shop.example.')
  assert.equal(await short('shop.example', 'NS'), 'ns1.shop.example.\nns2.shop.example.')
  assert.equal(await short('_https._tcp.shop.example', 'SRV'), '0 5 443 api.shop.example.')
  assert.equal(await short('www.shop.example', 'A'), 'api.shop.example.')
  assert.equal(await short('any.thing.wild.shop.example', 'A'), '203.0.113.9')
  assert.equal(await short('all.shop.example', 'A'), '192.0.2.1\n198.51.100.1')
  assert.match((await dig('shop.example', 'ANY', '+notcp')).answer, /HINFO "RFC8482" ""/)
  assert.match((await dig('nothing.shop.example')).text, /status: NXDOMAIN.*\n.*AUTHORITY: 1/)
  // It only has names below it: it exists.
  assert.match((await dig('_tcp.shop.example')).text, /status: NOERROR.*\n.*ANSWER: 0, AUTHORITY: 1/)
  assert.match((await dig('shop.test')).text, /status: REFUSED/)
  assert.match((await dig('shop.example', 'AXFR')).text, /Transfer failed/)
  assert.match((await dig('version.bind', 'TXT', 'CH')).text, /status: REFUSED/)
  assert.match((await dig('+opcode=4', 'shop.example')).text, /status: NOTIMP/)
})

test('dig is told how far an answer holds, which version of EDNS is spoken, and gets long answers over TCP', async (t) => {
  const { port } = await testGslb(t, {
    zone: `${zone}
        near: { services: [shop], policy: nearest }`,
  })
  const dig = await digger(t, port)
  if (dig === undefined) return
  const near = async (subnet: string) => {
    const { text, answer } = await dig('near.shop.example', `+subnet=${subnet}`)
    return `${/CLIENT-SUBNET: (\S+)/.exec(text)?.[1]} ${answer.split(' ').at(-1)}`
  }
  assert.equal(await near('10.2.3.0/24'), '10.2.3.0/24/16 198.51.100.1')
  assert.equal(await near('10.1.3.0/24'), '10.1.3.0/24/17 192.0.2.1')
  assert.equal(await near('10.1.200.0/24'), '10.1.200.0/24/17 198.51.100.1')
  assert.match(await near('0.0.0.0/0'), /^0\.0\.0\.0\/0\/0 /)
  assert.match(
    (await dig('api.shop.example', '+subnet=10.2.3.0/24')).text,
    /CLIENT-SUBNET: 10\.2\.3\.0\/24\/0/,
  )
  assert.match((await dig('api.shop.example', '+edns=1', '+noednsnegotiation')).text, /status: BADVERS/)
  assert.match((await dig('api.shop.example', '+ednsopt=65001:00ff')).text, /status: NOERROR/)
  assert.match(
    (await dig('long.shop.example', 'TXT', '+ignore')).text,
    /flags: qr aa tc rd; QUERY: 1, ANSWER: 0/,
  )
  const long = await dig('long.shop.example', 'TXT')
  assert.match(long.text, /\(TCP\)/)
  assert.equal(long.answer.match(/z/g)?.length, 2_000)
  assert.match((await dig('api.shop.example', '+qr')).text, /COOKIE: [0-9a-f]{48} \(good\)/)
})
