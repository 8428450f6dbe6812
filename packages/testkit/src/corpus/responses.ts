/**
 * What a gateway must make of one answer of a backend.
 *
 * forward    passed on with the status and body it has
 * broken     the client gets 502, or a connection that visibly breaks off; the backend's connection is not used again
 */
export type ResponseVerdict = 'forward' | 'broken'

export interface ResponseCase {
  readonly name: string
  /** latin1, one character a byte. The backend closes behind it where `closes`. */
  readonly bytes: string
  readonly verdict: ResponseVerdict
  readonly closes: boolean
  /** What the client gets, where it is forwarded. */
  readonly body: string
}

type Row = readonly [name: string, bytes: string, body?: string]

function ok(body: string, ...lines: readonly string[]): string {
  return `${['HTTP/1.1 200 OK', ...lines].join('\r\n')}\r\n\r\n${body}`
}

const broken: readonly Row[] = [
  ['no status line', 'hello\r\n\r\n'],
  ['a status line of another protocol', 'ICY 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ['HTTP/2.0 in plain text', 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n'],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n'],
  ['a status that is no number', 'HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n'],
  ['a status below 100', 'HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n'],
  ['a status above 599', 'HTTP/1.1 700 OK\r\nContent-Length: 0\r\n\r\n'],
  ['a status with a sign', 'HTTP/1.1 +20 OK\r\nContent-Length: 0\r\n\r\n'],
  ['LF behind the status line', 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n'],
  ['LF behind a header', 'HTTP/1.1 200 OK\r\nContent-Length: 2\nX: 1\r\n\r\nab'],
  ['CR in a value', ok('ab', 'Content-Length: 2', 'X: a\rb')],
  ['a folded header', ok('ab', 'Content-Length: 2', 'X: a', ' b')],
  ['a blank before a colon', ok('ab', 'Content-Length: 2', 'X : 1')],
  ['a header without a colon', ok('ab', 'Content-Length: 2', 'X')],
  ['a header without a name', ok('ab', 'Content-Length: 2', ': 1')],
  ['NUL in a value', ok('ab', 'Content-Length: 2', 'X: a\0b')],
  ['two lengths that differ', ok('ab', 'Content-Length: 2', 'Content-Length: 1')],
  ['two lengths that agree', ok('ab', 'Content-Length: 2', 'Content-Length: 2')],
  ['a list of lengths', ok('ab', 'Content-Length: 2, 2')],
  ['a length with a plus', ok('ab', 'Content-Length: +2')],
  ['a negative length', ok('ab', 'Content-Length: -2')],
  ['a length that is no number', ok('ab', 'Content-Length: two')],
  ['a length and chunks', ok('0\r\n\r\n', 'Content-Length: 5', 'Transfer-Encoding: chunked')],
  ['a coding before chunked', ok('0\r\n\r\n', 'Transfer-Encoding: gzip, chunked')],
  ['an unknown coding', ok('ab', 'Transfer-Encoding: xchunked')],
  ['chunked twice', ok('0\r\n\r\n', 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')],
  ['a chunk size that is no number', ok('x\r\nab\r\n0\r\n\r\n', 'Transfer-Encoding: chunked')],
  ['a chunk that is longer than it says', ok('1\r\nab\r\n0\r\n\r\n', 'Transfer-Encoding: chunked')],
  ['a chunk size that ends with LF', ok('2\nab\r\n0\r\n\r\n', 'Transfer-Encoding: chunked')],
  [
    'a trailer that says a length',
    ok('2\r\nab\r\n0\r\nContent-Length: 9\r\n\r\n', 'Transfer-Encoding: chunked'),
  ],
  [
    '101 that nobody asked for',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
  ],
]

const brokenOff: readonly Row[] = [
  ['nothing at all', ''],
  ['half a status line', 'HTTP/1.1 20'],
  ['half a head', 'HTTP/1.1 200 OK\r\nContent-Le'],
  ['half a body by length', ok('a', 'Content-Length: 2')],
  ['half a chunk', ok('2\r\na', 'Transfer-Encoding: chunked')],
  ['no last chunk', ok('2\r\nab\r\n', 'Transfer-Encoding: chunked')],
  ['half a trailer', ok('2\r\nab\r\n0\r\nX-Su', 'Transfer-Encoding: chunked')],
]

const plain: readonly Row[] = [
  ['a length', ok('ab', 'Content-Length: 2'), 'ab'],
  ['chunks', ok('2\r\nab\r\n0\r\n\r\n', 'Transfer-Encoding: chunked'), 'ab'],
  ['chunks with an extension', ok('2;a=b\r\nab\r\n0\r\n\r\n', 'Transfer-Encoding: chunked'), 'ab'],
  ['chunks with a trailer', ok('2\r\nab\r\n0\r\nX-Sum: 1\r\n\r\n', 'Transfer-Encoding: chunked'), 'ab'],
  ['no reason phrase', 'HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nab', 'ab'],
  ['a reason phrase with bytes above 127', 'HTTP/1.1 200 \xe4\r\nContent-Length: 2\r\n\r\nab', 'ab'],
  [
    'an interim answer before',
    `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok('ab', 'Content-Length: 2')}`,
    'ab',
  ],
  ['a status nobody knows', 'HTTP/1.1 299 Fine\r\nContent-Length: 2\r\n\r\nab', 'ab'],
]

const plainToEnd: readonly Row[] = [
  ['the end of the connection', ok('ab'), 'ab'],
  ['HTTP/1.0 and the end of the connection', 'HTTP/1.0 200 OK\r\n\r\nab', 'ab'],
]

function rows(verdict: ResponseVerdict, closes: boolean, table: readonly Row[]): ResponseCase[] {
  return table.map(([name, bytes, body = '']) => ({ name, bytes, verdict, closes, body }))
}

/** Answers with the verdict that RFC 9110 and 9112 ask of a gateway; the sentences and bytes are our own. */
export const responseCases: readonly ResponseCase[] = [
  ...rows('broken', false, broken),
  ...rows('broken', true, brokenOff),
  ...rows('forward', false, plain),
  ...rows('forward', true, plainToEnd),
]
