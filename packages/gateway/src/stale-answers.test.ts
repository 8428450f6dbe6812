import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerText } from './answer-text.ts'
import { TestRequest } from './filters/test-exchange.test.ts'
import { ResponseHead } from './http/response-head.ts'
import { StaleAnswers, type StaleRequest } from './stale-answers.ts'

class Asking extends TestRequest implements StaleRequest {
  credentialed = false
}

function asking(fields: Partial<Asking> = {}): Asking {
  return Object.assign(new Asking(), fields)
}

function headOf(...lines: string[]): ResponseHead {
  const head = new ResponseHead()
  const text = `${['HTTP/1.1 200 Fine', ...lines].join('\r\n')}\r\n\r\n`
  assert.equal(head.read(text, text.length, false, 100), true)
  return head
}

function textOf(answers: StaleAnswers, request: StaleRequest, now: number): string | undefined {
  const answer = answers.get(request, now)
  return answer && answerText(answer, '', 'X-Request-Id: req-1\r\n', request.method === 'HEAD')
}

test('an answer is served again until it is too old', () => {
  const answers = new StaleAnswers({ ageMs: 1_000, bytesMax: 100 })
  answers.put(asking({ path: '/a' }), headOf('Content-Length: 5', 'ETag: "1"'), 'hello', 0)
  const text = textOf(answers, asking({ path: '/a' }), 1_000)!
  assert.match(text, /^HTTP\/1\.1 200 Fine\r\n/)
  assert.match(text, /\r\nETag: "1"\r\n/)
  assert.equal(text.match(/content-length/gi)!.length, 1)
  assert.match(text, /\r\nContent-Length: 5\r\n(?:.+\r\n)*\r\nhello$/)
  assert.doesNotMatch(textOf(answers, asking({ path: '/a', method: 'HEAD' }), 0)!, /hello/)
  assert.equal(textOf(answers, asking({ path: '/a' }), 1_001), undefined)
  assert.equal(textOf(answers, asking({ path: '/a' }), 0), undefined, 'too old once is gone')
})

test('an answer is for the same question only', () => {
  const answers = new StaleAnswers({ ageMs: 1_000, bytesMax: 100 })
  answers.put(asking({ path: '/a', query: 'b=1' }), headOf('Content-Length: 2'), 'it', 0)
  assert.notEqual(textOf(answers, asking({ path: '/a', query: 'b=1', method: 'HEAD' }), 0), undefined)
  const others: Partial<Asking>[] = [
    { path: '/a', query: '' },
    { path: '/b', query: 'b=1' },
    { path: '/a', query: 'b=1', host: 'other.example' },
    { path: '/a', query: 'b=1', scheme: 'https' },
    { path: '/a', query: 'b=1', headers: { 'accept-encoding': 'gzip' } },
    { path: '/a', query: 'b=1', method: 'POST' },
    { path: '/a', query: 'b=1', credentialed: true },
  ]
  for (const other of others)
    assert.equal(textOf(answers, asking(other), 0), undefined, JSON.stringify(other))
})

const unwanted: [why: string, request: Partial<Asking>, lines: string[]][] = [
  ['not GET', { method: 'HEAD' }, ['Content-Length: 2']],
  ['for one client', { credentialed: true }, ['Content-Length: 2']],
  ['sets a cookie', {}, ['Content-Length: 2', 'Set-Cookie: a=b']],
  ['private', {}, ['Content-Length: 2', 'Cache-Control: max-age=60, Private']],
  ['not to be stored', {}, ['Content-Length: 2', 'Cache-Control: no-store']],
  ['differs by what was sent', {}, ['Content-Length: 2', 'Vary: Accept-Language']],
  ['differs by anything', {}, ['Content-Length: 2', 'Vary: *']],
  ['too large', {}, ['Content-Length: 101']],
]
for (const [why, request, lines] of unwanted) {
  test(`not kept: ${why}`, () => {
    const answers = new StaleAnswers({ ageMs: 1_000, bytesMax: 100 })
    assert.equal(answers.wants(asking(request), headOf(...lines)), false)
    assert.equal(
      answers.wants(asking(), headOf('Content-Length: 2', 'Vary: Accept-Encoding', 'Cache-Control: public')),
      true,
    )
  })
}

test('a chunked answer is kept without its chunks', () => {
  const answers = new StaleAnswers({ ageMs: 1_000, bytesMax: 100 })
  const head = headOf('Transfer-Encoding: chunked')
  assert.equal(answers.wants(asking(), head), true)
  answers.put(asking(), head, '3;x\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n', 0)
  assert.match(textOf(answers, asking(), 0)!, /\r\nContent-Length: 5\r\n(?:.+\r\n)*\r\nabcde$/)
})

test('the oldest go when all together have become too large; a newer answer takes an older one’s place', () => {
  const answers = new StaleAnswers({ ageMs: 1_000, bytesMax: 10_000_000 })
  const large = 'x'.repeat(6_000_000)
  for (const path of ['/a', '/b', '/a', '/c']) answers.put(asking({ path }), headOf(), large, 0)
  assert.deepEqual(
    ['/a', '/b', '/c'].map((path) => answers.get(asking({ path }), 0) !== undefined),
    [true, false, true],
  )
})

test('what another one holds can be taken over', () => {
  const [before, after] = [
    new StaleAnswers({ ageMs: 1_000, bytesMax: 100 }),
    new StaleAnswers({ ageMs: 1_000, bytesMax: 100 }),
  ]
  before.put(asking(), headOf('Content-Length: 2'), 'it', 500)
  after.inherit(before)
  assert.match(textOf(after, asking(), 1_500)!, /it$/)
  assert.equal(textOf(after, asking(), 1_501), undefined)
})
