import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testGslb } from './test-gslb.test.ts'

const zone = `      records:
        - { name: "@", type: TXT, value: '"a \\"quoted\\" text" "second"' }
        - { name: "@", type: CAA, value: '0 issue "letsencrypt.org"' }
        - { name: "@", type: MX, value: "10 mail.shop.example" }
        - { name: _s._tcp, type: SRV, value: "1 2 443 api.shop.example" }
        - { name: www, type: CNAME, value: api.shop.example }
        - { name: "*.wild", type: A, value: 203.0.113.9 }
      names:
        api: { services: [shop], policy: nearest }`

async function front(
  t: Parameters<typeof testGslb>[0],
  http = '{ address: 127.0.0.1:0, remoteBackend: true }',
) {
  const made = await testGslb(t, { gslb: `  http: ${http}`, zone })
  const url = `http://${made.gslb.httpAddress}`
  const get = async (path: string, headers: Record<string, string> = {}): Promise<any> => {
    const response = await fetch(url + path, { headers })
    const text = await response.text()
    assert.equal(response.headers.get('cache-control'), 'no-store')
    return response.headers.get('content-type')?.startsWith('application/json') ? JSON.parse(text) : text
  }
  return { ...made, url, get }
}

test('clients resolve in the JSON of public resolvers, by their own address or the one they give', async (t) => {
  const { get, sites } = await front(t)
  assert.deepEqual(await get('/dns?name=api.shop.example&ip=10.2.0.7'), {
    Status: 0,
    TC: false,
    RD: false,
    RA: false,
    AD: false,
    CD: false,
    Question: [{ name: 'api.shop.example.', type: 1 }],
    Answer: [{ name: 'api.shop.example.', type: 1, TTL: 5, data: '198.51.100.1' }],
    edns_client_subnet: '10.2.0.7/16',
  })
  assert.equal(
    (await get('/resolve?name=api.shop.example.&type=28&edns_client_subnet=10.1.0.0/24')).Answer[0].data,
    '2001:db8:e::1',
  )
  assert.equal((await get('/dns?name=no.shop.example')).Status, 3)
  assert.equal((await get('/dns?name=else.test')).Status, 5)
  sites.set('east', 'down')
  sites.set('west', 'down')
  assert.equal((await get('/dns?name=api.shop.example')).stale, true)
})

test('records are in text as zone files write them', async (t) => {
  const { get } = await front(t)
  const data = async (name: string, type: string): Promise<string[]> =>
    (await get(`/dns?name=${name}&type=${type}`)).Answer.map((each: { data: string }) => each.data)
  assert.deepEqual(await data('shop.example', 'TXT'), [String.raw`"a \"quoted\" text" "second"`])
  assert.deepEqual(await data('shop.example', 'caa'), ['0 issue "letsencrypt.org"'])
  assert.deepEqual(await data('shop.example', 'MX'), ['10 mail.shop.example.'])
  assert.deepEqual(await data('shop.example', 'NS'), ['ns1.shop.example.', 'ns2.shop.example.'])
  assert.deepEqual(await data('_s._tcp.shop.example', 'SRV'), ['1 2 443 api.shop.example.'])
  assert.deepEqual(await data('www.shop.example', 'A'), ['api.shop.example.'])
  assert.match(
    (await data('shop.example', 'SOA'))[0]!,
    /^ns1\.shop\.example\. hostmaster\.shop\.example\. \d+ 86400 7200 3600000 60$/,
  )
})

test('the short form of HTTPDNS services: a line, or an object', async (t) => {
  const { get } = await front(t)
  assert.equal(await get('/d?dn=api.shop.example&ip=10.2.0.1'), '198.51.100.1')
  assert.equal(await get('/d?dn=api.shop.example&ip=10.2.0.1&ttl=1'), '198.51.100.1,5')
  assert.equal(await get('/d?dn=no.shop.example'), '')
  assert.deepEqual(await get('/d?host=api.shop.example&ip=10.1.0.1'), {
    host: 'api.shop.example',
    client_ip: '10.1.0.1',
    ips: ['192.0.2.1'],
    ttl: 5,
    origin_ttl: 5,
  })
  assert.match((await get('/d?host=else.test')).error, /else\.test is not answered for/)
})

