import { lookup, Resolver } from 'node:dns/promises'
import { isIPv4 } from 'node:net'
import { srvName, type DnsConfig } from '@budao/model'
import { hostsAddresses } from './hosts-file.ts'

/** One address that a name stands for. */
export interface ResolvedAddress {
  readonly host: string
  /** Null: the port of the configuration. */
  readonly port: number | null
  /** Factor for the weight of the configuration; 1 on average over a name. */
  readonly share: number
  /** 0 for those to use first. */
  readonly rank: number
}

/** What a name stands for, for `ttlMs` from now. Never empty. */
export interface Resolution {
  readonly addresses: readonly ResolvedAddress[]
  readonly ttlMs: number
}

/** A name could not be resolved; the message says why in a few words. */
export class ResolveError extends Error {
  override readonly name = 'ResolveError'
  /** The servers say that there is no such name or address, as opposed to saying nothing. */
  readonly missing: boolean

  constructor(message: string, missing: boolean, options?: ErrorOptions) {
    super(message, options)
    this.missing = missing
  }
}

/** Where no time to live is told: of SRV records Node says none, and the system's own resolver has none. */
const UNTOLD_TTL_MS = 5_000

/** The share of a target of weight 0 beside others, of the heaviest: "a very small chance" (RFC 2782). */
const ZERO_SHARE = 0.01

/**
 * Resolves one name of the configuration, a host or `srv:NAME`. Rejects with ResolveError when there is no complete answer
 * within `timeout`: half an answer would take away endpoints that are there. Shares, ranks and the order are the same
 * for the same records, whatever order they come in.
 */
export async function resolveName(name: string, config: DnsConfig): Promise<Resolution> {
  // Cancelling ends all queries of a resolver: each name has one of its own.
  const resolver = new Resolver({ timeout: Math.ceil(config.timeout / 3), tries: 2 })
  if (config.servers !== undefined) resolver.setServers(config.servers)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      resolver.cancel()
      reject(new ResolveError(`no answer within ${config.timeout} ms`, false))
    }, config.timeout)
  })
  const service = srvName(name)
  const asked =
    service === undefined
      ? hostAddresses(resolver, name, config)
      : serviceAddresses(resolver, service, config)
  try {
    const { addresses, ttlMs } = await Promise.race([asked, late])
    return { addresses: inOrder(addresses).slice(0, config.addressesMax), ttlMs }
  } finally {
    clearTimeout(timer)
    // What was cancelled has nobody left to tell.
    asked.catch(() => {})
  }
}

async function hostAddresses(resolver: Resolver, host: string, config: DnsConfig): Promise<Resolution> {
  if (config.servers === undefined) {
    const local = ofFamily(await hostsAddresses(host), config)
    if (local.length > 0) return { addresses: local.map(plain), ttlMs: UNTOLD_TTL_MS }
  }
  try {
    return await askServers(resolver, host, config)
  } catch (error) {
    const failed = failure(error)
    if (config.servers !== undefined || !failed.missing) throw failed
    // Search domains, mDNS and whatever else the system knows besides servers.
    const found = await lookup(host, { all: true }).catch(() => [])
    const local = ofFamily(
      found.map(({ address }) => address),
      config,
    )
    if (local.length === 0) throw failed
    return { addresses: local.map(plain), ttlMs: UNTOLD_TTL_MS }
  }
}

async function askServers(resolver: Resolver, host: string, { family }: DnsConfig): Promise<Resolution> {
  const ipv4 = () => resolver.resolve4(host, { ttl: true })
  const ipv6 = () => resolver.resolve6(host, { ttl: true })
  switch (family) {
    case 'ipv4':
      return resolution(await ipv4())
    case 'ipv6':
      return resolution(await ipv6())
    case 'both': {
      const answers = await Promise.all([ipv4().catch(noneOfKind), ipv6().catch(noneOfKind)])
      return resolution(answers.flat())
    }
    case 'prefer-ipv4': {
      const first = await ipv4().catch(noneOfKind)
      return resolution(first.length > 0 ? first : await ipv6())
    }
  }
}

