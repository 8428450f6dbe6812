import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ChunkScanner } from './chunk-scanner.ts'

/** Scans `text` in these pieces. `end` counts from its beginning; -1 when the body goes on, -2 when it is malformed. */
function scan(
  text: string,
  allowExtensions = false,
  cuts: readonly number[] = [],
): { end: number; payload: string; bytes: number } {
  const scanner = new ChunkScanner({ allowExtensions })
  const edges = [
    0,
    ...cuts.filter((cut) => cut > 0 && cut < text.length).toSorted((a, b) => a - b),
    text.length,
  ]
  let payload = ''
  for (let i = 1; i < edges.length; i++) {
    const piece = Buffer.from(text.slice(edges[i - 1], edges[i]), 'latin1')
    // What stands before `start` and behind `end` is not to be looked at.
    const padded = Buffer.concat([Buffer.from('0\r\n'), piece, Buffer.from('\r\n0\r\n\r\n')])
    const end = scanner.scan(padded, 3, 3 + piece.length, (from, to) => {
      payload += padded.toString('latin1', from, to)
    })
    if (end !== -1)
      return { end: end === -2 ? -2 : edges[i - 1]! + end - 3, payload, bytes: scanner.payloadBytes }
  }
  return { end: -1, payload, bytes: scanner.payloadBytes }
}

const whole: [text: string, payload: string][] = [
  ['0\r\n\r\n', ''],
  ['000\r\n\r\n', ''],
  ['1\r\nx\r\n0\r\n\r\n', 'x'],
  ['A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n', '01234567890123456789'],
  ['0000000000005\r\nhello\r\n0\r\n\r\n', 'hello'],
  ['7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n', '\r\n0\r\n\r\n'],
  ['0\r\nX-Sum: 1\r\n\r\n', ''],
  ['1\r\nx\r\n0\r\nX-Sum:\tcaf\xe9 \r\nX-Empty:\r\n\r\n', 'x'],
]
for (const [text, payload] of whole) {
  test(`${JSON.stringify(text)} ends where it ends, with payload ${JSON.stringify(payload)}`, () => {
    assert.deepEqual(scan(text), { end: text.length, payload, bytes: payload.length })
    assert.equal(scan(`${text}GET / HTTP/1.1`).end, text.length, 'whatever follows')
    for (let length = 0; length < text.length; length++)
      assert.equal(scan(text.slice(0, length)).end, -1, `not before ${length}`)
  })
}

const malformed: [why: string, text: string][] = [
  ['no size', '\r\n'],
  ['no digit', 'x\r\n'],
  ['+5', '+5\r\nhello\r\n'],
  ['-5', '-5\r\n'],
  ['0x5', '0x5\r\nhello\r\n'],
  ['5_0', '5_0\r\n'],
  ['blank before the size', ' 5\r\nhello\r\n'],
  ['blank behind the size', '5 \r\nhello\r\n'],
  ['tab behind the size', '5\t\r\nhello\r\n'],
  ['bare LF behind the size', '5\nhello\r\n'],
  ['bare CR behind the size', '5\rhello\r\n'],
  ['CR CR LF behind the size', '5\r\r\nhello\r\n'],
  ['a chunk shorter than its size', '6\r\nhello\r\n0\r\n\r\n'],
  ['a chunk longer than its size', '4\r\nhello\r\n0\r\n\r\n'],
  ['bare LF behind the data', '5\r\nhello\n0\r\n\r\n'],
  ['bare CR behind the data', '5\r\nhello\r0\r\n\r\n'],
  ['nothing behind the data', '5\r\nhello0\r\n\r\n'],
  ['a size of 14 digits', '00000000000005\r\nhello\r\n'],
  ['a size above 64 bits', '10000000000000005\r\nhello\r\n'],
  ['an extension', '5;a=b\r\nhello\r\n'],
  ['an empty extension', '5;\r\nhello\r\n'],
  ['an extension of the last chunk', '0;a\r\n\r\n'],
  ['bare LF at the end', '0\r\n\n'],
  ['bare CR at the end', '0\r\n\rx'],
  ['a trailer without a name', '0\r\n: x\r\n\r\n'],
  ['a trailer without a colon', '0\r\nX\r\n\r\n'],
  ['a trailer with a blank before its colon', '0\r\nX : 1\r\n\r\n'],
  ['a folded trailer', '0\r\nX: 1\r\n 2\r\n\r\n'],
  ['bare LF behind a trailer', '0\r\nX: 1\n\r\n'],
  ['bare CR in a trailer', '0\r\nX: 1\r2\r\n\r\n'],
  ['NUL in a trailer', '0\r\nX: \0\r\n\r\n'],
  ['a trailer beyond ASCII', '0\r\nX\xe9: 1\r\n\r\n'],
  ['trailers of more than 8 KiB', `0\r\nX: ${'a'.repeat(9_000)}`],
  ...[
    'Content-Length',
    'transfer-encoding',
    'Host',
    'Connection',
    'TE',
    'Trailer',
    'Upgrade',
    'Authorization',
    'Cookie',
    'Expect',
    'Content-Type',
    'Content_Length',
  ].map((name): [string, string] => [`${name} as a trailer`, `0\r\n${name}: 1\r\n\r\n`]),
  ...['X-Forwarded-For', 'x_forwarded_proto', 'X-Real-IP', 'Forwarded', 'X-Request-Id'].map(
    (name): [string, string] => [`${name} as a trailer`, `0\r\n${name}: 1\r\n\r\n`],
  ),
]
for (const [why, text] of malformed) {
  test(`a body with ${why} is malformed, however it arrives`, () => {
    assert.equal(scan(text).end, -2)
    assert.equal(
      scan(
        text,
        false,
        [...text].map((_, i) => i),
      ).end,
      -2,
    )
  })
}