const refused: readonly [path: string, status: number, error: RegExp][] = [
  ['/dns', 400, /^name: expected a domain name such as api\.shop\.example, found ""$/],
  ['/dns?name=a..b', 400, /^name: expected a domain name/],
  [`/dns?name=${'x'.repeat(64)}.example`, 400, /^name: expected a domain name/],
  [`/dns?name=${'x.'.repeat(130)}example`, 400, /^name: expected a domain name/],
  ['/dns?name=%00', 400, /^name: expected a domain name/],
  [
    '/dns?name=api.shop.example&type=OPT',
    400,
    /^type: expected a type of records such as A or 28, found "OPT"$/,
  ],
  ['/dns?name=api.shop.example&type=__proto__', 400, /^type: /],
  ['/dns?name=api.shop.example&ip=300.1.1.1', 400, /^ip: expected an address or network/],
  ['/dns?name=api.shop.example&ip=10.0.0.0/33', 400, /^ip: /],
  ['/d?dn=', 400, /^dn: expected a domain name/],
  ['/else', 404, /^there is \/dns, \/resolve and \/d$/],
]
for (const [path, status, error] of refused) {
  test(`${path.slice(0, 60)} is refused with ${status}`, async (t) => {
    const { url } = await front(t)
    const response = await fetch(url + path)
    assert.equal(response.status, status)
    assert.match(((await response.json()) as { error: string }).error, error)
  })
}

test('only GET and HEAD; without remoteBackend other servers may not ask', async (t) => {
  const { url, get } = await front(t, '{ address: 127.0.0.1:0 }')
  const post = await fetch(`${url}/dns`, { method: 'POST', body: 'x' })
  assert.equal(post.status, 405)
  assert.equal(post.headers.get('allow'), 'GET, HEAD')
  assert.equal((await fetch(`${url}/dns?name=api.shop.example`, { method: 'HEAD' })).status, 200)
  assert.match((await get('/backend/getAllDomains')).error, /^there is/)
})

test('X-Forwarded-For counts only of peers that are trusted', async (t) => {
  const believing = await front(t, '{ address: 127.0.0.1:0, trust: [127.0.0.0/8, 10.9.0.0/16] }')
  const site = async ({ get }: typeof believing, forwarded: string): Promise<string> =>
    (await get('/dns?name=api.shop.example', { 'x-forwarded-for': forwarded })).edns_client_subnet
  assert.equal(await site(believing, '10.2.0.1'), '10.2.0.1/16')
  assert.equal(await site(believing, '10.1.0.1, 10.2.0.1, 10.9.0.3'), '10.2.0.1/16')
  assert.match(await site(believing, 'rubbish'), /^127\.0\.0\.1\//)
  assert.match(await site(await front(t, '{ address: 127.0.0.1:0 }'), '10.2.0.1'), /^127\.0\.0\.1\//)
})

test('another name server gets what stands at each name, and for whom it holds', async (t) => {
  const { get } = await front(t)
  const lookup = (path: string, client = '10.2.3.0/24'): Promise<{ result: unknown }> =>
    get(`/backend/${path}`, { 'x-remotebackend-real-remote': client })
  assert.deepEqual(await lookup('lookup/api.shop.example./A'), {
    result: [
      { qname: 'api.shop.example.', qtype: 'A', content: '198.51.100.1', ttl: 5, auth: 1, scopeMask: 16 },
    ],
  })
  const any = (await lookup('lookup/shop.example./ANY')).result as { qtype: string }[]
  assert.deepEqual(any.map(({ qtype }) => qtype).toSorted(), ['CAA', 'MX', 'NS', 'NS', 'SOA', 'TXT'])
  // Its wildcards are its own business: it asks for them by name.
  assert.deepEqual(await lookup('lookup/x.wild.shop.example./ANY'), { result: false })
  assert.equal(((await lookup('lookup/*.wild.shop.example./ANY')).result as unknown[]).length, 1)
  assert.deepEqual(await lookup('lookup/api.shop.example./SOA'), { result: false })
  assert.deepEqual(await lookup('lookup/%zz/A'), { result: false })
  const zones = (await lookup('getAllDomains?includeDisabled=true')).result as { zone: string; id: number }[]
  assert.deepEqual(
    zones.map((each) => `${each.id} ${each.zone}`),
    ['1 shop.example.'],
  )
  assert.deepEqual((await lookup('getDomainInfo/shop.example.')).result, zones[0])
  assert.deepEqual(await lookup('getDomainInfo/else.test.'), { result: false })
  assert.deepEqual(await lookup('getDomainMetadata/shop.example./PRESIGNED'), { result: [] })
  assert.deepEqual(await lookup('startTransaction/1/shop.example./2'), { result: false })
})
