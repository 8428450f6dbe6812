import assert from 'node:assert/strict'
import { test } from 'node:test'
import { array, assert as check, integer, property } from 'fast-check'
import { ResponseReader, field } from './response-reader.ts'
import type { ReadAnswer } from './response-reader.ts'

const wires: [wire: string, status: number, reusable: boolean][] = [
  ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', 200, true],
  ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 200, true],
  ['HTTP/1.1 204 No Content\r\n\r\n', 204, true],
  ['HTTP/1.1 304\r\nContent-Length: 10\r\n\r\n', 304, true],
  ['HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}', 201, true],
  ['HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno', 503, false],
  [
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n',
    200,
    true,
  ],
  ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n\r\r\n0\r\nX-Sum: 1\r\n\r\n', 200, true],
]

test('answers are found however the bytes are cut', () => {
  check(
    property(
      array(integer({ min: 0, max: wires.length - 1 }), { minLength: 1, maxLength: 6 }),
      array(integer({ min: 1, max: 40 }), { minLength: 1 }),
      (picks, cuts) => {
        const seen: [number, boolean][] = []
        const reader = new ResponseReader(({ status, reusable }) => seen.push([status, reusable]))
        const bytes = Buffer.from(picks.map((pick) => wires[pick]![0]).join(''))
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = cuts[turn % cuts.length]!
          // A buffer of its own that is spoilt afterwards: the reader must not keep what it was lent.
          const lent = Buffer.from(bytes.subarray(at, at + size))
          reader.feed(lent)
          lent.fill('!')
          at += size
        }
        assert.deepEqual(
          seen,
          picks.map((pick) => wires[pick]!.slice(1)),
        )
        assert.equal(reader.reading, false)
      },
    ),
  )
})

test('an answer without a length ends with the connection, and a half one does not', () => {
  const seen: ReadAnswer[] = []
  const reader = new ResponseReader((answer) => seen.push(answer))
  reader.feed(Buffer.from('HTTP/1.1 200 OK\r\nX-Site: east\r\n\r\nhello'))
  assert.equal(seen.length, 0)
  assert.equal(reader.close(), true)
  assert.equal(seen[0]?.reusable, false)
  assert.equal(field(seen[0].head, 'x-site'), 'east')
  assert.equal(field(seen[0].head, 'site'), undefined)

  reader.feed(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel'))
  assert.equal(reader.reading, true)
  assert.equal(reader.close(), false)
})

test('what is no answer is refused', () => {
  for (const wire of [
    'SSH-2.0-x\r\n\r\n',
    'HTTP/1.1 2OO OK\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n',
  ]) {
    assert.throws(() => new ResponseReader(() => {}).feed(Buffer.from(wire)), /expected/)
  }
})
