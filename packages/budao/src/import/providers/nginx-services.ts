import type { WrittenService } from '../imported.ts'
import { Names } from '../names.ts'
import type { Notes } from '../notes.ts'
import type { Scope } from './nginx-scope.ts'
import type { Directive } from './nginx-syntax.ts'
import { readUpstream, textOf, type UpstreamSites, withPort } from './nginx-upstream.ts'
import { durationText, timeMs } from './nginx-values.ts'

/** What nginx takes where nothing is said. */
const timeoutDefaultMs = 60_000
const attemptsMax = 10

/** Where a location sends its requests, and what it says of how. */
export interface Use {
  readonly name: string
  /** Of the route, where it differs from what the service has from its first user. */
  readonly timeout?: string
  readonly perTry?: string
}

interface Made {
  readonly name: string
  readonly service: WrittenService
  /** What its first user said of it. */
  readonly connectMs: number
  readonly readMs: number
  readonly retry: Retry
}

interface Retry {
  readonly attempts: number
  readonly on: readonly string[]
}

/** The services of an import: one for each upstream or address that a location sends requests to. */
export class NginxServices {
  readonly #upstreams: ReadonlyMap<string, Directive>
  readonly #sites: UpstreamSites
  readonly #notes: Notes
  readonly #made: Map<string, Made> = new Map()
  readonly #names: Names = new Names()

  constructor(upstreams: ReadonlyMap<string, Directive>, sites: UpstreamSites, notes: Notes) {
    this.#upstreams = upstreams
    this.#sites = sites
    this.#notes = notes
  }

  /** The service behind `scheme://authority`; undefined, and told, when there can be none. */
  use(scheme: 'http' | 'https', authority: string, scope: Scope, user: Directive): Use | undefined {
    const connectMs = timeoutOf(scope, 'proxy_connect_timeout')
    const readMs = timeoutOf(scope, 'proxy_read_timeout')
    for (const each of scope.all('proxy_send_timeout'))
      this.#notes.add(
        'changed',
        each,
        textOf(each),
        'the time of the whole request counts, not that between two writes',
      )
    const key = `${scheme}://${authority}`
    const made = this.#made.get(key)
    if (made !== undefined) return this.#useAgain(made, connectMs, readMs, scope, user)
    const service = this.#service(scheme, authority, scope, user)
    if (service === undefined) return undefined
    const name = this.#names.claim(/^[\d[]/.test(authority) ? `at-${authority}` : authority)
    const retry = this.#retry(scope, service.endpoints.length)
    this.#made.set(key, { name, service, connectMs, readMs, retry })
    Object.assign(service, {
      timeouts: {
        connect: durationText(connectMs),
        request: durationText(readMs * (retry.attempts + 1)),
        perTry: durationText(readMs),
      },
      retry: retry.attempts === 0 ? { attempts: 0 } : retry,
    })
    return { name }
  }

  /** All of them, those that nobody uses too. */
  list(): Record<string, WrittenService> {
    for (const [name, block] of this.#upstreams) {
      if (this.#made.has(`http://${name}`) || this.#made.has(`https://${name}`)) continue
      const service = readUpstream(block.block ?? [], '80', this.#sites, this.#notes)
      if (service === undefined) continue
      const retry: Retry = { attempts: 0, on: [] }
      this.#made.set(`http://${name}`, {
        name: this.#names.claim(name),
        service,
        connectMs: 0,
        readMs: 0,
        retry,
      })
    }
    return Object.fromEntries([...this.#made.values()].map(({ name, service }) => [name, service]))
  }

  #service(
    scheme: 'http' | 'https',
    authority: string,
    scope: Scope,
    user: Directive,
  ): WrittenService | undefined {
    const port = scheme === 'https' ? '443' : '80'
    const block = this.#upstreams.get(authority)
    const address = block === undefined ? withPort(authority, port) : ''
    if (address === undefined) {
      this.#notes.add('lost', user, textOf(user), 'only TCP addresses, host:port, can be endpoints')
      return undefined
    }
    const service =
      block === undefined
        ? readUpstream([{ ...user, name: 'server', args: [address] }], port, this.#sites, this.#notes)
        : readUpstream(block.block ?? [], port, this.#sites, this.#notes)
    if (service === undefined) {
      const text = block === undefined ? textOf(user) : textOf(block)
      this.#notes.add('lost', block ?? user, text, 'no server of it can be an endpoint')
      return undefined
    }
    return scheme === 'https' ? { ...service, tls: this.#tls(scope, user) } : service
  }

  #tls(scope: Scope, user: Directive): unknown {
    const verify = scope.one('proxy_ssl_verify')?.args[0] === 'on'
    const ca = scope.one('proxy_ssl_trusted_certificate')?.args[0]
    const serverName = scope.one('proxy_ssl_name')?.args[0]
    const cert = scope.one('proxy_ssl_certificate')?.args[0]
    const key = scope.one('proxy_ssl_certificate_key')?.args[0]
    scope.one('proxy_ssl_server_name')
    if (!verify) {
      const reason = 'certificates of endpoints are not checked, as in the file: set tls.verify to true'
      this.#notes.add('changed', user, textOf(user), reason)
    }
    return {
      verify,
      ...(ca === undefined ? {} : { ca }),
      ...(serverName === undefined || serverName.includes('$') ? {} : { serverName }),
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
    }
  }

  #useAgain(made: Made, connectMs: number, readMs: number, scope: Scope, user: Directive): Use {
    const retry = this.#retry(scope, made.service.endpoints.length)
    const differs = connectMs !== made.connectMs || JSON.stringify(retry) !== JSON.stringify(made.retry)
    if (differs) {
      const reason = `proxy_connect_timeout and proxy_next_upstream are those of the first location that uses ${made.name}`
      this.#notes.add('changed', user, textOf(user), reason)
    }
    if (readMs === made.readMs) return { name: made.name }
    return {
      name: made.name,
      timeout: durationText(readMs * (made.retry.attempts + 1)),
      perTry: durationText(readMs),
    }
  }

  #retry(scope: Scope, endpoints: number): Retry {
    const next = scope.one('proxy_next_upstream')
    const conditions = next?.args ?? ['error', 'timeout']
    const tries = Number(scope.one('proxy_next_upstream_tries')?.args[0] ?? 0)
    for (const each of scope.all('proxy_next_upstream_timeout'))
      this.#notes.add('changed', each, textOf(each), 'the time of the whole request bounds all attempts')
    if (conditions.includes('off')) return { attempts: 0, on: [] }
    const on: string[] = []
    for (const condition of conditions) {
      const status = /^http_(\d{3})$/.exec(condition)?.[1]
      if (condition === 'error') on.push('connect-failure', 'reset-before-request', 'reset')
      else if (condition === 'timeout') on.push('timeout')
      else if (status !== undefined) on.push(status)
      else if (condition === 'non_idempotent')
        this.#notes.add(
          'lost',
          next!,
          textOf(next!),
          'a POST is repeated only when provably no byte of it was processed',
        )
    }
    return { attempts: Math.min(attemptsMax, (tries === 0 ? endpoints : Math.min(tries, endpoints)) - 1), on }
  }
}

function timeoutOf(scope: Scope, name: string): number {
  return timeMs(scope.one(name)?.args[0] ?? '') ?? timeoutDefaultMs
}
