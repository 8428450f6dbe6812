import { SeededRandom } from '@budao/resilience'

/** Streams of requests, mostly valid or nearly so: the seed repeats them all. Strings are latin1, one character a byte. */
export class RequestStreams {
  readonly #random: SeededRandom

  constructor(seed: number) {
    this.#random = new SeededRandom(seed)
  }

  /** The next stream: one to four requests behind one another, then perhaps damaged. */
  next(): string {
    let stream = ''
    for (let count = this.#below(4); count >= 0; count--) stream += this.#request()
    const damages = this.#chance(0.5) ? 0 : 1 + this.#below(3)
    for (let i = 0; i < damages; i++) stream = this.#damage(stream)
    return stream
  }

  /** Cuts a stream into pieces as a network might. */
  split(stream: string): string[] {
    const pieces: string[] = []
    for (let at = 0; at < stream.length;) {
      const length = this.#chance(0.2) ? 1 : 1 + this.#below(this.#chance(0.5) ? 8 : stream.length)
      pieces.push(stream.slice(at, at + length))
      at += length
    }
    return pieces
  }

  #request(): string {
    const host = this.#pick(this.#chance(0.97) ? HOSTS : ODD_HOSTS)
    const method = this.#pick(this.#chance(0.98) ? METHODS : ODD_METHODS)
    const version = this.#pick(this.#chance(0.98) ? VERSIONS : ODD_VERSIONS)
    const lines = [`Host: ${host}`]
    for (let count = this.#below(5); count > 0; count--)
      lines.push(this.#pick(this.#chance(0.97) ? LINES : ODD_LINES))
    let body = ''
    if (this.#chance(0.3)) {
      body = this.#text(this.#below(30))
      lines.push(`Content-Length: ${body.length}`)
    } else if (this.#chance(0.4)) {
      body = this.#chunked()
      lines.push(
        this.#pick(['Transfer-Encoding: chunked', 'transfer-encoding:chunked', 'Transfer-Encoding: Chunked']),
      )
    }
    for (let i = lines.length - 1; i > 0; i--) {
      const other = this.#below(i + 1)
      ;[lines[i], lines[other]] = [lines[other]!, lines[i]!]
    }
    const path = this.#pick(this.#chance(0.97) ? TARGETS : ODD_TARGETS)
    const target =
      method === 'OPTIONS' && this.#chance(0.2) ? '*' : this.#chance(0.1) ? `http://${host}${path}` : path
    return `${method} ${target} ${version}\r\n${lines.join('\r\n')}\r\n\r\n${body}`
  }

  #chunked(): string {
    let body = ''
    for (let count = this.#below(4); count > 0; count--) {
      const data = this.#text(1 + this.#below(40))
      const size = data.length.toString(16)
      body += `${this.#chance(0.2) ? size.toUpperCase().padStart(4, '0') : size}${this.#chance(0.03) ? this.#pick(EXTENSIONS) : ''}\r\n${data}\r\n`
    }
    const trailers = this.#chance(0.2) ? `${this.#pick(TRAILERS)}\r\n` : ''
    return `${body}${this.#pick(['0', '0', '0', '00', '0000'])}\r\n${trailers}\r\n`
  }

  /** Payload that looks like framing, where it can do harm. */
  #text(length: number): string {
    let text = ''
    while (text.length < length)
      text += this.#chance(0.15) ? this.#pick(TRAPS) : String.fromCharCode(this.#below(256))
    return text.slice(0, length)
  }

