/**
 * What a reader of HTTP/1.1 must make of one request.
 *
 * forward    valid and plain: the backend gets exactly this one request
 * ambiguous  two readers could disagree about where it ends, whom it is for or what it asks: nothing of it may reach a backend
 * invalid    not HTTP/1.1, or not for a gateway: nothing of it may reach a backend either
 */
export type RequestVerdict = 'forward' | 'ambiguous' | 'invalid'

export interface RequestCase {
  readonly name: string
  /** latin1, one character a byte. */
  readonly bytes: string
  readonly verdict: RequestVerdict
}

/** Hidden behind requests that two readers end at different places. */
const hidden = 'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n'

function get(...lines: readonly string[]): string {
  return ['GET / HTTP/1.1', 'Host: a', ...lines, '', ''].join('\r\n')
}

function post(...lines: readonly string[]): string {
  return ['POST / HTTP/1.1', 'Host: a', ...lines, '', ''].join('\r\n')
}

/** A chunked POST with `body` as it stands on the wire. */
function chunks(body: string): string {
  return `${post('Transfer-Encoding: chunked')}${body}`
}

function target(text: string): string {
  return `GET ${text} HTTP/1.1\r\nHost: a\r\n\r\n`
}

type Rows = readonly (readonly [name: string, bytes: string])[]

const lengths: Rows = [
  [
    'Content-Length and Transfer-Encoding',
    `${post('Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n${hidden}`,
  ],
  [
    'Transfer-Encoding and Content-Length',
    `${post('Transfer-Encoding: chunked', 'Content-Length: 5')}0\r\n\r\n${hidden}`,
  ],
  ['two lengths that differ', `${post('Content-Length: 0', 'Content-Length: 33')}${hidden}`],
  ['two lengths that agree', `${post('Content-Length: 2', 'Content-Length: 2')}ab`],
  ['a list of lengths that differ', `${post('Content-Length: 0, 33')}${hidden}`],
  ['a list of lengths that agree', `${post('Content-Length: 2, 2')}ab`],
  ['a length with a plus', `${post('Content-Length: +2')}ab`],
  ['a negative length', `${post('Content-Length: -1')}${hidden}`],
  ['a hexadecimal length', `${post('Content-Length: 0x2')}ab`],
  ['a length with a decimal point', `${post('Content-Length: 2.0')}ab`],
  ['a length with an exponent', `${post('Content-Length: 2e0')}ab`],
  ['a length with an underscore', `${post('Content-Length: 3_3')}${hidden}`],
  ['a length in two words', `${post('Content-Length: 3 3')}${hidden}`],
  ['a length with text behind it', `${post('Content-Length: 2 bytes')}ab`],
  ['a quoted length', `${post('Content-Length: "2"')}ab`],
  ['an empty length', `${post('Content-Length:')}${hidden}`],
  ['a length above 64 bits', `${post('Content-Length: 18446744073709551618')}ab`],
  ['a length above 53 bits', `${post('Content-Length: 9007199254740993')}ab`],
  ['a length with a vertical tab', `${post('Content-Length: \x0b2')}ab`],
  ['a length with a form feed behind it', `${post('Content-Length: 2\x0c')}ab`],
  ['a length with a no-break space', `${post('Content-Length: \xa02')}ab`],
  ['a length with digits of another script', `${post('Content-Length: \xb2')}ab`],
  ['a twin of Content-Length with an underscore', `${post('Content_Length: 33')}${hidden}`],
]

