import {
  type Fragment,
  ImportError,
  type ImportOptions,
  type Written,
  type WrittenEndpoint,
} from '../imported.ts'
import { Names } from '../names.ts'
import type { Notes } from '../notes.ts'
import { placeholderAddress } from '../written-config.ts'
import { items, keysOf, type Part, textAt } from './manifest-part.ts'
import { readTrafficPolicy } from './istio-traffic-policy.ts'

/** Where requests go: a `destination` of a VirtualService. */
export interface Destination {
  readonly host: string
  readonly subset: string | undefined
  readonly port: string | undefined
  readonly part: Part
}

interface Workload {
  readonly address: string
  readonly labels: ReadonlyMap<string, string>
  readonly weight: number
}

/** A destination of a route, or of a mirror. */
export function readDestination(part: Part): Destination {
  return {
    host: textAt(part, 'host') ?? '',
    subset: textAt(part, 'subset'),
    port: textAt(part, 'port', 'number'),
    part,
  }
}

/**
 * The services behind hosts. A subset is a release of its host's service, and where a release would say too little, a
 * service of its own. Addresses are those of ServiceEntries, and those that the options give as HOST or HOST/SUBSET.
 */
export class Hosts {
  readonly #options: ImportOptions
  readonly #notes: Notes
  readonly #names: Names = new Names()
  readonly #rules: Map<string, Part> = new Map()
  readonly #entries: Map<string, Part> = new Map()
  readonly #made: Map<string, string> = new Map()
  readonly #services: Fragment['services'] = {}

  constructor(options: ImportOptions, notes: Notes) {
    this.#options = options
    this.#notes = notes
  }

