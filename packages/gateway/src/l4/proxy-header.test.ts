import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { proxyHeaderV1, proxyHeaderV2, readProxyHeader, type ProxiedPair } from './proxy-header.ts'

const v4: ProxiedPair = {
  sourceAddress: '192.0.2.1',
  sourcePort: 56_324,
  targetAddress: '198.51.100.7',
  targetPort: 443,
}
const v6: ProxiedPair = { ...v4, sourceAddress: '2001:db8::1', targetAddress: '::1' }

const text = (line: string): Buffer => Buffer.from(line, 'latin1')
const signature = '\r\n\r\n\0\r\nQUIT\n'
const v2 = (rest: string): Buffer => text(signature + rest)

test('version 1: what is read, and what is refused', () => {
  const table: readonly (readonly [string, ProxiedPair | null | 'bad' | 'partial'])[] = [
    ['PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n', v4],
    ['PROXY TCP6 2001:DB8::1 ::1 56324 443\r\n', v6],
    ['PROXY UNKNOWN\r\n', null],
    ['PROXY UNKNOWN ffff::1 whatever 1 2\r\n', null],
    [
      'PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n',
      { sourceAddress: '0.0.0.0', sourcePort: 0, targetAddress: '255.255.255.255', targetPort: 65_535 },
    ],
    ['', 'partial'],
    ['PRO', 'partial'],
    ['PROXY TCP4 192.0.2.1', 'partial'],
    ['PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r', 'partial'],
    ['PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\n', 'partial'],
    [`PROXY TCP4 ${'1'.repeat(100)}`, 'bad'],
    [`PROXY UNKNOWN ${'x'.repeat(100)}\r\n`, 'bad'],
    ['PROXY TCP4 192.0.2.1 198.51.100.7 56324 443 \r\n', 'bad'],
    ['PROXY  TCP4 192.0.2.1 198.51.100.7 56324 443\r\n', 'bad'],
    ['PROXY TCP4 192.0.2.01 198.51.100.7 56324 443\r\n', 'bad'],
    ['PROXY TCP4 192.0.2.256 198.51.100.7 56324 443\r\n', 'bad'],
    ['PROXY TCP4 2001:db8::1 ::1 56324 443\r\n', 'bad'],
    ['PROXY TCP6 192.0.2.1 198.51.100.7 56324 443\r\n', 'bad'],
    ['PROXY TCP4 192.0.2.1 198.51.100.7 65536 443\r\n', 'bad'],
    ['PROXY TCP4 192.0.2.1 198.51.100.7 00443 443\r\n', 'bad'],
    ['PROXY TCP4 192.0.2.1 198.51.100.7 -1 443\r\n', 'bad'],
    ['PROXY TCP4 192.0.2.1 198.51.100.7 443\r\n', 'bad'],
    ['PROXY UDP4 192.0.2.1 198.51.100.7 56324 443\r\n', 'bad'],
    ['proxy TCP4 192.0.2.1 198.51.100.7 56324 443\r\n', 'bad'],
    ['GET / HTTP/1.1\r\n', 'bad'],
    ['\r\n\r\nGET', 'bad'],
  ]
  for (const [line, expected] of table) {
    const result = readProxyHeader(text(line))
    if (expected === 'bad' || expected === 'partial') assert.equal(result.kind, expected, line)
    else assert.deepEqual(result, { kind: 'read', length: line.length, pair: expected }, line)
  }
})

test('version 2: what is read, and what is refused', () => {
  const addresses = '\xc0\0\x02\x01\xc6\x33\x64\x07\xdc\x04\x01\xbb'
  const table: readonly (readonly [Buffer, ProxiedPair | null | 'bad' | 'partial'])[] = [
    [v2(`\x21\x11\0\x0c${addresses}`), v4],
    [v2(`\x21\x12\0\x0c${addresses}`), v4],
    // Behind the addresses more may follow (TLVs), and is passed over.
    [v2(`\x21\x11\0\x10${addresses}\x04\0\x01x`), v4],
    [v2('\x20\0\0\0'), null],
    [v2(`\x20\x11\0\x0c${addresses}`), null],
    [v2('\x21\0\0\0'), null],
    [v2(`\x21\x31\0\xd8${'\0'.repeat(216)}`), null],
    [v2(''), 'partial'],
    [v2('\x21\x11\0'), 'partial'],
    [v2(`\x21\x11\0\x0c${addresses.slice(0, 11)}`), 'partial'],
    [v2(`\x11\x11\0\x0c${addresses}`), 'bad'],
    [v2(`\x22\x11\0\x0c${addresses}`), 'bad'],
    [v2(`\x21\x13\0\x0c${addresses}`), 'bad'],
    [v2(`\x21\x41\0\x0c${addresses}`), 'bad'],
    [v2('\x21\x11\0\x0b'), 'bad'],
    [v2('\x21\x21\0\x0c'), 'bad'],
    [v2('\x21\x11\xff\xff'), 'bad'],
    [text(`${signature.slice(0, 11)}X\x21\x11\0\x0c`), 'bad'],
  ]
  for (const [bytes, expected] of table) {
    const result = readProxyHeader(bytes)
    const name = bytes.toString('latin1', 12)
    if (expected === 'bad' || expected === 'partial')
      assert.equal(result.kind, expected, JSON.stringify(name))
    else
      assert.deepEqual(result, { kind: 'read', length: bytes.length, pair: expected }, JSON.stringify(name))
  }
})

const port = fc.integer({ min: 0, max: 65_535 })
const pair = fc.oneof(
  fc.record({ sourceAddress: fc.ipV4(), targetAddress: fc.ipV4(), sourcePort: port, targetPort: port }),
  fc.record({ sourceAddress: fc.ipV6(), targetAddress: fc.ipV6(), sourcePort: port, targetPort: port }),
)

test('what is written is read again, whatever follows it and however it is cut', () => {
  fc.assert(
    fc.property(
      pair,
      fc.constantFrom(proxyHeaderV1, proxyHeaderV2),
      fc.uint8Array(),
      (given, write, rest) => {
        const header = write(given)
        const whole = readProxyHeader(Buffer.concat([header, rest]))
        assert.ok(whole.kind === 'read' && whole.pair !== null)
        assert.equal(whole.length, header.length)
        assert.deepEqual([whole.pair.sourcePort, whole.pair.targetPort], [given.sourcePort, given.targetPort])
        // The same address, whatever its spelling.
        assert.deepEqual(proxyHeaderV2(whole.pair), proxyHeaderV2(given))
        for (let cut = 0; cut < header.length; cut++)
          assert.equal(readProxyHeader(header.subarray(0, cut)).kind, 'partial')
      },
    ),
    { numRuns: 300 },
  )
})

test('whatever bytes come: never a throw, never more taken than there is, and a verdict does not change', () => {
  const starts = fc.constantFrom('', 'PROXY ', 'PROXY TCP4 ', signature, `${signature}\x21\x11\0`)
  fc.assert(
    fc.property(starts, fc.uint8Array({ maxLength: 300 }), (start, rest) => {
      const bytes = Buffer.concat([text(start), rest])
      let before = readProxyHeader(bytes.subarray(0, 0))
      for (let end = 1; end <= bytes.length; end++) {
        const result = readProxyHeader(bytes.subarray(0, end))
        if (result.kind === 'read') assert.ok(result.length <= end)
        if (before.kind !== 'partial') assert.deepEqual(result, before)
        before = result
      }
    }),
    { numRuns: 300 },
  )
})
