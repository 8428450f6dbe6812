import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { jsonBytes, jsonString } from './json-text.ts'

test('JSON.parse gives back any string, lone surrogates included', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
      (text) => {
        const json = jsonString(text)
        assert.equal(JSON.parse(json), text)
        assert.match(json, /^[\x20-\x7e]*$/)
      },
    ),
  )
})

test('any bytes become one ASCII line that JSON.parse reads, as UTF-8 or else as latin1', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const latin1 = Buffer.from(bytes).toString('latin1')
      const json = jsonBytes(latin1)
      assert.match(json, /^[\x20-\x7e]*$/)
      const parsed: unknown = JSON.parse(json)
      assert.ok(parsed === latin1 || parsed === Buffer.from(bytes).toString('utf8'))
    }),
  )
})

const table: [bytes: Buffer, read: string][] = [
  [Buffer.from('plain'), 'plain'],
  [Buffer.from('a"b\\c'), 'a"b\\c'],
  [Buffer.from('a\r\n{"forged":1}'), 'a\r\n{"forged":1}'],
  [Buffer.from('商品'), '商品'],
  [Buffer.from([0x61, 0xff, 0xfe]), 'a\u00ff\u00fe'],
  [Buffer.from([0xc0, 0xaf]), '\u00c0\u00af'],
  [Buffer.from('\u2028\u2029\u007f\u0000'), '\u2028\u2029\u007f\u0000'],
]
for (const [bytes, read] of table) {
  test(`bytes ${bytes.toString('hex')} are read as ${JSON.stringify(read)}`, () => {
    assert.equal(JSON.parse(jsonBytes(bytes.toString('latin1'))), read)
  })
}
