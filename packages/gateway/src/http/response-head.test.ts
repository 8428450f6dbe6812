import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ResponseHead } from './response-head.ts'

const ok = (...lines: string[]): string => ['HTTP/1.1 200 OK', ...lines, '', ''].join('\r\n')

function read(text: string, toHead = false): { head: ResponseHead; valid: boolean } {
  const head = new ResponseHead()
  return { head, valid: head.read(text, text.indexOf('\r\n\r\n') + 4, toHead, 100) }
}

const refused: [why: string, text: string][] = [
  ['both lengths', ok('Content-Length: 3', 'Transfer-Encoding: chunked')],
  ['two lengths that agree', ok('Content-Length: 3', 'Content-Length: 3')],
  ['2, 2', ok('Content-Length: 2, 2')],
  ['+2', ok('Content-Length: +2')],
  ['0x2', ok('Content-Length: 0x2')],
  ['empty length', ok('Content-Length:')],
  ['gzip, chunked', ok('Transfer-Encoding: gzip, chunked')],
  ['chunked twice', ok('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')],
  ['space before the colon', ok('Content-Length : 3')],
  ['line folding', ok('X: a', ' b')],
  ['bare LF', ok('X: a\nY: b')],
  ['bare CR', ok('X: a\rSet-Cookie: b')],
  ['NUL', ok('X: \0')],
  ['bare LF behind the status line', 'HTTP/1.1 200 OK\nX: a\r\n\r\n'],
  ['another version', 'HTTP/1.2 200 OK\r\n\r\n'],
  ['HTTP/2.0', 'HTTP/2.0 200 OK\r\n\r\n'],
  ['HTTP/0.9', '<html>hello</html>\r\n\r\n'],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
  ['status 099', 'HTTP/1.1 099 OK\r\n\r\n'],
  ['status 600', 'HTTP/1.1 600 OK\r\n\r\n'],
  ['status +20', 'HTTP/1.1 +20 OK\r\n\r\n'],
  ['no status', 'HTTP/1.1\r\n\r\n'],
  ['two blanks', 'HTTP/1.1  200 OK\r\n\r\n'],
  ['a control character in the reason', 'HTTP/1.1 200 O\x07K\r\n\r\n'],
  ['too many headers', ok(...Array.from({ length: 101 }, (_, i) => `X-${i}: 1`))],
]
for (const [why, text] of refused) {
  test(`an answer with ${JSON.stringify(why)} is not trusted`, () => assert.equal(read(text).valid, false))
}

const accepted: [text: string, toHead: boolean, expected: Partial<ResponseHead>][] = [
  [
    ok('Content-Length: 3'),
    false,
    { status: 200, reason: 'OK', framing: 'length', contentLength: 3, keepAlive: true },
  ],
  [ok('Content-Length: 3'), true, { framing: 'none', keepAlive: true }],
  [ok('Content-Length: 0'), false, { framing: 'none', keepAlive: true }],
  [ok('Transfer-Encoding: Chunked'), false, { framing: 'chunked', keepAlive: true }],
  [ok('Transfer-Encoding: chunked'), true, { framing: 'none', keepAlive: true }],
  [ok(), false, { framing: 'until-close', keepAlive: false }],
  [ok(), true, { framing: 'none', keepAlive: true }],
  ['HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n', false, { status: 200, reason: '' }],
  ['HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n', false, { reason: '' }],
  [
    'HTTP/1.1 404 Nicht da, schade\xfc\r\nContent-Length: 0\r\n\r\n',
    false,
    { status: 404, reason: 'Nicht da, schade\xfc' },
  ],
  ['HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n', false, { framing: 'length', keepAlive: false }],
  ['HTTP/1.0 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\n', false, { keepAlive: true }],
  [
    'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n',
    false,
    { framing: 'chunked', keepAlive: false },
  ],
  ['HTTP/1.1 204 No Content\r\n\r\n', false, { framing: 'none', keepAlive: true }],
  ['HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n', false, { framing: 'none', keepAlive: true }],
  // A body may follow that must not be read as the next answer.
  ['HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n', false, { framing: 'none', keepAlive: false }],
  [
    'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n',
    false,
    { framing: 'none', keepAlive: false },
  ],
  ['HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n', false, { framing: 'none', keepAlive: true }],
  ['HTTP/1.1 100 Continue\r\n\r\n', false, { status: 100, framing: 'none' }],
  [ok('Content-Length: 3', 'Connection: close'), false, { keepAlive: false }],
  [ok('Content-Length: 3', 'Connection: close', 'Connection: keep-alive'), false, { keepAlive: false }],
  [ok('Content-Length: 3', 'Connection: x, close', 'Connection: keep-alive, y'), false, { keepAlive: false }],
  [ok('Content-Length: 3', 'Keep-Alive: timeout=5, max=100'), false, { idleTimeoutMs: 5_000 }],
  [ok('Content-Length: 3', 'Keep-Alive: max=100'), false, { idleTimeoutMs: 0 }],
]
for (const [text, toHead, expected] of accepted) {
  test(`${JSON.stringify(text)}${toHead ? ' to HEAD' : ''} is ${JSON.stringify(expected)}`, () => {
    const { head, valid } = read(text, toHead)
    assert.equal(valid, true)
    for (const [key, value] of Object.entries(expected))
      assert.equal(head[key as keyof ResponseHead], value, key)
  })
}

test('headers for this hop stay on it', () => {
  const { head } = read(
    ok(
      'Connection: keep-alive, X-Hop',
      'X-Hop: 1',
      'Keep-Alive: timeout=5',
      'Upgrade: h2',
      'Proxy-Connection: close',
      'Transfer-Encoding: chunked',
      'Server: s',
    ),
  )
  assert.equal(head.fields.passOn(), 'Server: s\r\n')
})

test('a 204 loses its length, or clients would wait for a body', () => {
  assert.equal(
    read('HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nServer: s\r\n\r\n').head.fields.passOn(),
    'Server: s\r\n',
  )
})

test('one object reads head after head, and nothing of one is left in the next', () => {
  const kept = new ResponseHead()
  const facts = (head: ResponseHead): unknown => ({
    ...Object.fromEntries(Object.entries(head)),
    fields: head.fields.passOn(),
  })
  for (const [text, toHead] of [...accepted, ...accepted.toReversed()]) {
    assert.equal(kept.read(text, text.length, toHead, 100), true)
    assert.deepEqual(facts(kept), facts(read(text, toHead).head), JSON.stringify(text))
  }
})
