import type { WrittenEndpoint, WrittenService } from '../imported.ts'
import type { Notes } from '../notes.ts'
import { durationText, parameter, timeMs } from './nginx-values.ts'
import type { Directive } from './nginx-syntax.ts'

/** What nginx takes where a server says nothing. */
const maxFailsDefault = 1
const failTimeoutDefaultMs = 10_000
const weightMax = 1_000

interface Server {
  readonly directive: Directive
  readonly address: string
  readonly weight: number
  readonly maxFails: number
  readonly failTimeoutMs: number
  readonly backup: boolean
  readonly down: boolean
  readonly maxConns: number
}

export interface UpstreamSites {
  readonly site: string
  /** Where servers marked `backup` go: a site that waits until the first one is gone. */
  readonly backup: string
}

/** A service out of the directives of an `upstream` block. Timeouts and retries are the business of who uses it. */
export function readUpstream(
  directives: readonly Directive[],
  port: string,
  sites: UpstreamSites,
  notes: Notes,
): WrittenService | undefined {
  const servers = directives
    .filter(({ name }) => name === 'server')
    .flatMap((directive) => readServer(directive, port, notes))
  const unique = servers.filter(
    (server, index) => servers.findIndex(({ address }) => address === server.address) === index,
  )
  if (unique.length === 0) return undefined
  const heaviest = Math.max(...unique.map(({ weight }) => weight))
  const scale = heaviest > weightMax ? weightMax / heaviest : 1
  const backups = unique.some(({ backup }) => backup)
  const endpoints: WrittenEndpoint[] = unique.map(({ address, weight, backup, down }) => ({
    address,
    site: backup ? sites.backup : sites.site,
    ...(down ? { weight: 0 } : weight === 1 ? {} : { weight: Math.max(1, Math.round(weight * scale)) }),
  }))
  return {
    // One backup waits for all others to be gone; ours would begin to help earlier.
    ...(backups
      ? { mode: 'active-standby', priority: { overprovisioningPercent: 1000, panicPercent: 0 } }
      : {}),
    endpoints,
    ...balance(directives, notes),
    outlier: outlier(unique, notes),
    breaker: false,
    ...connections(unique, notes),
  }
}

function readServer(directive: Directive, port: string, notes: Notes): Server[] {
  const [written = '', ...args] = directive.args
  const address = withPort(written, port)
  const text = textOf(directive)
  if (address === undefined) {
    notes.add('lost', directive, text, 'only TCP addresses, host:port, can be endpoints')
    return []
  }
  for (const arg of args) {
    const name = arg.split('=', 1)[0]!
    if (name === 'slow_start') notes.add('lost', directive, text, 'slow_start: set slowStart of the service')
    else if (!known.has(name)) notes.add('lost', directive, text, `${name} has no counterpart`)
  }
  return [
    {
      directive,
      address,
      weight: Number(parameter(args, 'weight') ?? 1),
      maxFails: Number(parameter(args, 'max_fails') ?? maxFailsDefault),
      failTimeoutMs: timeMs(parameter(args, 'fail_timeout') ?? '') ?? failTimeoutDefaultMs,
      backup: args.includes('backup'),
      down: args.includes('down'),
      maxConns: Number(parameter(args, 'max_conns') ?? 0),
    },
  ]
}

const known: ReadonlySet<string> = new Set([
  ...['weight', 'max_fails', 'fail_timeout', 'backup', 'down', 'max_conns', 'resolve'],
])

/** `host:port`; undefined for a socket of the file system. */
export function withPort(address: string, port: string): string | undefined {
  if (address.startsWith('unix:') || address === '' || address.includes('$')) return undefined
  if (address.startsWith('[')) return address.includes(']:') ? address : `${address}:${port}`
  return address.includes(':') ? address : `${address}:${port}`
}

/** Ejection is one setting of a service, there one of each server: the most patient one wins. */
function outlier(servers: readonly Server[], notes: Notes): unknown {
  const [first, ...others] = servers
  const maxFails = servers.some((server) => server.maxFails === 0)
    ? 0
    : Math.max(...servers.map((server) => server.maxFails))
  const failTimeoutMs = Math.min(...servers.map((server) => server.failTimeoutMs))
  for (const server of others) {
    if (server.maxFails === first!.maxFails && server.failTimeoutMs === first!.failTimeoutMs) continue
    const reason = 'max_fails and fail_timeout are one for all endpoints: the most patient ones are taken'
    notes.add('changed', server.directive, textOf(server.directive), reason)
  }
  if (maxFails === 0) return false
  return { maxFails: Math.min(1000, maxFails), failTimeout: durationText(failTimeoutMs) }
}

function connections(servers: readonly Server[], notes: Notes): { limits?: unknown } {
  const limited = servers.filter(({ maxConns }) => maxConns > 0)
  if (limited.length === 0) return {}
  const most = Math.max(...limited.map(({ maxConns }) => maxConns))
  for (const server of servers.filter(({ maxConns }) => maxConns !== most)) {
    const reason = 'max_conns is one for all endpoints: the largest one is taken'
    notes.add('changed', server.directive, textOf(server.directive), reason)
  }
  return { limits: { connections: most } }
}

function balance(directives: readonly Directive[], notes: Notes): { balance: string; hashOn?: unknown } {
  const roundRobin = { balance: 'round-robin' }
  const find = (name: string): Directive | undefined => directives.find((each) => each.name === name)
  if (find('least_conn') !== undefined) return { balance: 'least-connections' }
  const ipHash = find('ip_hash')
  if (ipHash !== undefined) {
    notes.add('changed', ipHash, 'ip_hash', 'hashes the whole address, not its first three parts')
    return { balance: 'ring-hash', hashOn: { ip: true } }
  }
  const random = find('random')
  if (random !== undefined) return { balance: random.args[0] === 'two' ? 'least-request' : 'random' }
  const hash = find('hash')
  if (hash === undefined) return roundRobin
  const [key = '', how] = hash.args
  const hashOn = hashKey(key)
  if (hashOn === undefined) {
    notes.add(
      'lost',
      hash,
      textOf(hash),
      'only an address, a header, a cookie or a query parameter can be hashed',
    )
    return roundRobin
  }
  if (how !== 'consistent') {
    notes.add('changed', hash, textOf(hash), 'hashes consistently: fewer clients move when an endpoint goes')
  }
  return { balance: 'ring-hash', hashOn }
}

function hashKey(key: string): unknown {
  if (/^\$(binary_)?remote_addr$/.test(key)) return { ip: true }
  const [, kind, name = ''] = /^\$(cookie|http|arg)_(\w+)$/.exec(key) ?? []
  if (kind === 'cookie') return { cookie: name }
  if (kind === 'arg') return { query: name }
  return kind === 'http' ? { header: name.replaceAll('_', '-') } : undefined
}

/** A directive in one line. */
export function textOf({ name, args, block }: Directive): string {
  return [name, ...args].join(' ') + (block === null ? '' : ' { … }')
}