  addRule(rule: Part): void {
    const host = textAt(rule, 'spec', 'host') ?? ''
    if (this.#rules.has(shortName(host)))
      this.#notes.add('lost', rule.place('spec', 'host'), `host: ${host}`, 'the first rule of a host holds')
    else this.#rules.set(shortName(host), rule)
    for (const key of keysOf(rule.at('spec')))
      if (!knownInRule.has(key))
        this.#notes.add('default', rule.place('spec', key), key, 'there are no namespaces here')
  }

  addEntry(entry: Part): void {
    for (const host of items(entry, 'spec', 'hosts')) this.#entries.set(shortName(String(host.value)), entry)
  }

  /** The service of the host, whatever the subset. */
  service(destination: Destination): string {
    this.#checkSubset(destination)
    return this.#make({ ...destination, subset: undefined })
  }

  /** A service of the endpoints of its subset alone. */
  subsetService(destination: Destination): string {
    this.#checkSubset(destination)
    return this.#make(destination)
  }

  /** Settings that a route has for its services; those of the first route stay. False: another one came before. */
  setRetry(service: string, retry: Written): boolean {
    const there = this.#services[service]!
    there['retry'] ??= retry
    return JSON.stringify(there['retry']) === JSON.stringify(retry)
  }

  list(): Fragment['services'] {
    // What no route names has no requests.
    for (const [host, rule] of this.#rules)
      if (![...this.#made.keys()].some((key) => key.startsWith(`${host}:`)))
        this.#notes.add('default', rule.place('spec', 'host'), `host: ${host}`, 'no route leads there')
    return this.#services
  }

  #make(destination: Destination): string {
    const { subset, port } = destination
    const host = shortName(destination.host)
    const key = `${host}:${port ?? ''}/${subset ?? ''}`
    const made = this.#made.get(key)
    if (made !== undefined) return made
    const name = this.#names.claim(
      [host, port, subset].filter((each) => each !== undefined && each !== '').join('-'),
    )
    this.#made.set(key, name)
    const endpoints = this.#endpoints(destination)
    if (endpoints.length === 0 && this.#options.configured?.has(name) !== true) {
      const wanted = subset === undefined ? host : `${host}/${subset}`
      const reason = `no address is known: say ${wanted} in --endpoints, or endpoints of service ${name}; a placeholder stands there`
      this.#notes.add('lost', destination.part.place(), `host ${destination.host}`, reason)
    }
    const rule = this.#rules.get(host)
    this.#services[name] = {
      endpoints: endpoints.length > 0 ? endpoints : this.#placeholders(destination),
      ...(rule === undefined ? {} : this.#policy(rule, subset)),
    }
    return name
  }

  /** One for each subset, so that routes may name the releases. */
  #placeholders({ host, subset }: Destination): WrittenEndpoint[] {
    const { site } = this.#options
    const subsets = subset === undefined ? this.#subsets(host) : []
    const plain = { address: placeholderAddress, site }
    return subsets.length === 0 ? [plain] : subsets.map((each) => ({ ...plain, release: each }))
  }

  #endpoints({ host, subset, port }: Destination): WrittenEndpoint[] {
    const { site, endpoints: given } = this.#options
    const name = shortName(host)
    const subsets = this.#subsets(host)
    const found: WrittenEndpoint[] = []
    const add = (address: string, release: string | undefined, weight = 1): void => {
      if (subset !== undefined && release !== subset) return
      const named = subset === undefined && release !== undefined && release !== 'stable'
      found.push({ address, site, ...(named ? { release } : {}), ...(weight === 1 ? {} : { weight }) })
    }
    for (const address of given[name] ?? []) add(address, undefined)
    for (const each of subsets) for (const address of given[`${name}/${each}`] ?? []) add(address, each)
    if (found.length > 0) return found
    for (const { address, labels, weight } of this.#workloads(name, port))
      add(address, this.#subsetOf(host, labels), weight)
    return found
  }

  /** The endpoints of a ServiceEntry, each with the labels it has. */
  #workloads(host: string, port: string | undefined): Workload[] {
    const entry = this.#entries.get(host)
    if (entry === undefined) return []
    const ports = items(entry, 'spec', 'ports')
    const chosen = ports.find((each) => port === undefined || textAt(each, 'number') === port)
    if (chosen === undefined) return []
    const own = textAt(chosen, 'targetPort') ?? textAt(chosen, 'number') ?? '80'
    const endpoints = items(entry, 'spec', 'endpoints')
    if (endpoints.length === 0)
      return items(entry, 'spec', 'addresses').map(({ value }) => ({
        address: `${String(value)}:${own}`,
        labels: new Map(),
        weight: 1,
      }))
    return endpoints.map((endpoint) => {
      const at = textAt(endpoint, 'ports', textAt(chosen, 'name') ?? '') ?? own
      const ip = textAt(endpoint, 'address') ?? ''
      const labels = endpoint.at('labels')
      return {
        address: `${ip.includes(':') ? `[${ip}]` : ip}:${at}`,
        labels: new Map(keysOf(labels).map((key) => [key, textAt(labels, key) ?? ''])),
        weight: Number(textAt(endpoint, 'weight') ?? 1),
      }
    })
  }

  /** Those of the host's rule, and those for which the options have addresses. */
  #subsets(host: string): string[] {
    const name = shortName(host)
    const rule = this.#rules.get(name)
    const ruled =
      rule === undefined ? [] : items(rule, 'spec', 'subsets').flatMap((each) => textAt(each, 'name') ?? [])
    const given = Object.keys(this.#options.endpoints).filter((key) => key.startsWith(`${name}/`))
    return [...new Set([...ruled, ...given.map((key) => key.slice(name.length + 1))])]
  }

  /** The first subset all of whose labels are there. */
  #subsetOf(host: string, labels: ReadonlyMap<string, string>): string | undefined {
    const rule = this.#rules.get(shortName(host))
    if (rule === undefined) return undefined
    const subset = items(rule, 'spec', 'subsets').find((each) => {
      const wanted = each.at('labels')
      const keys = keysOf(wanted)
      return keys.length > 0 && keys.every((key) => labels.get(key) === textAt(wanted, key))
    })
    return subset === undefined ? undefined : textAt(subset, 'name')
  }

  #policy(rule: Part, subset: string | undefined): Written {
    const shared = readTrafficPolicy(rule.at('spec', 'trafficPolicy'), this.#notes)
    for (const each of items(rule, 'spec', 'subsets')) {
      const policy = each.at('trafficPolicy')
      if (policy.value === undefined) continue
      if (textAt(each, 'name') === subset) return { ...shared, ...readTrafficPolicy(policy, this.#notes) }
      if (subset === undefined)
        this.#notes.add(
          'lost',
          policy.place(),
          `trafficPolicy of subset ${textAt(each, 'name') ?? ''}`,
          'settings of a service are those of all its releases',
        )
    }
    return shared
  }

  #checkSubset({ host, subset, part }: Destination): void {
    if (subset === undefined || this.#subsets(host).includes(subset)) return
    if (this.#options.configured?.has(shortName(host)) === true) return
    const { file, line } = part.place('subset')
    throw new ImportError(`${file}:${line}: subset ${subset} of ${host} is in no DestinationRule of the file`)
  }
}

/** `shop` of `shop.prod.svc.cluster.local`; other names as they are. */
function shortName(host: string): string {
  return /^([^.]+)\.[^.]+\.svc(?:\..+)?$/.exec(host)?.[1] ?? host
}

const knownInRule: ReadonlySet<string> = new Set(['host', 'trafficPolicy', 'subsets'])
