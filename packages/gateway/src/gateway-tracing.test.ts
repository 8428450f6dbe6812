import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { rawServer } from '@budao/testkit'
import { testGateway, until, type TestGateway } from './test-gateway.test.ts'

interface Attribute {
  readonly key: string
  readonly value: { readonly stringValue?: string; readonly intValue?: string }
}

interface CollectedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly Attribute[]
  readonly events: readonly { readonly name: string; readonly attributes: readonly Attribute[] }[]
  readonly status: { readonly code?: number }
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] }
    readonly scopeSpans: readonly { readonly spans: readonly CollectedSpan[] }[]
  }[]
}

/** A collector of OTLP over HTTP in JSON; it answers with `status`. */
class Collector {
  readonly spans: CollectedSpan[] = []
  readonly resources: (readonly Attribute[])[] = []
  readonly headers: IncomingHttpHeaders[] = []
  status = 200
  endpoint = ''

  static async start(t: TestContext): Promise<Collector> {
    const collector = new Collector()
    const server = createServer((request, response) => {
      let body = ''
      request.setEncoding('utf8').on('data', (part: string) => {
        body += part
      })
      request.on('end', () => {
        collector.headers.push(request.headers)
        response.writeHead(collector.status).end('{}')
        if (collector.status !== 200 || request.url !== '/v1/traces') return
        for (const { resource, scopeSpans } of (JSON.parse(body) as Export).resourceSpans) {
          collector.resources.push(resource.attributes)
          collector.spans.push(...scopeSpans.flatMap(({ spans }) => spans))
        }
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => {
      server.close()
      server.closeAllConnections()
    })
    collector.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`
    return collector
  }
}

const valueOf = (attributes: readonly Attribute[], key: string): string | undefined => {
  const value = attributes.find((each) => each.key === key)?.value
  return value?.stringValue ?? value?.intValue
}

/** What waits is sent when a snapshot without traces comes into force. */
async function collected(gateway: TestGateway, endpoints: readonly string[]): Promise<void> {
  assert.ok((await gateway.apply({ endpoints })).ok)
}

test('an exchange is a span, its attempts are events, endpoints see it as their parent', async (t) => {
  const collector = await Collector.start(t)
  const backend = await rawServer(t, ({ connection, target }) =>
    connection.respond(target === '/broken' ? 500 : 200, 'fine'),
  )
  const endpoints = ['127.0.0.1:1', backend.address]
  const gateway = await testGateway(t, {
    endpoints,
    service: { balance: 'round-robin', outlier: false },
    tracing: { otlp: { endpoint: collector.endpoint, sampleRatio: 1, headers: { 'X-Token': 'secret' } } },
  })
  const before = Date.now()
  for (let i = 0; i < 2; i++) await gateway.request('/a?b=c', ['User-Agent: test'])
  await gateway.request('/broken')
  await gateway.quiet()
  await collected(gateway, endpoints)
  await until('three spans', () => collector.spans.length === 3)

  const span = collector.spans.find(({ events }) => events.length === 2)!
  assert.equal(span.name, 'GET shop')
  assert.equal(span.kind, 2)
  assert.equal(span.parentSpanId, undefined)
  const said = (key: string): string | undefined => valueOf(span.attributes, key)
  assert.equal(said('http.request.method'), 'GET')
  assert.equal(said('http.response.status_code'), '200')
  assert.equal(said('url.path'), '/a')
  assert.equal(said('url.query'), 'b=c')
  assert.equal(said('network.protocol.version'), '1.1')
  assert.equal(said('budao.endpoint'), backend.address)
  assert.deepEqual(
    span.events.map(({ name, attributes }) => [name, valueOf(attributes, 'budao.endpoint')]),
    [
      ['attempt', '127.0.0.1:1'],
      ['attempt', backend.address],
    ],
  )
  const startMs = Number(BigInt(span.startTimeUnixNano) / 1_000_000n)
  assert.ok(startMs >= before - 1_000 && startMs <= Date.now() + 1_000)
  assert.ok(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano))
  assert.ok(
    collector.spans.every(({ traceId, spanId }) =>
      backend.heads.some((head) => head.includes(`\r\ntraceparent: 00-${traceId}-${spanId}-01\r\n`)),
    ),
  )
  assert.equal(collector.spans.filter(({ status }) => status.code === 2).length, 1)
  assert.equal(valueOf(collector.resources[0]!, 'service.name'), 'budao')
  assert.equal(valueOf(collector.resources[0]!, 'service.instance.id'), 'gw-1')
  assert.equal(collector.headers[0]!['x-token'], 'secret')
  await until('they are counted', () =>
    /\nbudao_gateway_spans_total\{result="exported"\} 3\n/.test(gateway.gateway.metrics()),
  )
})

test('who began a trace decides whether it is sampled', async (t) => {
  const collector = await Collector.start(t)
  const backend = await rawServer(t, ({ connection }) => connection.respond(200))
  const endpoints = [backend.address]
  const gateway = await testGateway(t, {
    endpoints,
    tracing: { otlp: { endpoint: collector.endpoint, sampleRatio: 0 } },
  })
  const parent = (flags: string): string => `traceparent: 00-${'a'.repeat(32)}-${'b'.repeat(16)}-${flags}`
  await gateway.request('/sampled', [parent('01'), 'tracestate: x=y'])
  await gateway.request('/not', [parent('00')])
  await gateway.request('/none')
  await gateway.quiet()
  await collected(gateway, endpoints)
  await until('a span', () => collector.spans.length > 0)
  const [span, ...more] = collector.spans
  assert.deepEqual(more, [])
  assert.equal(span!.traceId, 'a'.repeat(32))
  assert.equal(span!.parentSpanId, 'b'.repeat(16))
  const [sampled, not, none] = backend.heads
  assert.ok(sampled!.includes(`\r\ntraceparent: 00-${'a'.repeat(32)}-${span!.spanId}-01\r\n`))
  assert.match(sampled!, /\r\ntracestate: x=y\r\n/)
  assert.equal(sampled!.match(/traceparent/gi)!.length, 1)
  assert.ok(not!.includes(`\r\n${parent('00')}\r\n`))
  assert.match(none!, /\r\ntraceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-00\r\n/)
})

test('a collector that is away or refuses costs spans, counted, and no request', async (t) => {
  const collector = await Collector.start(t)
  collector.status = 503
  const backend = await rawServer(t, ({ connection }) => connection.respond(200))
  const endpoints = [backend.address]
  const away = 'http://127.0.0.1:1/v1/traces'
  for (const endpoint of [collector.endpoint, away]) {
    const gateway = await testGateway(t, { endpoints, tracing: { otlp: { endpoint, sampleRatio: 1 } } })
    assert.equal((await gateway.request('/')).status, 200)
    await gateway.quiet()
    await collected(gateway, endpoints)
    await until('it is counted', () => /spans_total\{result="dropped"\} 1\n/.test(gateway.gateway.metrics()))
    await until('it is told', () =>
      /traces: http:.* spans are dropped and counted/.test(gateway.warnings.join('\n')),
    )
  }
})

test('what no route takes is traced too', async (t) => {
  const collector = await Collector.start(t)
  const endpoints = ['127.0.0.1:1']
  const gateway = await testGateway(t, {
    endpoints,
    route: { hosts: ['other.example'] },
    tracing: { otlp: { endpoint: collector.endpoint, sampleRatio: 1 } },
  })
  assert.equal((await gateway.request('/')).status, 404)
  await collected(gateway, endpoints)
  await until('a span', () => collector.spans.length === 1)
  assert.equal(collector.spans[0]!.name, 'GET')
  assert.equal(valueOf(collector.spans[0]!.attributes, 'error.type'), 'no_route')
})
