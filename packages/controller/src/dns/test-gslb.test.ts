// Not a test: names, sites and a server for the tests beside it.
import type { TestContext } from 'node:test'
import type { EventDraft, ServiceAtSite, ServingState, SiteStates } from '@budao/model'
import { parseConfig } from '@budao/model/parser'
import packet, { type DecodedPacket, type Packet } from 'dns-packet'
import { Gslb, type GslbSource } from './gslb.ts'

/** Sites whose states a test sets. */
export class TestSites implements SiteStates {
  readonly #states: Map<string, ServiceAtSite> = new Map()
  readonly #listeners: Set<() => void> = new Set()

  of(service: string, site: string): ServiceAtSite {
    return this.#states.get(`${service} ${site}`) ?? { state: 'serving', usable: 2, total: 2, suspect: false }
  }

  set(site: string, state: ServingState, more: Partial<ServiceAtSite> = {}, service = 'shop'): void {
    const usable = state === 'serving' ? 2 : state === 'degraded' ? 1 : 0
    this.#states.set(`${service} ${site}`, { state, usable, total: 2, suspect: false, ...more })
    for (const listener of this.#listeners) listener()
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

const sitesText = `    east: { addresses: [192.0.2.1, "2001:db8:e::1"], networks: [10.1.0.0/16] }
    west: { addresses: [198.51.100.1], networks: [10.2.0.0/16, 10.1.128.0/17] }
`

/** The part of a configuration that DNS answers from; `gslb` and `zone` are YAML, indented by 2 and 6. */
export function source({ gslb = '', zone = '', sites = sitesText } = {}): GslbSource {
  const text = `version: 1
node: { name: gw-1, site: east }
sites: { east: {}, west: {}, north: {} }
listeners: [{ name: web, address: 127.0.0.1:0, protocol: http }]
services: { shop: { endpoints: [{ address: 127.0.0.1:7001, site: east }] } }
routes: [{ name: all, backends: [{ service: shop }] }]
gslb:
  listen: [127.0.0.1:0]
${gslb}
  sites:
${sites}
  zones:
    shop.example:
      nameServers: [ns1.shop.example, ns2.shop.example]
${zone === '' ? '      names: { api: { services: [shop] } }' : zone}
`
  const parsed = parseConfig(text, 'test.yaml')
  if (!parsed.ok)
    throw new Error(parsed.problems.map(({ path, message }) => `${path}: ${message}`).join('\n'))
  return { sites: parsed.config.sites, gslb: parsed.config.gslb! }
}

/** A server on a free port that ends with the test. */
export async function testGslb(t: TestContext, written: Parameters<typeof source>[0] = {}) {
  const sites = new TestSites()
  const events: EventDraft[] = []
  const traffic = { site: 'east', requestsPerSecond: 0 }
  const gslb = await Gslb.start(source(written), {
    states: sites,
    traffic: () => traffic,
    baseDir: '.',
    report: (event) => events.push(event),
    warn: (message) => {
      throw new Error(message)
    },
  })
  t.after(() => gslb.close())
  const [address = ''] = gslb.addresses
  return { gslb, sites, events, traffic, port: Number(address.split(':')[1]), address }
}

/** A question in the form of messages. */
export function question(name: string, type: string, more: Packet = {}): Buffer {
  return packet.encode({
    type: 'query',
    id: 4711,
    flags: packet.RECURSION_DESIRED,
    questions: [{ name, type: type as 'A', class: 'IN' }],
    ...more,
  })
}

export interface ReadAnswer extends DecodedPacket {
  readonly rcode: string
}

/** An answer in the form of messages, read. */
export function read(answer: Buffer | null): ReadAnswer {
  if (answer === null) throw new Error('no answer')
  return packet.decode(answer) as ReadAnswer
}
