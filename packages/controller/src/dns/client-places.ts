import type { GslbConfig, GslbExplanation } from '@budao/model'
import { mix32, PrefixTable, type Random } from '@budao/resilience'
import type { FollowedName } from './followed-name.ts'
import type { GeoFacts, GeoFiles } from './geo-files.ts'
import { ipText, networkOf } from './ip.ts'
import { networkKey } from './network-key.ts'

/** The site of one answer, and the prefix length of clients that it holds for. */
export interface PlacedChoice {
  readonly site: number
  readonly scope: number
}

/** What is known of where a client is. */
export interface ClientPlace {
  /** By site, more is nearer. */
  readonly nearness: readonly number[]
  /** Within a prefix of so many bits everybody is at the same place. */
  readonly bits: number
  readonly facts: GeoFacts
  /** The network of a site that it is in, as the configuration has it. */
  readonly network: string | null
}

/** A network that a person has written down counts more than what a carrier says, that more than a region, and so on. */
const worth = { network: 16, asn: 8, region: 4, country: 2, continent: 1 } as const
/** Places are kept for so many networks. */
const KEPT_MAX = 32_768
/** Prefix lengths that are told apart where places are kept and where chance decides: those of RFC 7871, 11.1. */
const BITS_4 = 24
const BITS_6 = 56

/** Where clients are, and which site they get. */
export class ClientPlaces {
  readonly #sites: readonly GslbConfig['sites'][string][]
  readonly #geo: GeoFiles | null
  readonly #tables: Readonly<Record<4 | 16, PrefixTable>> = { 4: new PrefixTable(), 16: new PrefixTable() }
  /** The networks of `#tables`, and the site of each. */
  readonly #networks: { readonly text: string; readonly site: number }[] = []
  /** By the first 24 bits of IPv4 addresses, as far as no network is smaller. */
  readonly #kept: Map<number, ClientPlace> = new Map()
  readonly #none: readonly number[]

  constructor(sites: GslbConfig['sites'], geo: GeoFiles | null) {
    this.#sites = Object.values(sites)
    this.#geo = geo
    this.#none = this.#sites.map(() => 0)
    for (const [site, { networks }] of this.#sites.entries())
      for (const text of networks) this.#add(text, this.#networks.push({ text, site }) - 1)
  }

  /**
   * The site for a client.
   *
   * @param bits of the address that are known
   */
  choose(
    followed: FollowedName,
    address: Uint8Array,
    bits: number,
    { random, wallNow }: { readonly random: Random; wallNow(): number },
  ): PlacedChoice {
    const { policy, sticky } = followed.config
    if (policy === 'failover' || policy === 'all-active')
      return { site: followed.choose({ nearness: this.#none, key: 0 }), scope: 0 }
    const place = policy === 'nearest' ? this.place(address) : null
    const site = followed.choose({
      nearness: place?.nearness ?? this.#none,
      key:
        sticky === 0
          ? Math.floor(random.next() * 0x1_0000_0000)
          : stickyKey(address, bits, sticky, wallNow()),
    })
    // Where the client's network has taken part in the draw, the answer is for no larger one.
    const drawn = sticky === 0 ? 0 : Math.min(bits, address.length === 4 ? BITS_4 : BITS_6)
    const decided = policy === 'nearest' && followed.isAloneAt(place!.nearness)
    return { site, scope: Math.max(place?.bits ?? 0, decided ? 0 : drawn) }
  }

  place(address: Uint8Array): ClientPlace {
    const key = address.length === 4 ? (address[0]! << 16) | (address[1]! << 8) | address[2]! : -1
    const kept = this.#kept.get(key)
    if (kept !== undefined) return kept
    const place = this.#look(address)
    if (key < 0 || place.bits > BITS_4) return place
    if (this.#kept.size >= KEPT_MAX) this.#kept.clear()
    this.#kept.set(key, place)
    return place
  }

  /** What `budao dns explain` says of a place. */
  facts({ facts, network }: ClientPlace): GslbExplanation['place'] {
    const { country, region, continent, asn } = facts
    return { network, country, region, continent, asn }
  }

  #look(address: Uint8Array): ClientPlace {
    const match = this.#tables[lengthOf(address)].find(address)
    const network = match.value === -1 ? null : this.#networks[match.value]!
    const networkBits = match.bits
    const facts = this.#geo?.find(ipText(address)) ?? noFacts
    const nearness = this.#sites.map(
      ({ asns, regions, countries, continents }, site) =>
        (network?.site === site ? worth.network : 0) +
        (facts.asn !== null && asns.includes(facts.asn) ? worth.asn : 0) +
        (facts.region !== null && regions.includes(facts.region) ? worth.region : 0) +
        (facts.country !== null && countries.includes(facts.country) ? worth.country : 0) +
        (facts.continent !== null && continents.includes(facts.continent as 'AS') ? worth.continent : 0),
    )
    return { nearness, bits: Math.max(networkBits, facts.bits), facts, network: network?.text ?? null }
  }

  #add(text: string, value: number): void {
    const network = networkOf(text)
    if (network !== undefined)
      this.#tables[lengthOf(network.address)].add(network.address, network.length, value)
  }
}

const noFacts: GeoFacts = { country: null, region: null, continent: null, asn: null, bits: 0 }

function lengthOf(address: Uint8Array): 4 | 16 {
  return address.length === 4 ? 4 : 16
}

/** The same for one network within a time of `stickyMs`; networks change at different moments. By the wall clock: other servers agree. */
function stickyKey(address: Uint8Array, bits: number, stickyMs: number, wallNow: number): number {
  const network = networkKey(address, bits)
  return mix32(network ^ mix32(Math.floor((wallNow + (network % stickyMs)) / stickyMs)))
}
