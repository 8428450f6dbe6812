import assert from 'node:assert/strict'
import { test } from 'node:test'
import { QueryReader, type Reading } from './query-reader.ts'
import { question } from './test-gslb.test.ts'

const api = question('api.shop.example', 'A')
/** An OPT record of version 0 for 1232 bytes with these options. */
const opt = (options: Buffer = Buffer.alloc(0), version = 0): Buffer => {
  const head = Buffer.from([
    0,
    0,
    41,
    0x04,
    0xd0,
    0,
    version,
    0,
    0,
    options.length >> 8,
    options.length & 255,
  ])
  return Buffer.concat([head, options])
}
const withAdditional = (...records: readonly Buffer[]): Buffer => {
  const message = Buffer.concat([api, ...records])
  message.writeUInt16BE(records.length, 10)
  return message
}
const option = (code: number, data: readonly number[]): Buffer =>
  Buffer.from([code >> 8, code & 255, 0, data.length, ...data])
const changed = (at: number, ...bytes: readonly number[]): Buffer => {
  const message = Buffer.from(api)
  message.set(bytes, at)
  return message
}
const named = (...labels: readonly (number | string)[]): Buffer => {
  const name = labels.map((part) => (typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part)))
  return Buffer.concat([api.subarray(0, 12), ...name, Buffer.from([0, 1, 0, 1])])
}
const long = Array.from({ length: 4 }, () => [63, 'x'.repeat(63)]).flat()

const cases: readonly [what: string, message: Buffer, reading: Reading][] = [
  ['a question', api, 'query'],
  ['nothing', Buffer.alloc(0), 'ignore'],
  ['less than a header', api.subarray(0, 11), 'ignore'],
  ['an answer', changed(2, 0x81), 'ignore'],
  ['a header alone', api.subarray(0, 12), 'malformed'],
  ['an update', changed(2, 0x28), 'other-operation'],
  ['no question', changed(4, 0, 0), 'malformed'],
  ['two questions', changed(4, 0, 2), 'malformed'],
  ['a record where answers stand', changed(6, 0, 1), 'malformed'],
  ['a name that ends in the middle', api.subarray(0, 20), 'malformed'],
  ['a question without its class', api.subarray(0, api.length - 1), 'malformed'],
  ['bytes behind the message', Buffer.concat([api, Buffer.from([0])]), 'malformed'],
  ['a pointer in the question', named(0xc0, 12), 'malformed'],
  ['a label of 64 bytes', named(64, 'x'.repeat(64), 0), 'malformed'],
  ['a name of 255 bytes', named(...long.slice(0, 6), 61, 'x'.repeat(61), 0), 'query'],
  ['a name of 256 bytes', named(...long.slice(0, 6), 62, 'x'.repeat(62), 0), 'malformed'],
  ['a name of 257 bytes', named(...long, 0), 'malformed'],
  ['the root', named(0), 'query'],
  ['EDNS', withAdditional(opt()), 'query'],
  ['EDNS of version 1', withAdditional(opt(Buffer.alloc(0), 1)), 'other-edns'],
  ['EDNS of version 1 with what is no option now', withAdditional(opt(Buffer.from([1]), 1)), 'other-edns'],
  ['EDNS twice', withAdditional(opt(), opt()), 'malformed'],
  ['EDNS that is announced and missing', changed(11, 1), 'malformed'],
  ['EDNS longer than the message', withAdditional(opt().fill(9, 10)), 'malformed'],
  ['an unknown option', withAdditional(opt(option(65_001, [1, 2, 3]))), 'query'],
  ['half an option', withAdditional(opt(Buffer.from([0, 8, 0]))), 'malformed'],
  ['an option longer than its record', withAdditional(opt(Buffer.from([0, 8, 0, 9]))), 'malformed'],
  ['a client subnet', withAdditional(opt(option(8, [0, 1, 24, 0, 10, 1, 2]))), 'query'],
  ['a client subnet of nothing', withAdditional(opt(option(8, [0, 1, 0, 0]))), 'query'],
  ['a client subnet of no family and nothing', withAdditional(opt(option(8, [0, 0, 0, 0]))), 'query'],
  ['a client subnet of an unknown family', withAdditional(opt(option(8, [0, 9, 8, 0, 1]))), 'malformed'],
  ['a client subnet with a scope', withAdditional(opt(option(8, [0, 1, 24, 24, 10, 1, 2]))), 'malformed'],
  ['a client subnet too short', withAdditional(opt(option(8, [0, 1, 24, 0, 10, 1]))), 'malformed'],
  ['a client subnet too long', withAdditional(opt(option(8, [0, 1, 24, 0, 10, 1, 2, 3]))), 'malformed'],
  ['a client subnet of 33 bits', withAdditional(opt(option(8, [0, 1, 33, 0, 10, 1, 2, 3, 0]))), 'malformed'],
  [
    'a client subnet with bits beyond',
    withAdditional(opt(option(8, [0, 1, 20, 0, 10, 1, 0x1f]))),
    'malformed',
  ],
  [
    'two client subnets',
    withAdditional(opt(Buffer.concat([option(8, [0, 1, 0, 0]), option(8, [0, 1, 0, 0])]))),
    'malformed',
  ],
  ['a cookie', withAdditional(opt(option(10, [1, 2, 3, 4, 5, 6, 7, 8]))), 'query'],
  ['a cookie of 7 bytes', withAdditional(opt(option(10, [1, 2, 3, 4, 5, 6, 7]))), 'malformed'],
  ['more records than a question has', changed(10, 0, 200), 'malformed'],
]

for (const [what, message, reading] of cases) {
  test(`${what}: ${reading}`, () => assert.equal(new QueryReader().read(message), reading))
}

test('what was read before is forgotten', () => {
  const reader = new QueryReader()
  reader.read(
    withAdditional(
      opt(Buffer.concat([option(8, [0, 1, 24, 0, 10, 1, 2]), option(10, [1, 2, 3, 4, 5, 6, 7, 8])])),
    ),
  )
  assert.deepEqual([reader.edns, reader.subnetLength, reader.cookie?.length ?? 0], [true, 24, 8])
  reader.read(api)
  assert.deepEqual(
    [reader.edns, reader.hasSubnet, reader.subnetFamily, reader.subnetLength, reader.cookie?.length ?? 0],
    [false, false, 0, 0, 0],
  )
})

test('a name is read in lower case, its bytes otherwise as they are', () => {
  const reader = new QueryReader()
  reader.read(named(3, 'ApI', 3, 'a.B', 2, '\u00ff', 0))
  assert.equal(reader.key, '\u0003api\u0003a.b\u0002\u00c3\u00bf')
})
