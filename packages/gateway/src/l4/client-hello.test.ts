import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { connect, type ConnectionOptions } from 'node:tls'
import fc from 'fast-check'
import { CLIENT_HELLO_BYTES_MAX, readClientHello } from './client-hello.ts'

const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 0xff)
const u24 = (value: number): Buffer => Buffer.concat([Buffer.of(value >> 16), u16(value & 0xffff)])
const sized = (content: Buffer): Buffer => Buffer.concat([u16(content.length), content])
const extension = (type: number, content: Buffer): Buffer => Buffer.concat([u16(type), sized(content)])
const nameEntry = (name: string, type = 0): Buffer =>
  Buffer.concat([Buffer.of(type), sized(Buffer.from(name, 'latin1'))])
const serverName = (...entries: Buffer[]): Buffer => extension(0, sized(Buffer.concat(entries)))

function hello(extensions: readonly Buffer[] | null, padding = 0): Buffer {
  const body = Buffer.concat([
    Buffer.of(3, 3),
    Buffer.alloc(32, 7),
    Buffer.of(0),
    // GREASE (RFC 8701) among the suites.
    sized(Buffer.of(0x0a, 0x0a, 0x13, 0x01)),
    Buffer.of(1, 0),
    extensions === null
      ? Buffer.alloc(0)
      : sized(
          Buffer.concat([...extensions, ...(padding === 0 ? [] : [extension(21, Buffer.alloc(padding))])]),
        ),
  ])
  return Buffer.concat([Buffer.of(1), u24(body.length), body])
}

/** Cut into records of that size. */
function records(message: Buffer, size = 16_384): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < message.length; at += size)
    parts.push(Buffer.of(22, 3, 1), sized(message.subarray(at, at + size)))
  return Buffer.concat(parts)
}

/** What a real client sends first. */
async function firstBytes(t: TestContext, options: ConnectionOptions): Promise<Buffer> {
  const server = createServer()
  t.after(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', ...options })
  client.on('error', () => {})
  const [socket] = await once(server, 'connection')
  const [bytes] = await once(socket, 'data')
  client.destroy()
  socket.destroy()
  return bytes as Buffer
}

test('the name a real client asks for', async (t) => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const named = await firstBytes(t, { servername: 'Shop.Example', maxVersion, ALPNProtocols: ['h2'] })
    assert.deepEqual(readClientHello(named), { kind: 'hello', serverName: 'shop.example' })
    assert.deepEqual(readClientHello(await firstBytes(t, { maxVersion })), { kind: 'hello', serverName: '' })
  }
})

test('names, extensions nobody knows, records of any size', () => {
  const grease = extension(0x1a1a, Buffer.of(0))
  const table: readonly (readonly [Buffer, string])[] = [
    [
      records(hello([grease, serverName(nameEntry('a.example')), extension(0xfafa, Buffer.alloc(0))])),
      'a.example',
    ],
    [records(hello([serverName(nameEntry('a.example.'))])), 'a.example.'],
    [records(hello([serverName(nameEntry('x', 9), nameEntry('a.example'))])), 'a.example'],
    [records(hello([serverName(nameEntry('a.example'))], 3_000), 1_000), 'a.example'],
    [records(hello([serverName(nameEntry('a.example'))]), 1), 'a.example'],
    [records(hello([])), ''],
    [records(hello(null)), ''],
    [records(hello([serverName(nameEntry('a.example')), serverName(nameEntry('b.example'))])), 'bad'],
    [records(hello([serverName(nameEntry('a.example'), nameEntry('b.example'))])), 'bad'],
    [records(hello([serverName(nameEntry(''))])), 'bad'],
    [records(hello([serverName(nameEntry('a..example'))])), 'bad'],
    [records(hello([serverName(nameEntry('a\0.example'))])), 'bad'],
    [records(hello([serverName(nameEntry('a'.repeat(256)))])), 'bad'],
    [records(hello([extension(0, Buffer.of(0, 9))])), 'bad'],
    [records(hello([Buffer.of(0, 0, 0, 200)])), 'bad'],
    [records(hello([serverName(nameEntry('a.example'))], CLIENT_HELLO_BYTES_MAX)), 'bad'],
    [Buffer.of(22, 3, 1, 0, 0), 'bad'],
    [Buffer.of(22, 3, 1, 0x40, 1), 'bad'],
    [Buffer.of(22, 3, 1, 0, 4, 2, 0, 0, 0), 'bad'],
    [Buffer.from('GET / HTTP/1.1\r\n'), 'bad'],
    [Buffer.from('SSH-2.0-x\r\n'), 'bad'],
    [Buffer.alloc(0), 'partial'],
    [Buffer.of(22, 3, 1), 'partial'],
  ]
  for (const [index, [bytes, expected]] of table.entries()) {
    const result = readClientHello(bytes)
    if (expected === 'bad' || expected === 'partial') assert.equal(result.kind, expected, String(index))
    else assert.deepEqual(result, { kind: 'hello', serverName: expected }, String(index))
  }
})

test('a greeting that is not there yet is partial at every cut', () => {
  const message = hello([extension(0x1a1a, Buffer.of(0)), serverName(nameEntry('a.example'))])
  for (const size of [16_384, 40, 3]) {
    const bytes = records(message, size)
    for (let cut = 0; cut < bytes.length; cut++)
      assert.equal(readClientHello(bytes.subarray(0, cut)).kind, 'partial', `${cut} of ${bytes.length}`)
  }
})

test('whatever is changed in a greeting: no throw, and the verdict does not change with more bytes', () => {
  const good = records(hello([extension(0x1a1a, Buffer.of(0)), serverName(nameEntry('a.example'))]), 50)
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 4 }),
      fc.uint8Array({ maxLength: 20 }),
      (changes, rest) => {
        const bytes = Buffer.concat([good, rest])
        for (const [at, value] of changes) bytes[at] = value
        let before = readClientHello(bytes.subarray(0, 0))
        for (let end = 1; end <= bytes.length; end++) {
          const result = readClientHello(bytes.subarray(0, end))
          if (before.kind !== 'partial') assert.equal(result.kind, before.kind)
          before = result
        }
      },
    ),
    { numRuns: 500 },
  )
})
