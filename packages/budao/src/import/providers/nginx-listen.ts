import type { Written, WrittenListener } from '../imported.ts'
import { Names } from '../names.ts'
import type { Notes } from '../notes.ts'
import type { Scope } from './nginx-scope.ts'
import type { Directive } from './nginx-syntax.ts'
import { textOf } from './nginx-upstream.ts'
import { durationText, sizeBytes, timeMs } from './nginx-values.ts'

/** Largest body that nginx takes where nothing is said. */
const bodyBytesDefault = 1_048_576

/** Where a server listens. */
export interface Listen {
  /** `host:port` of a listener. */
  readonly address: string
  readonly tls: boolean
  /** It takes the requests for names that no server at this address has. */
  readonly isDefault: boolean
}

const passedOver: ReadonlySet<string> = new Set(['default_server', 'default', 'ssl', 'http2', 'quic', 'bind'])

/** The `listen` of a server; port 80 where there is none. */
export function readListens(scope: Scope, notes: Notes): Listen[] {
  const directives = scope.own('listen')
  if (directives.length === 0) return [{ address: '0.0.0.0:80', tls: false, isDefault: false }]
  return directives.flatMap((directive) => {
    const [written = '', ...options] = directive.args
    const address = listenAddress(written)
    if (address === undefined) {
      notes.add('lost', directive, textOf(directive), 'listeners are TCP addresses')
      return []
    }
    for (const option of options) {
      if (passedOver.has(option)) continue
      const lost = option === 'proxy_protocol'
      const reason = lost ? 'set proxyProtocol of the listener' : `${option}: sockets are opened otherwise`
      notes.add(lost ? 'lost' : 'default', directive, textOf(directive), reason)
    }
    const isDefault = options.includes('default_server') || options.includes('default')
    return [{ address, tls: options.includes('ssl'), isDefault }]
  })
}

function listenAddress(written: string): string | undefined {
  if (written.startsWith('unix:')) return undefined
  if (/^\d+$/.test(written)) return `0.0.0.0:${written}`
  const address = written.replace(/^\*/, '0.0.0.0')
  if (address.startsWith('[')) return address.includes(']:') ? address : `${address}:80`
  return address.includes(':') ? address : `${address}:80`
}

/** What one server says of the listeners it is at. */
export interface ListeningServer {
  readonly scope: Scope
  readonly names: readonly string[]
  readonly listens: readonly Listen[]
}

/** The listeners of all servers, by the address in their `listen`. */
export function makeListeners(
  servers: readonly ListeningServer[],
  notes: Notes,
): Map<string, WrittenListener> {
  const names = new Names()
  const listeners = new Map<string, WrittenListener>()
  const addresses = new Set(servers.flatMap(({ listens }) => listens.map(({ address }) => address)))
  for (const address of addresses) {
    const here = servers.filter(({ listens }) => listens.some((listen) => listen.address === address))
    const tls = here.some(({ listens }) => listens.some((each) => each.address === address && each.tls))
    // Two sockets of one port, one a family, are one listener for both.
    const both = addresses.has(address.replace('0.0.0.0', '[::]')) && address.startsWith('0.0.0.0:')
    const shown = both ? address.replace('0.0.0.0', '[::]') : address
    const existing = listeners.get(shown)
    if (existing !== undefined) {
      listeners.set(address, existing)
      continue
    }
    const listener: WrittenListener = {
      name: names.claim(`${tls ? 'https' : 'http'}-${address.split(':').at(-1)}`),
      address: shown,
      protocol: tls ? 'https' : 'http',
      ...(tls ? { tls: listenerTls(here, notes) } : {}),
      ...(here.some(({ scope }) => scope.all('set_real_ip_from').length > 0) ? { trustForwarded: true } : {}),
      limits: limits(here),
    }
    listeners.set(address, listener)
    if (both) listeners.set(shown, listener)
  }
  return listeners
}

function listenerTls(servers: readonly ListeningServer[], notes: Notes): Written {
  const certificates = servers.flatMap(({ scope, names }) => {
    const [cert, ...more] = scope.all('ssl_certificate')
    const key = scope.one('ssl_certificate_key')
    for (const each of more) notes.add('lost', each, textOf(each), 'one certificate for each server')
    if (cert === undefined || key === undefined) return []
    const hosts = names.filter((name) => /^(\*\.)?[\w.-]+$/.test(name) && name !== '_')
    return [{ cert: cert.args[0]!, key: key.args[0]!, ...(hosts.length === 0 ? {} : { hosts }) }]
  })
  const protocols = servers.map(({ scope }) => scope.one('ssl_protocols')).find((each) => each !== undefined)
  const minVersion = protocols === undefined ? {} : minTls(protocols, notes)
  const [first] = certificates
  if (first === undefined) return { cert: 'missing.crt', key: 'missing.key', ...minVersion }
  if (certificates.length === 1) return { cert: first.cert, key: first.key, ...minVersion }
  return { certificates, ...minVersion }
}

function minTls(directive: Directive, notes: Notes): Written {
  if (directive.args.some((version) => /^(SSL|TLSv1(\.[01])?$)/.test(version)))
    notes.add('changed', directive, textOf(directive), 'TLS before 1.2 is not spoken')
  return directive.args.includes('TLSv1.2') || !directive.args.includes('TLSv1.3')
    ? {}
    : { minVersion: 'TLSv1.3' }
}

function limits(servers: readonly ListeningServer[]): Written {
  const bodies = servers.map(
    ({ scope }) => sizeBytes(scope.one('client_max_body_size')?.args[0] ?? '') ?? bodyBytesDefault,
  )
  const head = servers
    .map(({ scope }) => scope.one('client_header_timeout'))
    .find((each) => each !== undefined)
  const idle = servers.map(({ scope }) => scope.one('keepalive_timeout')).find((each) => each !== undefined)
  const headMs = timeMs(head?.args[0] ?? '')
  const idleMs = timeMs(idle?.args[0] ?? '')
  return {
    bodyBytes: bodies.includes(0) ? 0 : Math.max(...bodies),
    ...(headMs === undefined ? {} : { headTimeout: durationText(headMs) }),
    ...(idleMs === undefined || idleMs === 0 ? {} : { idle: durationText(idleMs) }),
  }
}
