import {
  type Fragment,
  ImportError,
  type ImportOptions,
  type Written,
  type WrittenEndpoint,
} from '../imported.ts'
import { Names } from '../names.ts'
import type { Notes } from '../notes.ts'
import { placeholderAddresses } from '../written-config.ts'
import { tellEntry, workloadsOf } from './istio-entry.ts'
import { items, keysOf, type Part, tellUnknown, textAt } from './manifest-part.ts'
import { readTrafficPolicy } from './istio-traffic-policy.ts'

/** Where requests go: a `destination` of a VirtualService. */
export interface Destination {
  readonly host: string
  readonly subset: string | undefined
  readonly port: string | undefined
  /** Of the VirtualService: short names are meant there. */
  readonly namespace: string
  readonly part: Part
}

/** A destination of a route, or of a mirror. */
export function readDestination(part: Part, namespace: string, notes: Notes): Destination {
  tellUnknown(part, knownInDestination, notes)
  return {
    host: textAt(part, 'host') ?? '',
    subset: textAt(part, 'subset'),
    port: textAt(part, 'port', 'number'),
    namespace,
    part,
  }
}

/** Where an object is; short names of hosts are meant there. */
export function namespaceOf(object: Part): string {
  return textAt(object, 'metadata', 'namespace') ?? 'default'
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
  readonly #asked: Set<string> = new Set()
  readonly #services: Fragment['services'] = {}

  constructor(options: ImportOptions, notes: Notes) {
    this.#options = options
    this.#notes = notes
  }

  addRule(rule: Part): void {
    const written = textAt(rule, 'spec', 'host') ?? ''
    const host = fullName(written, namespaceOf(rule))
    const lost = (reason: string): void =>
      this.#notes.add('lost', rule.place('spec', 'host'), `host: ${written}`, reason)
    if (host.includes('*')) return lost('expected a whole name: patterns of hosts have no counterpart')
    if (this.#rules.has(host)) return lost('the first rule of a host holds')
    this.#rules.set(host, rule)
    tellUnknown(rule.at('spec'), knownInRule, this.#notes, { exportTo: 'there are no namespaces here' })
    for (const subset of items(rule, 'spec', 'subsets')) tellUnknown(subset, knownInSubset, this.#notes)
  }

  addEntry(entry: Part): void {
    tellEntry(entry, this.#notes)
    for (const { value } of items(entry, 'spec', 'hosts'))
      this.#entries.set(fullName(String(value), namespaceOf(entry)), entry)
  }

  /** The service of the host, whatever the subset. */
  service(destination: Destination): string {
    const service = this.#make({ ...destination, subset: undefined })
    this.#checkSubset(destination, service)
    return service
  }

  /** A service of its own: of the endpoints of the subset where there is one. */
  ownService(destination: Destination): string {
    const service = this.#make(destination)
    this.#checkSubset(destination, service)
    return service
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
      if (!this.#asked.has(host))
        this.#notes.add(
          'default',
          rule.place('spec', 'host'),
          `host: ${textAt(rule, 'spec', 'host') ?? ''}`,
          'no route leads there',
        )
    return this.#services
  }

  #make(destination: Destination): string {
    const { subset, port } = destination
    const host = fullNameOf(destination)
    this.#asked.add(host)
    const key = `${host}:${port ?? ''}/${subset ?? ''}`
    const made = this.#made.get(key)
    if (made !== undefined) return made
    const short = shortName(destination.host)
    const name = this.#names.claim([short, port, subset].filter((each) => each !== undefined).join('-'))
    this.#made.set(key, name)
    const endpoints = this.#endpoints(destination)
    if (endpoints.length === 0 && this.#options.configured?.has(name) !== true) {
      const subsets = subset === undefined ? this.#subsets(destination) : [subset]
      const wanted = subsets.length === 0 ? short : subsets.map((each) => `${short}/${each}`).join(', ')
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
  #placeholders(destination: Destination): WrittenEndpoint[] {
    const subsets = destination.subset === undefined ? this.#subsets(destination) : []
    const releases = subsets.length === 0 ? [undefined] : subsets
    return placeholderAddresses(releases.length).map((address, index) => ({
      address,
      site: this.#options.site,
      ...released(releases[index]),
    }))
  }

  #endpoints(destination: Destination): WrittenEndpoint[] {
    const { subset, port } = destination
    const { site } = this.#options
    const found: WrittenEndpoint[] = []
    const add = (address: string, release: string | undefined, weight = 1): void => {
      if (subset !== undefined && release !== subset) return
      const own = subset === undefined ? released(release) : {}
      found.push({ address, site, ...own, ...(weight === 1 ? {} : { weight }) })
    }
    for (const address of this.#given(destination)) add(address, undefined)
    for (const each of this.#subsets(destination))
      for (const address of this.#given(destination, each)) add(address, each)
    const host = fullNameOf(destination)
    const entry = this.#entries.get(host)
    if (found.length > 0 || entry === undefined) return found
    for (const { address, labels, weight } of workloadsOf(entry, destination.host, port))
      add(address, this.#subsetOf(host, labels), weight)
    return found
  }

  /** What the options say of a host as it is written, else by its short name. */
  #given({ host }: Destination, subset?: string): readonly string[] {
    const { endpoints } = this.#options
    const at = (name: string): readonly string[] | undefined =>
      endpoints[subset === undefined ? name : `${name}/${subset}`]
    return at(host) ?? at(shortName(host)) ?? []
  }

  /** Those of the host's rule, and those for which the options have addresses. */
  #subsets(destination: Destination): string[] {
    const rule = this.#rules.get(fullNameOf(destination))
    const ruled =
      rule === undefined ? [] : items(rule, 'spec', 'subsets').flatMap((each) => textAt(each, 'name') ?? [])
    const given = [destination.host, shortName(destination.host)].flatMap((name) =>
      Object.keys(this.#options.endpoints).flatMap((key) =>
        key.startsWith(`${name}/`) ? [key.slice(name.length + 1)] : [],
      ),
    )
    return [...new Set([...ruled, ...given])]
  }

  /** The first subset all of whose labels are there. */
  #subsetOf(host: string, labels: ReadonlyMap<string, string>): string | undefined {
    const rule = this.#rules.get(host)
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

  /** Endpoints of the configuration say themselves which releases there are. */
  #checkSubset(destination: Destination, service: string): void {
    const { host, subset, part } = destination
    if (subset === undefined || this.#subsets(destination).includes(subset)) return
    if (this.#options.configured?.has(service) === true) return
    const { file, line } = part.place('subset')
    throw new ImportError(`${file}:${line}: subset ${subset} of ${host} is in no DestinationRule of the file`)
  }
}

/** Endpoints that say no release are stable. */
function released(subset: string | undefined): { release?: string } {
  return subset === undefined || subset === stable ? {} : { release: subset }
}

function fullNameOf({ host, namespace }: Destination): string {
  return fullName(host, namespace)
}

/** `shop` of the namespace prod is `shop.prod`, and so is `shop.prod.svc.cluster.local`; names of elsewhere are as they are. */
function fullName(host: string, namespace: string): string {
  const [, name, space] = clusterName.exec(host) ?? []
  if (name !== undefined) return `${name}.${space}`
  return host.includes('.') ? host : `${host}.${namespace}`
}

function shortName(host: string): string {
  return clusterName.exec(host)?.[1] ?? host
}

/** The release of what is of no other one. */
export const stable = 'stable'

const clusterName = /^([^.]+)\.([^.]+)\.svc(?:\..+)?$/

const knownInDestination: ReadonlySet<string> = new Set(['host', 'subset', 'port'])

const knownInRule: ReadonlySet<string> = new Set(['host', 'trafficPolicy', 'subsets'])

const knownInSubset: ReadonlySet<string> = new Set(['name', 'labels', 'trafficPolicy'])
