import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import {
  findOrInstall,
  freePort,
  rawConnect,
  rawServer,
  requireDebian,
  startProcess,
  tempDir,
  TestCa,
} from '@budao/testkit'
import { readProxyHeader } from './l4/proxy-header.ts'
import { requestText, testFiles, testGateway, until } from './test-gateway.test.ts'
import { tlsBackend, tlsClient } from './test-tls.test.ts'

const run = promisify(execFile)
const ca = new TestCa()

/** A backend that answers with the PROXY header it got, as it reads it, and hangs up. */
async function proxiedBackend(t: TestContext): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}))
    let received: Buffer = Buffer.alloc(0)
    socket.on('data', (bytes: Buffer) => {
      received = Buffer.concat([received, bytes])
      const result = readProxyHeader(received)
      if (result.kind === 'partial') return
      const rest = result.kind === 'read' ? received.toString('latin1', result.length) : ''
      if (!rest.includes('\n')) return
      socket.end(`${JSON.stringify(result)} ${rest}`)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('TLS is carried unread to the service of its name; other names get an alert', async (t) => {
  const [a, b] = await Promise.all([
    tlsBackend(t, ca.issue({ names: ['a.example'] }), 'from a'),
    tlsBackend(t, ca.issue({ names: ['*.b.example'] }), 'from b'),
  ])
  const gateway = await testGateway(t, {
    services: {
      a: { endpoints: [{ address: a.address, site: 'east' }] },
      b: { endpoints: [{ address: b.address, site: 'east' }] },
    },
    routes: [],
    listener: { protocol: 'tls-passthrough', sni: { 'a.example': 'a', '*.b.example': 'b' } },
  })
  for (const [servername, body] of [
    ['a.example', 'from a'],
    ['x.b.example', 'from b'],
    ['A.EXAMPLE', 'from a'],
  ] as const) {
    const { client } = await tlsClient(t, gateway.port, { servername, ca: ca.cert })
    client.send(requestText('/'))
    assert.equal((await client.readResponse()).body, body)
    client.socket.destroy()
  }
  for (const servername of ['nobody.example', 'x.y.b.example', 'b.example', ''])
    await assert.rejects(tlsClient(t, gateway.port, { servername }), /unrecognized.name/i, servername)
  const stranger = await rawConnect(t, gateway.port)
  stranger.send('GET / HTTP/1.1\r\n\r\n')
  assert.equal(await stranger.readToEnd(), '\x15\x03\x03\0\x02\x02\x32')
  await until('it is counted', () =>
    /^budao_gateway_tls_unmatched_total{listener="web"} 5$/m.test(gateway.gateway.metrics()),
  )
  await gateway.quiet()
})

test('a greeting in pieces is waited for, but not for ever', async (t) => {
  const backend = await tlsBackend(t, ca.issue({ names: ['a.example'] }))
  const gateway = await testGateway(t, {
    endpoints: [backend.address],
    routes: [],
    listener: { protocol: 'tls-passthrough', sni: { '*': 'shop' }, limits: { headTimeout: '300ms' } },
  })
  const slow = await rawConnect(t, gateway.port)
  slow.send('\x16\x03\x01\x01')
  assert.equal(await slow.readToEnd(), '\x15\x03\x03\0\x02\x02\x32')
  // Real bytes of a real client, one at a time.
  const relay = createServer((socket) => {
    const onward = rawConnect(t, gateway.port)
    socket.on('error', () => {})
    socket.on('data', (bytes) => void onward.then((client) => client.sendPieces(bytes.toString('latin1'))))
    void onward.then(({ socket: out }) => out.on('data', (text) => socket.write(String(text), 'latin1')))
    t.after(() => socket.destroy())
  })
  relay.listen(0, '127.0.0.1')
  await once(relay, 'listening')
  t.after(() => relay.close())
  const { client } = await tlsClient(t, (relay.address() as AddressInfo).port, { servername: 'a.example' })
  client.send(requestText('/'))
  assert.equal((await client.readResponse()).body, 'secure')
})

test('endpoints are told who the client is, by version 1 and 2', async (t) => {
  for (const version of ['v1', 'v2']) {
    const address = await proxiedBackend(t)
    const gateway = await testGateway(t, {
      endpoints: [address],
      service: { proxyProtocol: version },
      routes: [],
      listener: { protocol: 'tcp', service: 'shop' },
    })
    const client = await gateway.connect()
    client.send('hello\n')
    const { localPort } = client.socket
    const [, json = '', rest] = /^(.+) (hello\n)$/s.exec(await client.readToEnd())!
    assert.equal(rest, 'hello\n')
    assert.deepEqual(JSON.parse(json).pair, {
      sourceAddress: '127.0.0.1',
      sourcePort: localPort,
      targetAddress: '127.0.0.1',
      targetPort: gateway.port,
    })
  }
})

test('a header of the one before decides who the client is, on every kind of listener', async (t) => {
  const site = ca.issue({ names: ['a.example'] })
  const dir = testFiles(t, { 'site.crt': site.cert, 'site.key': site.key })
  const http = await rawServer(t, ({ connection }) => connection.respond(200, 'fine'))
  const proxied = await proxiedBackend(t)
  const proxyProtocol = {}
  const listener = (name: string, more: object): object => ({
    name,
    address: '127.0.0.1:0',
    proxyProtocol,
    ...more,
  })
  const gateway = await testGateway(
    t,
    {
      workers: 2,
      endpoints: [http.address],
      services: { raw: { endpoints: [{ address: proxied, site: 'east' }], proxyProtocol: 'v2' } },
      listeners: [
        listener('web', { protocol: 'http', limits: { headTimeout: '500ms' } }),
        listener('webs', { protocol: 'https', tls: { cert: 'site.crt', key: 'site.key' } }),
        listener('raw', { protocol: 'tcp', service: 'raw' }),
        listener('some', { protocol: 'http', proxyProtocol: { trust: ['10.0.0.0/8', '::1'] } }),
      ] as never,
    },
    dir,
  )
  const header = 'PROXY TCP4 203.0.113.9 198.51.100.7 5678 443\r\n'
  for (const cut of [0, 5, header.length, header.length + 4]) {
    const client = await rawConnect(t, gateway.portOf('web'))
    const bytes = header + requestText('/')
    client.send(bytes.slice(0, cut))
    await new Promise((resolve) => setImmediate(resolve))
    client.send(bytes.slice(cut))
    assert.equal((await client.readResponse()).status, 200)
    assert.match(http.heads.at(-1)!, /^X-Forwarded-For: 203\.0\.113\.9\r$/m)
    client.send(requestText('/again'))
    assert.equal((await client.readResponse()).status, 200)
  }
  const local = await rawConnect(t, gateway.portOf('web'))
  local.send(`PROXY UNKNOWN\r\n${requestText('/')}`)
  assert.equal((await local.readResponse()).status, 200)
  assert.match(http.heads.at(-1)!, /^X-Forwarded-For: 127\.0\.0\.1\r$/m)

  const raw = await rawConnect(t, gateway.portOf('raw'))
  raw.send(`${header}hello\n`)
  assert.match(
    await raw.readToEnd(),
    /"sourceAddress":"203\.0\.113\.9","targetAddress":"198\.51\.100\.7","sourcePort":5678,"targetPort":443/,
  )

  const plain = await rawConnect(t, gateway.portOf('some'))
  plain.send(requestText('/'))
  assert.equal((await plain.readResponse()).status, 200, 'nothing is read of a peer that is not listed')
  const liar = await rawConnect(t, gateway.portOf('some'))
  liar.send(header + requestText('/'))
  assert.equal((await liar.readResponse()).status, 400)

  for (const bytes of [requestText('/'), 'PROXY TCP4 nonsense\r\n', '\r\n\r\n\0\r\nQUIT\n\x31']) {
    const client = await rawConnect(t, gateway.portOf('web'))
    client.send(bytes)
    await client.readToEnd().catch(() => '')
  }
  const mute = await rawConnect(t, gateway.portOf('web'))
  await mute.readToEnd().catch(() => '')
  await until('four are refused', () =>
    /^budao_gateway_listener_proxy_refused_total{listener="web"} 4$/m.test(gateway.gateway.metrics()),
  )

  // TLS behind the header, by a client that sends both.
  const carrier = await rawConnect(t, gateway.portOf('webs'))
  carrier.socket.removeAllListeners('data').pause()
  carrier.socket.setEncoding(null as never)
  carrier.send(header)
  const { client } = await tlsClient(t, 0, { socket: carrier.socket, servername: 'a.example' })
  client.send(requestText('/'))
  assert.equal((await client.readResponse()).status, 200)
  assert.match(http.heads.at(-1)!, /^X-Forwarded-For: 203\.0\.113\.9\r$/m)
})

test('HAProxy in front and behind: its PROXY headers are read, ours are read by it, and curl gets through', async (t) => {
  const haproxy = await requireDebian(t, 'haproxy')
  if (haproxy === undefined) return
  const curl = await findOrInstall('curl')
  if (curl.kind === 'missing') return t.skip(curl.reason)
  const site = ca.issue({ names: ['a.example'] })
  const dir = testFiles(t, {
    'site.pem': site.cert + site.key,
    'ca.crt': ca.cert,
    'site.crt': site.cert,
    'site.key': site.key,
  })
  const http = await rawServer(t, ({ connection, header }) =>
    connection.respond(200, header('x-forwarded-for') ?? 'nobody'),
  )
  const [front, frontTls, behind] = [await freePort(), await freePort(), await freePort()]
  const gateway = await testGateway(
    t,
    {
      endpoints: [http.address],
      services: {
        behind: {
          endpoints: [{ address: `127.0.0.1:${behind}`, site: 'east' }],
          proxyProtocol: 'v2',
          healthCheck: { type: 'tcp' },
        },
      },
      listeners: [
        { name: 'web', address: '127.0.0.1:0', protocol: 'http', proxyProtocol: {} },
        {
          name: 'webs',
          address: '127.0.0.1:0',
          protocol: 'https',
          proxyProtocol: {},
          tls: { cert: 'site.crt', key: 'site.key' },
        },
        { name: 'raw', address: '127.0.0.1:0', protocol: 'tls-passthrough', sni: { 'a.example': 'behind' } },
      ],
    },
    dir,
  )
  const config = `
defaults
  mode tcp
  timeout connect 2s
  timeout client 5s
  timeout server 5s
listen front
  bind 127.0.0.1:${front}
  server gw 127.0.0.1:${gateway.portOf('web')} send-proxy-v2
listen front-tls
  bind 127.0.0.1:${frontTls}
  server gw 127.0.0.1:${gateway.portOf('webs')} send-proxy
frontend behind
  mode http
  bind 127.0.0.1:${behind} accept-proxy ssl crt ${join(dir, 'site.pem')}
  http-request return status 200 content-type text/plain lf-string "%[src] %[dst_port]"
`
  const folder = tempDir(t)
  writeFileSync(join(folder, 'haproxy.cfg'), config)
  const proxy = startProcess(t, haproxy, ['-db', '-f', join(folder, 'haproxy.cfg')])
  for (const port of [front, behind]) await proxy.waitForPort(port)
  const get = async (...args: string[]): Promise<string> =>
    (await run(curl.path, ['-sS', '--max-time', '5', '--noproxy', '*', '--interface', '127.0.0.5', ...args]))
      .stdout
  const resolved = ['--cacert', join(dir, 'ca.crt')]
  assert.equal(await get(`http://127.0.0.1:${front}/`), '127.0.0.5')
  assert.equal(
    await get(...resolved, '--resolve', `a.example:${frontTls}:127.0.0.1`, `https://a.example:${frontTls}/`),
    '127.0.0.5',
  )
  const rawPort = gateway.portOf('raw')
  assert.equal(
    await get(...resolved, '--resolve', `a.example:${rawPort}:127.0.0.1`, `https://a.example:${rawPort}/`),
    `127.0.0.5 ${rawPort}`,
  )
})