  #damage(stream: string): string {
    const at = this.#below(stream.length + 1)
    const before = stream.slice(0, at)
    switch (this.#below(13)) {
      case 0:
        return before + String.fromCharCode(this.#below(256)) + stream.slice(at + 1)
      case 1:
        return before + this.#pick(BYTES) + stream.slice(at)
      case 2:
        return before + stream.slice(at + 1 + this.#below(3))
      case 3:
        return this.#replaceOne(stream, /\r\n/g, () => this.#pick(LINE_ENDS))
      case 4:
        return this.#replaceOne(stream, /\d+/g, (digits) => this.#number(digits))
      case 5:
        return this.#replaceOne(stream, /\r\n/g, () => `\r\n${this.#pick(ODD_LINES)}\r\n`)
      case 6:
        return this.#replaceOne(stream, /[^\r\n]+\r\n/g, (line) => line + line)
      case 7:
        return this.#replaceOne(stream, /[^\r\n]+\r\n/g, () => '')
      case 8:
        return this.#replaceOne(stream, /([^\r\n]+\r\n)([^\r\n]+\r\n)/g, (lines) =>
          lines.split('\r\n').toReversed().slice(1).concat('').join('\r\n'),
        )
      case 9:
        return this.#replaceOne(stream, /[^\r\n]+:[^\r\n]*/g, (line) =>
          line.replace(':', this.#pick([' :', ':', ':\t', ': \t ', '::', '\t:', '\0:', ''])),
        )
      case 10:
        return this.#chance(0.5)
          ? before
          : stream +
              this.#pick(['\r\n', '\r\n\r\n', 'GET', '\n', '\0', 'GET /late HTTP/1.1\r\nHost: a\r\n\r\n'])
      case 11:
        return this.#replaceOne(stream, /(?<=\r\n)[\da-f]{1,8}(?=\r\n)/gi, (size) => this.#number(size))
      default:
        return this.#replaceOne(stream, /[ ,;:=_-]/g, (sign) =>
          this.#pick([sign + sign, '', '\t', '_', '-', ',', ';', '\x0b', '\xa0', `${sign} `]),
        )
    }
  }

  #number(digits: string): string {
    const value = Number.parseInt(digits, 10) || 0
    return this.#pick([
      ...[
        `+${digits}`,
        `-${digits}`,
        `0x${digits}`,
        `0${digits}`,
        ` ${digits}`,
        `${digits} `,
        `${digits}, ${digits}`,
        `${digits},${digits}`,
        `${digits}.0`,
      ],
      ...[
        `${value + 1}`,
        `${Math.max(0, value - 1)}`,
        '99999999999999999999',
        'ffffffffffffffff1',
        '10000000000000000',
        `${digits}_0`,
        '',
        `${digits};x`,
      ],
    ])
  }

  #replaceOne(stream: string, pattern: RegExp, replace: (found: string) => string): string {
    const found = [...stream.matchAll(pattern)]
    if (found.length === 0) return stream
    const { 0: text, index } = this.#pick(found)
    return stream.slice(0, index) + replace(text) + stream.slice(index + text.length)
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#below(items.length)]!
  }

  #chance(probability: number): boolean {
    return this.#random.next() < probability
  }

  #below(count: number): number {
    return Math.floor(this.#random.next() * count)
  }
}

