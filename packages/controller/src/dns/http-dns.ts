import type { Asked } from './asking.ts'
import { ask, isAskable, isType } from './asking.ts'
import { ipBytes } from './ip.ts'
import type { Responder } from './responder.ts'
import { recordTypes } from './wire.ts'

/** An answer over HTTP. */
export interface HttpAnswer {
  readonly status: number
  readonly type: 'application/json' | 'text/plain'
  readonly body: string
}

/** Who asks: `given` by what the client says of itself, `peer` by its connection. */
export interface HttpClient {
  readonly peer: string
}

/** A question that cannot be understood. */
class Unreadable extends Error {}

/**
 * Answers for clients that resolve over HTTP. `/dns` and `/resolve` speak the JSON of public resolvers; `/d` is the short form of
 * HTTPDNS services: with `dn` a line `ip;ip,ttl`, with `host` an object of `host`, `ips`, `ttl`.
 */
export function httpDns(responder: Responder, url: URL, { peer }: HttpClient): HttpAnswer | null {
  const { pathname, searchParams } = url
  try {
    switch (pathname) {
      case '/dns':
      case '/resolve':
        return resolve(responder, searchParams, peer)
      case '/d':
        return short(responder, searchParams, peer)
      default:
        return null
    }
  } catch (error) {
    if (error instanceof Unreadable) return json({ error: error.message }, 400)
    throw error
  }
}

function resolve(responder: Responder, query: URLSearchParams, peer: string): HttpAnswer {
  const name = nameOf(query, 'name')
  const type = typeOf(query)
  const client = clientOf(query, peer)
  const asked = ask(responder, { name, type, client, over: 'http' })
  return json({
    Status: asked.status,
    TC: false,
    RD: false,
    RA: false,
    AD: false,
    CD: false,
    Question: [{ name: absolute(name), type: recordTypes[type] }],
    Answer: asked.records.map((record) => ({
      name: absolute(record.name),
      type: recordTypes[record.type as 'A'],
      TTL: record.ttl,
      data: record.data,
    })),
    ...(asked.scope === null ? {} : { edns_client_subnet: `${client.split('/')[0]}/${asked.scope}` }),
    ...(asked.stale ? { stale: true } : {}),
  })
}

function short(responder: Responder, query: URLSearchParams, peer: string): HttpAnswer {
  const asLine = query.has('dn')
  const name = nameOf(query, asLine ? 'dn' : 'host')
  const client = clientOf(query, peer)
  const asked = [query.get('type') === '6' || query.get('type') === 'AAAA' ? 'AAAA' : 'A'].map((type) =>
    ask(responder, { name, type, client, over: 'http' }),
  )[0]!
  const ips = asked.records.map(({ data }) => data)
  const ttl = ttlOf(asked)
  if (asLine) {
    const tail = query.get('ttl') === '1' && ips.length > 0 ? `,${ttl}` : ''
    return { status: 200, type: 'text/plain', body: `${ips.join(';')}${tail}` }
  }
  if (asked.status !== 0) return json({ error: `${name} is not answered for` }, 404)
  return json({
    host: name,
    client_ip: client,
    ips,
    ttl,
    origin_ttl: ttl,
    ...(asked.stale ? { stale: true } : {}),
  })
}

/** Of no addresses, how long it may be kept that there are none. */
function ttlOf({ records, authority }: Asked): number {
  return Math.min(...(records.length > 0 ? records : authority).map(({ ttl }) => ttl), 86_400)
}

function nameOf(query: URLSearchParams, key: string): string {
  const name = query.get(key) ?? ''
  if (isAskable(name)) return name
  throw new Unreadable(`${key}: expected a domain name such as api.shop.example, found ${shown(name)}`)
}

function typeOf(query: URLSearchParams): keyof typeof recordTypes {
  const wanted = (query.get('type') ?? 'A').toUpperCase()
  const named = Object.entries(recordTypes).find(([, number]) => String(number) === wanted)?.[0] ?? wanted
  if (isType(named) && named !== 'OPT') return named
  throw new Unreadable(`type: expected a type of records such as A or 28, found ${shown(wanted)}`)
}

/** The client says where it is, or it is where its connection comes from. */
function clientOf(query: URLSearchParams, peer: string): string {
  const given = query.get('ip') ?? query.get('edns_client_subnet')
  if (given === null || given === '') return peer
  const [address = '', bits] = given.split('/')
  const bytes = ipBytes(address)
  const fits =
    bits === undefined || (/^\d{1,3}$/.test(bits) && bytes !== undefined && Number(bits) <= bytes.length * 8)
  if (bytes !== undefined && fits) return given
  throw new Unreadable(`ip: expected an address or network such as 203.0.113.7, found ${shown(given)}`)
}

function absolute(name: string): string {
  return name.endsWith('.') ? name : `${name}.`
}

function json(value: object, status = 200): HttpAnswer {
  return { status, type: 'application/json', body: JSON.stringify(value) }
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 100))
}
