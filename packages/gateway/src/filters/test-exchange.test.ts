import { LocalCells } from '@budao/resilience'
import { RemoteTexts } from '../keys/remote-texts.ts'
import type { HttpVersion } from '../client/client.ts'
import type { Claims, ExchangeRecord, FilterEnv, FilterRequest, FilterResponse } from './filter.ts'

/** A request in memory. `headers` may be given with names in any case; they are what would be forwarded. */
export class TestRequest implements FilterRequest {
  method = 'GET'
  scheme: 'http' | 'https' = 'http'
  listener = 'web'
  host = 'shop.example'
  path = '/'
  query = ''
  clientIp = '192.0.2.1'
  route = 'shop'
  requestId = 'req-1'
  httpVersion: HttpVersion = '1.1'
  now = 0
  peerTrusted = false
  claims: Claims | null = null
  headers: Record<string, string> = {}
  marks: string[] = []

  constructor(fields: Partial<TestRequest> = {}) {
    Object.assign(this, fields)
    this.headers = lowerCased(fields.headers)
  }

  header(name: string): string | undefined {
    return Object.hasOwn(this.headers, name) ? this.headers[name] : undefined
  }

  setHeader(name: string, value: string): void {
    checkHeader(name, value)
    this.headers[name.toLowerCase()] = value
  }

  addHeader(name: string, value: string): void {
    const before = this.header(name.toLowerCase())
    this.setHeader(name, before === undefined ? value : `${before}, ${value}`)
  }

  removeHeader(name: string): void {
    delete this.headers[name.toLowerCase()]
  }

  mark(word: string): void {
    this.marks.push(word)
  }
}

/** A response head in memory. */
export class TestResponse implements FilterResponse {
  readonly status: number
  headers: Record<string, string>

  constructor(status = 200, headers: Record<string, string> = {}) {
    this.status = status
    this.headers = lowerCased(headers)
  }

  header(name: string): string | undefined {
    return Object.hasOwn(this.headers, name) ? this.headers[name] : undefined
  }

  setHeader(name: string, value: string): void {
    checkHeader(name, value)
    this.headers[name.toLowerCase()] = value
  }

  addHeader(name: string, value: string): void {
    const before = this.header(name.toLowerCase())
    this.setHeader(name, before === undefined ? value : `${before}, ${value}`)
  }

  removeHeader(name: string): void {
    delete this.headers[name.toLowerCase()]
  }
}

/** An environment whose clocks stand at 0 and 2026-11-05T08:00:00.123Z; `warnings` collects what was warned of. */
export function testEnv(
  baseDir: string,
  more: Partial<FilterEnv> = {},
): FilterEnv & { readonly warnings: string[] } {
  const warnings: string[] = []
  return {
    cells: new LocalCells(0),
    now: () => 0,
    wallNow: () => Date.UTC(2026, 10, 5, 8, 0, 0, 123),
    baseDir,
    route: 'shop',
    step: 0,
    node: 'gw-1',
    site: 'east',
    warn: (message) => void warnings.push(message),
    warnings,
    remoteTexts: new RemoteTexts(() => {}),
    store: (name) => Promise.reject(new Error(`no store ${name} in this test`)),
    ...more,
  }
}

/** What is known of an exchange that ended well. */
export function testRecord(more: Partial<ExchangeRecord> = {}): ExchangeRecord {
  return {
    status: 200,
    requestBytes: 0,
    responseBytes: 200,
    durationMs: 1.25,
    endpoint: '127.0.0.1:7001',
    site: 'east',
    release: '',
    releaseWanted: '',
    attempts: 1,
    answeredBy: 'upstream',
    reason: '',
    marks: [],
    ...more,
  }
}

function lowerCased(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

/** As the gateway does: what could not stand on a header line is refused. */
function checkHeader(name: string, value: string): void {
  // oxlint-disable-next-line no-control-regex
  const invalid = !/^[\w!#$%&'*+.^`|~-]+$/.test(name) || /[^\t\x20-\x7e\x80-\xff]/.test(value)
  if (invalid) throw new RangeError(`header ${JSON.stringify(name)}: ${JSON.stringify(value)}`)
}