async function serviceAddresses(resolver: Resolver, name: string, config: DnsConfig): Promise<Resolution> {
  const records = await resolver.resolveSrv(name).catch((error: unknown) => {
    throw failure(error)
  })
  const offered = records
    .filter((record) => record.name !== '' && record.name !== '.')
    .slice(0, config.addressesMax)
  if (offered.length === 0) throw new ResolveError('the service is not offered there', true)
  const priorities = [...new Set(offered.map(({ priority }) => priority))].toSorted((a, b) => a - b)
  const targets = await Promise.all(
    offered.map(async (record) => {
      const rank = priorities.indexOf(record.priority)
      const share = shareOf(record, offered)
      // A target without addresses is left out; one whose servers do not answer may be there.
      const found = await hostAddresses(resolver, record.name, config).catch(rejectUnlessMissing)
      const addresses = found.addresses.map(({ host }) => ({
        host,
        port: record.port,
        share: share / found.addresses.length,
        rank,
      }))
      return { addresses, ttlMs: found.ttlMs }
    }),
  )
  const addresses = targets.flatMap((target) => target.addresses)
  if (addresses.length === 0) throw new ResolveError('none of its targets has an address', true)
  return { addresses, ttlMs: Math.min(UNTOLD_TTL_MS, ...targets.map(({ ttlMs }) => ttlMs)) }
}

/** Its weight among those of its priority, 1 on average. */
function shareOf(
  record: { readonly weight: number; readonly priority: number },
  all: readonly { readonly weight: number; readonly priority: number }[],
): number {
  const peers = all.filter(({ priority }) => priority === record.priority).map(({ weight }) => weight)
  const heaviest = Math.max(...peers)
  if (heaviest === 0) return 1
  const least = (weight: number): number => Math.max(weight, heaviest * ZERO_SHARE)
  const sum = peers.reduce((total, weight) => total + least(weight), 0)
  return (least(record.weight) * peers.length) / sum
}

function resolution(records: readonly { readonly address: string; readonly ttl: number }[]): Resolution {
  if (records.length === 0) throw new ResolveError('it has no addresses', true)
  return {
    addresses: records.map(({ address }) => plain(address)),
    ttlMs: Math.min(...records.map(({ ttl }) => ttl)) * 1_000,
  }
}

function plain(host: string): ResolvedAddress {
  return { host, port: null, share: 1, rank: 0 }
}

function ofFamily(addresses: readonly string[], { family }: DnsConfig): readonly string[] {
  const ipv4 = addresses.filter(isIPv4)
  const ipv6 = addresses.filter((address) => !isIPv4(address))
  switch (family) {
    case 'ipv4':
      return ipv4
    case 'ipv6':
      return ipv6
    case 'both':
      return addresses
    case 'prefer-ipv4':
      return ipv4.length > 0 ? ipv4 : ipv6
  }
}

/** Servers turn their answers round: an order of our own, and each address once. */
function inOrder(addresses: readonly ResolvedAddress[]): ResolvedAddress[] {
  const key = ({ rank, host, port }: ResolvedAddress): string => `${rank} ${host} ${port}`
  const byPlace = new Map(addresses.map((address) => [`${address.host} ${address.port}`, address]))
  return [...byPlace.values()].toSorted((a, b) => a.rank - b.rank || (key(a) < key(b) ? -1 : 1))
}

function noneOfKind(error: unknown): { address: string; ttl: number }[] {
  if (codeOf(error) === 'ENODATA') return []
  throw error
}

function rejectUnlessMissing(error: unknown): Resolution {
  if (error instanceof ResolveError && error.missing) return { addresses: [], ttlMs: UNTOLD_TTL_MS }
  throw error
}

function failure(error: unknown): ResolveError {
  if (error instanceof ResolveError) return error
  const code = codeOf(error)
  return new ResolveError(
    reasons[code] ?? `the servers cannot be asked (${code || String(error)})`,
    code === 'ENOTFOUND' || code === 'ENODATA',
    { cause: error },
  )
}

const reasons: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no such name (NXDOMAIN)',
  ENODATA: 'it has no addresses',
  ESERVFAIL: 'the server failed (SERVFAIL)',
  EREFUSED: 'the server refused (REFUSED)',
  ETIMEOUT: 'no server answered',
  ECONNREFUSED: 'no server can be reached',
  EBADRESP: 'the answer is malformed',
  ECANCELLED: 'no answer in time',
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