const METHODS = ['GET', 'GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH']
// Not PRI: at it Node's server drops the connection, and with it requests that it has read before.
const ODD_METHODS = [
  'TRACE',
  'CONNECT',
  'get',
  'PROPFIND',
  'QUERY',
  'LINK',
  'GE T',
  'M-SEARCH',
  'G\0T',
  '',
  'GET\t',
  'SOURCE',
]
const VERSIONS = [...Array.from({ length: 12 }, () => 'HTTP/1.1'), 'HTTP/1.0']
const ODD_VERSIONS = [
  'HTTP/1.2',
  'HTTP/2.0',
  'HTTP/0.9',
  'http/1.1',
  'HTTP/1.1 ',
  'HTTP/01.1',
  'HTTP/1.10',
  'ICE/1.0',
  'HTTP/1,1',
  '',
]
const HOSTS = [
  'shop.example',
  'a',
  'a:80',
  'a:8080',
  '[::1]',
  '[::1]:443',
  '127.0.0.1',
  'A.Example',
  'xn--bcher-kva',
]
const ODD_HOSTS = ['a b', 'a,b', 'u@a', 'a/b', '', 'a:b', 'a:', '[::1', 'a\xe9', '[1]', 'a%00']
const TARGETS = [
  '/',
  '/a',
  '/a/b?c=d&e',
  '/%41%20',
  '/?',
  '//a//b',
  '/a/../b',
  '/a;x=1',
  '/~u',
  '/a?b?c',
  '/?q="<>\\^`{|}',
  '/%E5%95%86',
]
const ODD_TARGETS = [
  '/\xe9',
  '/a#b',
  '/a b',
  '/"<>\\^`{|}',
  '*',
  'a',
  '',
  '/?q=http://x/ HTTP/1.1',
  '/%zz',
  '/%00',
  '/..',
  '/%2e%2e/%2e%2e',
  '/a\0',
]
const LINES = [
  ...[
    'Accept: */*',
    'Accept:*/*',
    'User-Agent: fuzz/1.0 (x; y)',
    'Cookie: a=b; c=d',
    'X-Empty:',
    'X-Empty: \t ',
    'X-Blanks: \t a b\tc \t',
    'X-Latin: caf\xe9 \xff',
  ],
  ...[
    'Connection: keep-alive',
    'Connection: Keep-Alive',
    'Connection: close',
    'Connection: x-hop, keep-alive',
    'X-Hop: 1',
    'Keep-Alive: timeout=5',
  ],
  ...[
    'TE: trailers',
    'Trailer: X-Sum',
    'Expect: 100-continue',
    'If-None-Match: "a"',
    "X-Odd!#$%&'*+.^_`|~: 1",
    'x-forwarded-for: 1.2.3.4',
    'X-Request-Id: r1',
    'Content-Type: text/plain',
  ],
  ...[
    'Referer: http://a/?b#c',
    'X-Colon: a:b:c',
    'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    'traceparent: 00-x',
    'Authorization: Bearer a.b.c',
  ],
]
const ODD_LINES = [
  ...[
    'Host: b.example',
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding: chunked, identity',
    'Transfer-Encoding: identity',
    'Transfer-Encoding: xchunked',
  ],
  ...[
    'Transfer-Encoding : chunked',
    'Transfer-Encoding:\x0bchunked',
    'Transfer-Encoding: "chunked"',
    'Transfer-Encoding: chunked;q=1',
    'Transfer-Encoding:',
    'Transfer_Encoding: chunked',
    'Transfer-Encoding: chunked,',
  ],
  ...[
    'Content-Length: 3',
    'Content-Length: 0',
    'Content-Length: 3, 3',
    'Content-Length: +3',
    'Content-Length: 0x3',
    'Content-Length: -1',
    'Content-Length:',
    'Content_Length: 3',
    'Content-Length : 3',
    'Content-Length: 3 3',
  ],
  ...[
    ' folded: 1',
    '\tfolded',
    ': nameless',
    'no colon',
    'X\0: 1',
    'X: a\0b',
    'X: a\rb',
    'X: a\nb',
    'X: \x7f',
    'X\x80: 1',
    '(X): 1',
    'X-Tab\t: 1',
  ],
  ...[
    'Connection: close, keep-alive',
    'Connection: host',
    'Connection: content-length',
    'Connection: transfer-encoding',
    'Connection: keep-alive, close',
    'Connection: upgrade',
    'Upgrade: h2c',
    'Upgrade: websocket',
    'Connection: , ,',
  ],
  ...[
    'Expect: x',
    'Expect:',
    'HTTP2-Settings: AAMAAABkAAQAAP__',
    'Proxy-Connection: close',
    'X_Forwarded_For: 6.6.6.6',
    'GET /inner HTTP/1.1',
    '0',
    'Connection: close\xa0',
    'Connection: keep-alive\x0b',
  ],
]
const TRAILERS = [
  'X-Sum: 1',
  'X-Sum:1\r\nX-More: \t2 ',
  'Content-Length: 5',
  'Host: b',
  'Transfer-Encoding: chunked',
  'X Sum: 1',
  ' X: 1',
  'X',
  'Cookie: a=b',
  ': x',
  'X: a\x00',
  'X-Forwarded-For: 6.6.6.6',
]
const EXTENSIONS = [';a=b', ';', ' ', '\t', ';a="\r"', ';a\n', ' ;a', '\0']
const TRAPS = ['\r\n', '0\r\n\r\n', 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n', '\r\n\r\n', '5\r\n']
const BYTES = [
  '\0',
  '\r',
  '\n',
  '\t',
  ' ',
  ':',
  ';',
  ',',
  '\x0b',
  '\x7f',
  '\x80',
  '\xff',
  '0',
  '+',
  '-',
  '_',
  '"',
  '#',
  '\r\n',
]
const LINE_ENDS = [
  '\n',
  '\r',
  '\r\r\n',
  '\n\r',
  '\r\n ',
  '\r\n\t',
  '\r\n\r\n',
  ' \r\n',
  '\0\r\n',
  '',
  '\r\n\n',
  '\x85',
  '\r0',
  '\r ',
  'x\n',
]