test('extensions are taken from endpoints, within limits', () => {
  assert.equal(scan('5;a="b"\r\nhello\r\n0;x\r\n\r\n', true).payload, 'hello')
  for (const bad of ['5;a\nb\r\n', '5;a\rb\r\n', '5;\0\r\n', '5 ;a\r\n', `5;${'a'.repeat(300)}\r\n`])
    assert.equal(scan(`${bad}hello\r\n0\r\n\r\n`, true).end, -2, bad.slice(0, 20))
})

test('what a chunk promises is known before it arrives', () => {
  const scanner = new ChunkScanner({ allowExtensions: false })
  const announced = (text: string): number => {
    scanner.scan(Buffer.from(text), 0, text.length)
    return scanner.announcedBytes
  }
  assert.deepEqual(
    [announced('5\r\nhe'), announced('llo\r\n'), announced('ff'), announced('f\r\n'), announced('x')],
    [5, 5, 260, 4_100, 4_100],
  )
})

test('after a reset nothing of the body before is left', () => {
  const scanner = new ChunkScanner({ allowExtensions: false })
  for (const broken of ['5\r\nhel', '0\r\nCookie: 1\r\n', '0\r\nX', '12345', 'x']) {
    scanner.scan(Buffer.from(broken), 0, broken.length)
    scanner.reset()
    assert.equal(scanner.scan(Buffer.from('2\r\nok\r\n0\r\n\r\n'), 0, 12), 12)
    assert.equal(scanner.payloadBytes, 2)
    scanner.reset()
  }
})

const body = fc
  .record({
    chunks: fc.array(
      fc.string({
        unit: fc.constantFrom('\r', '\n', '0', 'a', '\0', '\xff', ';'),
        minLength: 1,
        maxLength: 40,
      }),
    ),
    zeros: fc.integer({ min: 0, max: 9 }),
    upper: fc.boolean(),
    trailers: fc.array(fc.constantFrom('X-A: 1', 'x-b:', 'X-C: \t a b ')),
  })
  .map(({ chunks, zeros, upper, trailers }) => {
    const sized = chunks.map((chunk) => {
      const size = '0'.repeat(zeros) + chunk.length.toString(16)
      return `${upper ? size.toUpperCase() : size}\r\n${chunk}\r\n`
    })
    const text = `${sized.join('')}0\r\n${trailers.map((line) => `${line}\r\n`).join('')}\r\n`
    return { text, payload: chunks.join('') }
  })

test('a valid body scans to the same end and payload however it is cut', () => {
  fc.assert(
    fc.property(
      body,
      fc.array(fc.nat(400)),
      fc.string({ unit: 'binary-ascii' }),
      ({ text, payload }, cuts, rest) => {
        assert.deepEqual(scan(text + rest, false, cuts), { end: text.length, payload, bytes: payload.length })
      },
    ),
  )
})

test('a damaged body gets the same verdict however it is cut', () => {
  fc.assert(
    fc.property(
      body,
      fc.nat(400),
      fc.constantFrom('', '\r', '\n', ' ', ';', '0', 'x', '\0'),
      fc.array(fc.nat(400)),
      ({ text }, at, instead, cuts) => {
        const damaged = text.slice(0, at) + instead + text.slice(at + 1)
        const [one, many] = [scan(damaged), scan(damaged, false, cuts)]
        assert.equal(many.end, one.end)
        assert.equal(many.payload, one.payload)
      },
    ),
  )
})