const encodings: Rows = [
  ['a coding before chunked', `${post('Transfer-Encoding: gzip, chunked')}0\r\n\r\n`],
  ['chunked before a coding', `${post('Transfer-Encoding: chunked, gzip')}0\r\n\r\n`],
  ['chunked twice in a list', `${post('Transfer-Encoding: chunked, chunked')}0\r\n\r\n`],
  [
    'chunked twice in two lines',
    `${post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
  ],
  ['chunked and identity', `${post('Transfer-Encoding: chunked, identity')}0\r\n\r\n`],
  ['identity alone', `${post('Transfer-Encoding: identity', 'Content-Length: 2')}ab`],
  ['an unknown coding', `${post('Transfer-Encoding: xchunked')}0\r\n\r\n${hidden}`],
  ['chunked with a letter behind it', `${post('Transfer-Encoding: chunkedx')}0\r\n\r\n${hidden}`],
  ['chunked in quotes', `${post('Transfer-Encoding: "chunked"')}0\r\n\r\n${hidden}`],
  ['chunked with a parameter', `${post('Transfer-Encoding: chunked;q=1')}0\r\n\r\n${hidden}`],
  ['chunked behind a comma', `${post('Transfer-Encoding: ,chunked')}0\r\n\r\n${hidden}`],
  ['chunked before a comma', `${post('Transfer-Encoding: chunked,')}0\r\n\r\n${hidden}`],
  ['chunked with a vertical tab', `${post('Transfer-Encoding: \x0bchunked')}0\r\n\r\n${hidden}`],
  ['chunked with a tab behind it', `${post('Transfer-Encoding: chunked\t', 'Content-Length: 5')}0\r\n\r\n`],
  ['an empty coding', `${post('Transfer-Encoding:')}${hidden}`],
  ['an empty coding and a length', `${post('Transfer-Encoding:', 'Content-Length: 33')}${hidden}`],
  [
    'a blank before the colon of Transfer-Encoding',
    `${post('Transfer-Encoding : chunked')}0\r\n\r\n${hidden}`,
  ],
  [
    'a tab before the colon of Transfer-Encoding',
    `${post('Transfer-Encoding\t: chunked')}0\r\n\r\n${hidden}`,
  ],
  [
    'a blank before the name Transfer-Encoding',
    `${post('X: 1', ' Transfer-Encoding: chunked')}0\r\n\r\n${hidden}`,
  ],
  ['a NUL in the name Transfer-Encoding', `${post('Transfer\0-Encoding: chunked')}0\r\n\r\n${hidden}`],
  [
    'a twin of Transfer-Encoding with an underscore',
    `${post('Transfer_Encoding: chunked')}0\r\n\r\n${hidden}`,
  ],
  [
    'chunked in HTTP/1.0',
    `POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
  ],
]

const chunkBodies: Rows = [
  ['a chunk size with a plus', chunks('+2\r\nab\r\n0\r\n\r\n')],
  ['a negative chunk size', chunks('-2\r\nab\r\n0\r\n\r\n')],
  ['a chunk size with 0x', chunks('0x2\r\nab\r\n0\r\n\r\n')],
  ['a chunk size with a blank before it', chunks(' 2\r\nab\r\n0\r\n\r\n')],
  ['a chunk size with a blank behind it', chunks('2 \r\nab\r\n0\r\n\r\n')],
  ['a chunk size with a tab behind it', chunks('2\t\r\nab\r\n0\r\n\r\n')],
  ['an empty chunk size', chunks('\r\nab\r\n0\r\n\r\n')],
  ['a chunk size above 64 bits', chunks('10000000000000002\r\nab\r\n0\r\n\r\n')],
  ['a chunk size with an underscore', chunks('0_2\r\nab\r\n0\r\n\r\n')],
  ['a chunk size that is no number', chunks('g\r\nab\r\n0\r\n\r\n')],
  ['a chunk size that ends with LF', chunks('2\nab\r\n0\r\n\r\n')],
  ['a chunk size that ends with CR', chunks('2\rab\r\n0\r\n\r\n')],
  ['a chunk that ends with LF', chunks('2\r\nab\n0\r\n\r\n')],
  ['a chunk that is longer than it says', chunks('2\r\nabc\r\n0\r\n\r\n')],
  ['a chunk without its line end', chunks('2\r\nab0\r\n\r\n')],
  ['a last chunk that ends with LF', chunks('2\r\nab\r\n0\n\n')],
  ['an extension with a LF in it', chunks('2;a\nb\r\nab\r\n0\r\n\r\n')],
  ['an extension with a CR in it', chunks('2;a\rb\r\nab\r\n0\r\n\r\n')],
  ['an extension that hides a chunk', chunks(`2;\n${hidden}\r\nab\r\n0\r\n\r\n`)],
  ['an extension in quotes with a line end', chunks('2;a="\r\n"\r\nab\r\n0\r\n\r\n')],
  ['a trailer that says a length', chunks('0\r\nContent-Length: 33\r\n\r\n')],
  ['a trailer that says a coding', chunks('0\r\nTransfer-Encoding: chunked\r\n\r\n')],
  ['a trailer that says a host', chunks('0\r\nHost: b\r\n\r\n')],
  ['a trailer that says who asks', chunks('0\r\nAuthorization: Basic YTph\r\n\r\n')],
  ['a trailer with a bare LF', chunks('0\r\nX: 1\nY: 2\r\n\r\n')],
  ['a trailer with a blank before its colon', chunks('0\r\nX : 1\r\n\r\n')],
  ['a trailer that is folded', chunks('0\r\nX: 1\r\n Y: 2\r\n\r\n')],
]

