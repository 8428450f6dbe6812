import {
  parseDnsRecord,
  type Config,
  type GslbConfig,
  type GslbRecordConfig,
  type GslbZoneConfig,
} from '@budao/model'
import { FollowedName, type FollowedSites } from './followed-name.ts'
import { recordSet, typeNumber, type RecordBody, type RecordSet } from './record-set.ts'
import { keyName, nameKey, parentKey, recordTypes } from './wire.ts'

/** What there is of one name. Without sets and without a followed name it only has names below it. */
export interface ZoneNode {
  readonly zone: Zone
  /** By number of the type. */
  readonly sets: Map<number, RecordSet>
  followed: FollowedName | null
}

/** One zone that is answered for. */
export interface Zone {
  readonly name: string
  readonly key: string
  readonly soa: RecordSet
  readonly negativeTtl: number
}

/** Of a question: its node, `nxdomain` within a zone, or neither: a zone of somebody else. */
export type ZoneLookup = ZoneNode | Zone | null

const SECOND_MS = 1_000
/** What secondary servers are told; there are none, as nothing is transferred. Those of RIPE-203. */
const REFRESH = 86_400
const RETRY = 7_200
const EXPIRE = 3_600_000
const NS_TTL = 86_400
const WILDCARD = '\u0001*'

/** All zones of one configuration, by name. */
export class ZoneBook {
  readonly followed: readonly FollowedName[]
  readonly zones: readonly Zone[]
  readonly serial: number
  readonly #nodes: Map<string, ZoneNode> = new Map()
  readonly #zones: Map<string, Zone> = new Map()

  /** @param serial of the zones: seconds of the wall clock, so that it grows from configuration to configuration */
  constructor(gslb: GslbConfig, sites: Config['sites'], serial: number) {
    this.serial = serial
    const shared = followedSites(gslb, sites)
    const followed: FollowedName[] = []
    for (const [name, settings] of Object.entries(gslb.zones)) {
      const zone = makeZone(name, settings, serial)
      this.#zones.set(zone.key, zone)
      const apex = this.#node(zone, zone.key)
      apex.sets.set(typeNumber('SOA'), zone.soa)
      apex.sets.set(typeNumber('NS'), nameServerSet(settings))
      this.#addRecords(zone, settings.records)
      for (const [owner, config] of Object.entries(settings.names)) {
        const key = ownerKey(owner, zone)
        const each = new FollowedName(keyName(key), config, shared)
        followed.push(each)
        this.#node(zone, key).followed = each
      }
    }
    this.followed = followed
    this.zones = [...this.#zones.values()]
  }

  /** The exact node, else the wildcard of the closest name that exists (RFC 4592). */
  find(key: string): ZoneLookup {
    const node = this.#nodes.get(key)
    if (node !== undefined) return node
    for (let name = key; name !== '';) {
      name = parentKey(name)
      const closest = this.#nodes.get(name)
      if (closest !== undefined) return this.#nodes.get(WILDCARD + name) ?? closest.zone
    }
    return null
  }

  /** The node of a name in text; undefined where it is none of ours. */
  node(name: string): ZoneNode | undefined {
    const found = this.find(nameKey(name.endsWith('.') ? name.slice(0, -1) : name))
    return found !== null && 'sets' in found ? found : undefined
  }

  /** Types of the records at exactly this name. */
  typesAt(key: string): string[] {
    const node = this.#nodes.get(key)
    if (node === undefined) return []
    const types = Object.entries(recordTypes).filter(([, number]) => node.sets.has(number))
    return [...types.map(([type]) => type), ...(node.followed === null ? [] : ['A', 'AAAA'])]
  }

  /** How many names that follow the sites, and other records, a zone has. */
  size(zoneKey: string): { readonly names: number; readonly records: number } {
    let [names, records] = [0, 0]
    for (const { zone, sets, followed } of this.#nodes.values()) {
      if (zone.key !== zoneKey) continue
      if (followed !== null) names++
      for (const set of sets.values()) records += set.count
    }
    return { names, records }
  }

  #addRecords(zone: Zone, records: readonly GslbRecordConfig[]): void {
    const groups = Map.groupBy(records, ({ name, type }) => `${type} ${name}`)
    for (const group of groups.values()) {
      const { name, type } = group[0]!
      // RFC 2181: records of one name and type have one time to live.
      const ttl = Math.round(Math.min(...group.map((record) => record.ttl)) / SECOND_MS)
      const set = recordSet(group.map(bodyOf), ttl)
      this.#node(zone, ownerKey(name, zone)).sets.set(typeNumber(type), set)
    }
  }

  /** The node and those above it up to the zone, which exist by it. */
  #node(zone: Zone, key: string): ZoneNode {
    let node = this.#nodes.get(key)
    if (node === undefined || (node.zone !== zone && key === zone.key)) {
      node = { zone, sets: new Map(), followed: null }
      this.#nodes.set(key, node)
    }
    if (key !== zone.key) this.#node(zone, parentKey(key))
    return node
  }
}

function followedSites(gslb: GslbConfig, sites: Config['sites']): FollowedSites {
  const names = Object.keys(gslb.sites)
  return {
    names,
    addresses: names.map((name) => gslb.sites[name]!.addresses),
    weights: names.map((name) => sites[name]?.weight ?? 1),
  }
}

function makeZone(name: string, settings: GslbZoneConfig, serial: number): Zone {
  const negativeTtl = Math.round(settings.negativeTtl / SECOND_MS)
  const soa = recordSet(
    [
      {
        type: 'SOA',
        data: {
          mname: settings.nameServers[0]!,
          rname: settings.contact ?? `hostmaster.${name}`,
          serial,
          refresh: REFRESH,
          retry: RETRY,
          expire: EXPIRE,
          minimum: negativeTtl,
        },
      },
    ],
    negativeTtl,
  )
  return { name, key: nameKey(name), soa, negativeTtl }
}

function nameServerSet({ nameServers }: GslbZoneConfig): RecordSet {
  return recordSet(
    nameServers.map((data) => ({ type: 'NS', data })),
    NS_TTL,
  )
}

/** Checked with the configuration. */
function bodyOf({ type, value }: GslbRecordConfig): RecordBody {
  const parsed = parseDnsRecord(type, value)!
  switch (parsed.type) {
    case 'A':
    case 'AAAA':
    case 'CNAME':
      return { type: parsed.type, data: parsed.data }
    case 'TXT':
      return { type: parsed.type, data: [...parsed.data] }
    case 'MX':
      return { type: parsed.type, data: parsed.data }
    case 'SRV':
      return { type: parsed.type, data: parsed.data }
    case 'CAA': {
      const { flags, tag, value: issuer } = parsed.data
      return { type: parsed.type, data: { flags, tag: tag as 'issue', value: issuer } }
    }
  }
}

function ownerKey(owner: string, zone: Zone): string {
  return owner === '@' ? zone.key : nameKey(owner) + zone.key
}
