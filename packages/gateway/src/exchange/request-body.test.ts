import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RequestHead } from '../http/request-head.ts'
import { RequestBody } from './request-body.ts'

function headOf(...lines: string[]): RequestHead {
  const head = new RequestHead({ trustForwarded: false })
  const text = `${['POST / HTTP/1.1', 'Host: a', ...lines].join('\r\n')}\r\n\r\n`
  assert.equal(head.read(text, text.length, 100), null)
  return head
}

/** Takes `text` in pieces of these sizes, the rest at once; what is behind the body is left. */
function takeAll(body: RequestBody, text: string, sizes: readonly number[]): number {
  let at = 0
  for (const size of [...sizes, text.length]) {
    const piece = Buffer.from(text.slice(at, at + size), 'latin1')
    if (piece.length === 0) continue
    const end = body.take(piece, 0)
    assert.equal(typeof end, 'number')
    at += end as number
    if (body.complete) return at
  }
  return at
}

const payload = 'hello world'
const framings: [name: string, line: string, text: string][] = [
  ['Content-Length', 'Content-Length: 11', payload],
  ['chunks', 'Transfer-Encoding: chunked', '5\r\nhello\r\n6\r\n world\r\n0\r\nX-T: 1\r\n\r\n'],
]
for (const [name, line, text] of framings) {
  test(`a body ends where it says, in whatever pieces it comes (${name})`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 9 })),
        fc.constantFrom('', 'GET / HTTP/1.1\r\n'),
        (sizes, behind) => {
          const body = new RequestBody()
          assert.equal(body.begin(headOf(line), 0), null)
          body.keepUpTo(1_000)
          assert.equal(takeAll(body, text + behind, sizes), text.length)
          assert.equal(body.complete, true)
          assert.equal(body.bytes, text.length)
          assert.equal(Buffer.concat(body.parts()).toString('latin1'), text)
          assert.equal(body.replayable, true)
        },
      ),
    )
  })
}

test('a request without a body is complete before it begins', () => {
  const body = new RequestBody()
  for (const lines of [[], ['Content-Length: 0']]) {
    assert.equal(body.begin(headOf(...lines), 10), null)
    assert.equal(body.complete, true)
    assert.equal(body.take(Buffer.from('GET'), 0), 0)
    assert.deepEqual(body.parts(), [])
  }
})

test('too large a body is known by its length, or as soon as a chunk says so', () => {
  const body = new RequestBody()
  assert.equal(body.begin(headOf('Content-Length: 11'), 10), 'body_too_large')
  assert.equal(body.begin(headOf('Content-Length: 10'), 10), null)
  assert.equal(body.begin(headOf('Transfer-Encoding: chunked'), 10), null)
  assert.equal(body.take(Buffer.from('a\r\n0123456789\r\n'), 0), 15)
  assert.equal(body.take(Buffer.from('1\r\n'), 0), 'body_too_large')
  assert.equal(body.begin(headOf('Transfer-Encoding: chunked'), 10), null)
  assert.equal(body.take(Buffer.from('5;x=1\r\n'), 0), 'bad_chunk')
})

test('a body is kept whole while it is small; once it has grown and left, there is one attempt', () => {
  const body = new RequestBody()
  body.begin(headOf('Content-Length: 30'), 0)
  body.keepUpTo(10)
  body.take(Buffer.from('0123456789'), 0)
  body.sent()
  assert.equal(body.replayable, true)
  assert.equal(body.overfull, false)
  body.take(Buffer.from('0123456789'), 0)
  assert.equal(body.overfull, true)
  assert.equal(body.replayable, true, 'it has not left yet')
  assert.equal(Buffer.concat(body.parts()).length, 20)
  body.sent()
  assert.equal(body.replayable, false)
  assert.deepEqual(body.parts(), [])
  body.take(Buffer.from('0123456789'), 0)
  assert.deepEqual(body.parts().map(String), ['0123456789'])
  body.release()
  assert.deepEqual(body.parts(), [])
})