const lineEnds: Rows = [
  ['LF behind the request line', 'GET / HTTP/1.1\nHost: a\r\n\r\n'],
  ['LF behind a header', 'GET / HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n'],
  ['LF as the empty line', 'GET / HTTP/1.1\r\nHost: a\r\n\n'],
  ['LF everywhere', 'GET / HTTP/1.1\nHost: a\n\n'],
  ['CR behind a header', 'GET / HTTP/1.1\r\nHost: a\rX: 1\r\n\r\n'],
  ['CR in a value', get('X: a\rb')],
  ['CR CR LF behind a header', 'GET / HTTP/1.1\r\nHost: a\r\r\n\r\n'],
  ['a header hidden behind LF', `${post('X: a\nContent-Length: 33')}${hidden}`],
  ['a header hidden behind CR', `${post('X: a\rContent-Length: 33')}${hidden}`],
  ['a folded header', get('X: a', ' b')],
  ['a header folded by a tab', get('X: a', '\tb')],
  ['a folded first header', 'GET / HTTP/1.1\r\n Host: a\r\n\r\n'],
  ['LF before the request', '\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'],
]

const headers: Rows = [
  ['a blank before a colon', get('X : 1')],
  ['a tab before a colon', get('X\t: 1')],
  ['a blank within a name', get('X Y: 1')],
  ['a header without a colon', get('X')],
  ['a header without a name', get(': 1')],
  ['NUL in a value', get('X: a\0b')],
  ['NUL in a name', get('X\0: 1')],
  ['a control character in a value', get('X: a\x01b')],
  ['DEL in a value', get('X: a\x7fb')],
  ['a name in quotes', get('"X": 1')],
  ['a name with a bracket', get('X(Y): 1')],
  ['a name with bytes above 127', get('X\xe4: 1')],
  ['a twin of X-Forwarded-For with an underscore', get('X_Forwarded_For: 6.6.6.6')],
]

