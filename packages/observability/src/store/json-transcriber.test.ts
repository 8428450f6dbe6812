import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ByteText } from '../record/byte-text.ts'
import { jsonParser } from '../record/json-parser.ts'
import { JsonTranscriber } from './json-transcriber.ts'
import { RecordFacts } from './record-facts.ts'
import { keyRoles } from '../record/key-roles.ts'

const observed = 1_764_208_988_500

/** What a line becomes by copying; null where it has to be parsed. */
function transcribed(line: string, into = new ByteText()): string | null {
  into.clear()
  const bytes = Buffer.from(line)
  const facts = new RecordFacts()
  const next = new JsonTranscriber(into, facts).add(bytes, 0, bytes.length, 3, observed, 1e9)
  if (next < 0) {
    assert.deepEqual([into.length, factsOf(facts)], [0, factsOf(new RecordFacts())])
    return null
  }
  assert.equal(next, bytes.length)
  const { texts, ...others } = factsOf(facts)
  const { texts: _, ...expected } = factsOf(RecordFacts.of(into.bytes))
  assert.deepEqual(others, expected)
  // Numbers of times and sources are not searched for as text.
  assert.match(into.bytes.toString('utf8', 0, texts[0]), /^\{"ts":[^,]*(,"obs":[^,]*)?,"src":3$/)
  assert.equal(texts[1], into.length - 1)
  return into.bytes.toString()
}

/** What an index would know, in one order. */
function factsOf(facts: RecordFacts) {
  const { lines, tsMin, tsMax, obsMin, obsMax, levels, sources, texts } = facts
  const terms = [...facts.terms].toSorted((a, b) => a - b)
  return { lines, tsMin, tsMax, obsMin, obsMax, levels, sources, terms, texts: [...texts] }
}

/** And by reading it. */
function parsed(line: string): unknown {
  return JSON.parse(JSON.stringify(jsonParser(line, 3, observed)))
}

const key = fc.oneof(
  fc.constantFrom(...keyRoles.keys()),
  fc.constantFrom(
    'http.response.status_code',
    'http.request.method',
    'url.path',
    'error.type',
    'service',
    '支付',
  ),
  fc.constantFrom('__proto__', '__proto', '', '0', '17', 'a"b', 'constructor', 'log.levels'),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
)
const value = fc.oneof(
  fc.constantFrom(
    'error',
    'WARN',
    'info',
    '',
    'odd',
    '"',
    '\\',
    '\n',
    'a\u0001b',
    '支付',
    '/a/b',
    'GET',
    '\ud800',
  ),
  fc.constantFrom(
    '2026-11-27T06:13:20.001Z',
    '2026-11-27T06:13:60.001Z',
    '2026-11-27 06:13:20,5',
    '1764208988',
    '20',
  ),
  fc.constantFrom(
    0,
    -0,
    1,
    -1,
    200,
    404,
    503,
    30,
    50,
    1.5,
    -0.5,
    1e-6,
    1e-7,
    1e21,
    123_456_789_012_345,
    2 ** 53,
  ),
  fc.constantFrom(1_764_208_988, 1_764_208_988.123, observed, 1_764_208_988_123_456, 1.764208988123456e18),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.string({ unit: 'binary' }),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom({}, [], { a: 1 }, [1]),
)
/** As programs write JSON: closely, with blanks, with every letter escaped, or numbers in their own way. */
const written = fc.constantFrom<(value: unknown) => string>(
  (each) => JSON.stringify(each),
  (each) => JSON.stringify(each).replaceAll('/', '\\/'),
  (each) =>
    JSON.stringify(each).replaceAll(/[^ -~]/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
  (each) =>
    typeof each === 'number' && Number.isInteger(each) && Math.abs(each) < 1e15
      ? `${each}.0`
      : JSON.stringify(each),
  (each) => (typeof each === 'number' ? each.toExponential() : JSON.stringify(each)),
)
const blank = fc.constantFrom('', '', '', ' ', '\t', '  ')
const line = fc.array(fc.tuple(key, value, written, blank, blank), { maxLength: 10 }).map((members) => {
  const texts = members.map(
    ([name, each, write, before, after]) =>
      `${before}${JSON.stringify(name)}${after}:${before}${write(each)}${after}`,
  )
  return `{${texts.join(',')}}`
})

test('what is copied is what would have been parsed and written', () => {
  let copied = 0
  fc.assert(
    fc.property(line, (text) => {
      const copy = transcribed(text)
      if (copy === null) return
      copied++
      assert.deepEqual(JSON.parse(copy), parsed(text))
      // Texts and numbers are searched for as `JSON.stringify` writes them.
      // Keys that are numbers come first in an object.
      if (!/"\d+"\s*:/.test(text)) assert.equal(copy, `${JSON.stringify(JSON.parse(copy))}\n`)
    }),
    { numRuns: 5_000 },
  )
  assert.ok(copied > 250, `${copied} of 5000`)
})

test('what is damaged is not copied, and nothing of it stays', () => {
  fc.assert(
    fc.property(line, fc.nat(), fc.nat(255), (text, at, byte) => {
      const bytes = Buffer.from(text)
      bytes[at % bytes.length] = byte
      const damaged = bytes.toString()
      let isJson = true
      try {
        JSON.parse(damaged)
      } catch {
        isJson = false
      }
      const copy = transcribed(damaged)
      if (copy === null) return
      assert.ok(isJson, damaged)
      assert.deepEqual(JSON.parse(copy), parsed(damaged))
    }),
    { numRuns: 5_000 },
  )
})

test('lines as programs write them are copied', () => {
  for (const text of [
    '{"@timestamp":"2026-11-27T06:13:20.001Z","log.level":"info","message":"支付 took 12 ms","service":"pay","http.response.status_code":200,"trace.id":"00ab"}',
    '{"level":30,"time":1764208988123,"pid":17,"hostname":"a","msg":"request completed","responseTime":12.34}',
    '{"timestamp": "2026-11-27T06:13:20Z", "severity": "ERROR", "message": "said \\"no\\"\\n", "retry": false}',
    '{"timestamp":"2026-11-27T06:13:20.001Z","http.request.method":"GET","url.path":"/v1/orders","http.response.status_code":503}',
    '{"timestamp":"2026-11-27T06:13:20.001Z","http.request.method":"GET","url.path":"/v1/orders","http.response.status_code":0,"error.type":"timeout"}',
  ]) {
    const copy = transcribed(text)
    assert.ok(copy !== null, text)
    assert.deepEqual(JSON.parse(copy), parsed(text))
  }
})

test('the next line begins behind the end of one, however that is written', () => {
  const into = new ByteText()
  const transcriber = new JsonTranscriber(into, new RecordFacts())
  const bytes = Buffer.from('{"msg":"a"}\n{"msg":"b"}\r\n{"msg":"c"}')
  const first = transcriber.add(bytes, 0, bytes.length, 1, observed, 100)
  const second = transcriber.add(bytes, first, bytes.length, 1, observed, 100)
  assert.deepEqual(
    [first, second, transcriber.add(bytes, second, bytes.length, 1, observed, 100)],
    [12, 25, bytes.length],
  )
  assert.deepEqual(
    into.bytes
      .toString()
      .trimEnd()
      .split('\n')
      .map((each) => (JSON.parse(each) as { readonly body: string }).body),
    ['a', 'b', 'c'],
  )
})
