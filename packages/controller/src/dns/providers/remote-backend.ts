import { ask, type Asked } from '../asking.ts'
import type { HttpAnswer } from '../http-dns.ts'
import type { Responder } from '../responder.ts'
import type { ZoneBook } from '../zone-book.ts'
import { nameKey } from '../wire.ts'

const PREFIX = '/backend/'
/** A question for everything that there is of a name. */
const ANY = 'ANY'

/** What a PowerDNS asks beside the question: headers of its HTTP connector. */
export interface BackendRequest {
  readonly url: URL
  /** `X-RemoteBackend-Real-Remote`: the client's network, from its resolver where that says it. */
  readonly realRemote: string | undefined
  /** `X-RemoteBackend-Remote`: who has asked it. */
  readonly remote: string | undefined
}

/**
 * The HTTP connector of PowerDNS' remote backend, without `post`: `/backend/lookup/<name>/<type>` and what it asks about zones. Each name is answered as
 * it stands; wildcards, negative answers, EDNS and all else are that server's own. Null for another path.
 */
export function remoteBackend(
  responder: Responder,
  book: ZoneBook,
  { url, realRemote, remote }: BackendRequest,
): HttpAnswer | null {
  if (!url.pathname.startsWith(PREFIX)) return null
  let parts: string[]
  try {
    parts = url.pathname.slice(PREFIX.length).split('/').map(decodeURIComponent)
  } catch {
    return result(false)
  }
  const [method = '', subject = '', type = ''] = parts
  switch (method) {
    case 'lookup':
      return result(lookup(responder, book, subject, type, realRemote ?? remote ?? '127.0.0.1'))
    case 'getAllDomains':
      return result(book.zones.map(({ name }) => domainInfo(book, name)))
    case 'getDomainInfo':
      return result(zoneOf(book, subject) === undefined ? false : domainInfo(book, zoneOf(book, subject)!))
    case 'getDomainMetadata':
      return result([])
    case 'getAllDomainMetadata':
      return result({})
    default:
      // Keys, transfers and changes: what is not here is not done.
      return result(false)
  }
}

interface BackendRecord {
  readonly qname: string
  readonly qtype: string
  readonly content: string
  readonly ttl: number
  readonly auth: 1
  readonly scopeMask?: number
}

function lookup(
  responder: Responder,
  book: ZoneBook,
  name: string,
  type: string,
  client: string,
): readonly BackendRecord[] | false {
  const types = book.typesAt(nameKey(name.replace(/\.$/, '')))
  const wanted = type === ANY ? types : types.filter((each) => each === type)
  const records = wanted.flatMap((each) => {
    const asked = ask(responder, { name, type: each, client, over: 'backend' })
    return asked.records.map((record) => backendRecord(record, asked))
  })
  return records.length === 0 ? false : records
}

function backendRecord({ name, type, ttl, data }: Asked['records'][number], { scope }: Asked): BackendRecord {
  return {
    qname: `${name}.`,
    qtype: type,
    content: data,
    ttl,
    auth: 1,
    ...(scope === null || scope === 0 ? {} : { scopeMask: scope }),
  }
}

function zoneOf(book: ZoneBook, subject: string): string | undefined {
  const key = nameKey(subject.replace(/\.$/, ''))
  return book.zones.find((zone) => zone.key === key)?.name
}

function domainInfo(book: ZoneBook, name: string): object {
  const id = book.zones.findIndex((zone) => zone.name === name) + 1
  return { id, zone: `${name}.`, kind: 'native', serial: book.serial, notified_serial: book.serial }
}

function result(value: unknown): HttpAnswer {
  return { status: 200, type: 'application/json', body: JSON.stringify({ result: value }) }
}