const hosts: Rows = [
  ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
  ['two Hosts that differ', get('Host: b')],
  ['two Hosts that agree', get('Host: a')],
  ['an empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n'],
  ['a Host with a user', 'GET / HTTP/1.1\r\nHost: u@a\r\n\r\n'],
  ['a Host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n'],
  ['a Host with a blank', 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n'],
  ['a list of Hosts', 'GET / HTTP/1.1\r\nHost: a, b\r\n\r\n'],
  ['a Host with a port that is no number', 'GET / HTTP/1.1\r\nHost: a:b\r\n\r\n'],
  ['a Host with a port of six digits', 'GET / HTTP/1.1\r\nHost: a:800000\r\n\r\n'],
  ['a Host with a fragment', 'GET / HTTP/1.1\r\nHost: a#b\r\n\r\n'],
  ['a Host with a backslash', 'GET / HTTP/1.1\r\nHost: a\\b\r\n\r\n'],
  ['a Host with a broken IPv6 address', 'GET / HTTP/1.1\r\nHost: [::1\r\n\r\n'],
  ['an absolute target for another host', 'GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['an absolute target with a user', 'GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['an absolute target for another port', 'GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n'],
]

const targets: Rows = [
  ['a target with a fragment', target('/a#b')],
  ['a target with NUL', target('/a\0b')],
  ['a target with an encoded NUL', target('/a%00b')],
  ['a target with a tab', target('/a\tb')],
  ['a target with a blank', target('/a b')],
  ['a target with DEL', target('/a\x7f')],
  ['a target with raw bytes above 127', target('/\xe4')],
  ['a target with a broken escape', target('/a%2')],
  ['a target with an escape of no number', target('/a%zz')],
  ['a target above the root', target('/../a')],
  ['a target above the root by escapes', target('/%2e%2e/a')],
  ['a target above the root in the middle', target('/a/../../b')],
  ['a target with an encoded slash that climbs', target('/a/..%2f..%2fb')],
  ['a target with a backslash that climbs', target('/a/..\\..\\b')],
  ['a target without a slash', target('a')],
  ['a target with a scheme nobody asked for', target('ftp://a/')],
  ['an asterisk for GET', target('*')],
]

const requestLines: Rows = [
  ['two blanks behind the method', 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['two blanks before the version', 'GET /  HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['a tab behind the method', 'GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['a blank before the method', ' GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['a blank behind the version', 'GET / HTTP/1.1 \r\nHost: a\r\n\r\n'],
  ['a version in small letters', 'GET / http/1.1\r\nHost: a\r\n\r\n'],
  ['a version of one digit', 'GET / HTTP/1\r\nHost: a\r\n\r\n'],
  ['a version with leading zeros', 'GET / HTTP/01.1\r\nHost: a\r\n\r\n'],
  ['a version with two digits', 'GET / HTTP/1.10\r\nHost: a\r\n\r\n'],
  ['no version', 'GET /\r\n\r\n'],
  ['a version with text behind it', 'GET / HTTP/1.1x\r\nHost: a\r\n\r\n'],
  ['a method in small letters', 'get / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['a method with a colon', 'GET: / HTTP/1.1\r\nHost: a\r\n\r\n'],
]

const notForUs: Rows = [
  ['two empty lines before the request', '\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['HTTP/1.2', 'GET / HTTP/1.2\r\nHost: a\r\n\r\n'],
  ['HTTP/2.0 in plain text', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n'],
  ['HTTP/3.0 in plain text', 'GET / HTTP/3.0\r\nHost: a\r\n\r\n'],
  ['another protocol', 'GET / ICE/1.0\r\nHost: a\r\n\r\n'],
  ['a TLS greeting', '\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00\r\n\r\n'],
  ['TRACE', 'TRACE / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['CONNECT', 'CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n'],
  ['an unknown method', 'FROB / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['an expectation nobody knows', post('Expect: 200-ok', 'Content-Length: 0')],
]

const plain: Rows = [
  ['GET', get()],
  ['GET with a query', target('/a?b=c&d=%20')],
  ['GET with an absolute target', 'GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['HTTP/1.0 with a Host', 'GET / HTTP/1.0\r\nHost: a\r\n\r\n'],
  ['one empty line before the request', '\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['a body by length', `${post('Content-Length: 2')}ab`],
  ['a body of no bytes', post('Content-Length: 0')],
  ['a length with zeros before it', `${post('Content-Length: 0002')}ab`],
  ['a chunked body', chunks('2\r\nab\r\n0\r\n\r\n')],
  ['a chunked body with zeros in its sizes', chunks('002\r\nab\r\n000\r\n\r\n')],
  ['a chunked body with sizes in capitals', chunks('A\r\n0123456789\r\n0\r\n\r\n')],
  ['a chunked body with a harmless trailer', chunks('2\r\nab\r\n0\r\nX-Sum: 1\r\n\r\n')],
  ['Transfer-Encoding in capitals', `${post('TRANSFER-ENCODING: Chunked')}0\r\n\r\n`],
  ['values with tabs and bytes above 127', get('X: a\tb \xe4')],
  ['an empty value', get('X:')],
  ['a value without a blank before it', get('X:1')],
  ['every character a name may have', get("!#$%&'*+-.^`|~09AZaz: 1")],
  ['a Host with a port', 'GET / HTTP/1.1\r\nHost: a:80\r\n\r\n'],
  ['a Host that is IPv6', 'GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n'],
  ['dot segments that stay inside', target('/a/./b/../c')],
  ['Connection that names headers', get('Connection: x-hop, keep-alive', 'X-Hop: 1')],
]

function rows(verdict: RequestVerdict, ...tables: readonly Rows[]): RequestCase[] {
  return tables.flat().map(([name, bytes]) => ({ name, bytes, verdict }))
}

/** Requests with the verdict that RFC 9110 and 9112 and the known attacks ask of a gateway; the sentences and bytes are our own. */
export const requestCases: readonly RequestCase[] = [
  ...rows('ambiguous', lengths, encodings, chunkBodies, lineEnds, headers, hosts, targets, requestLines),
  ...rows('invalid', notForUs),
  ...rows('forward', plain),
]
