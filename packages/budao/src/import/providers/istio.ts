import type { Imported, ImportKind, ImportOptions, WrittenListener } from '../imported.ts'
import { Names } from '../names.ts'
import { Notes } from '../notes.ts'
import { YamlSource } from '../yaml-source.ts'
import { Hosts } from './istio-hosts.ts'
import { readVirtualService } from './istio-route.ts'
import { items, objectsOf, type Part, part, tellUnknown, textAt } from './manifest-part.ts'

const kinds = ['VirtualService', 'DestinationRule', 'ServiceEntry', 'Gateway'] as const

/** VirtualServices and DestinationRules of Istio, with the addresses of its ServiceEntries and the plain ports of its Gateways. */
export const istio: ImportKind = {
  name: 'istio',
  title: 'Istio: VirtualService, DestinationRule, ServiceEntry and Gateway',
  detects: (text) =>
    /^\s*["']?apiVersion["']?\s*:\s*["']?networking\.istio\.io\//m.test(text) ||
    /^\s*["']?kind["']?\s*:\s*["']?(VirtualService|DestinationRule)\b/m.test(text),
  read: readIstio,
}

function readIstio(text: string, options: ImportOptions): Imported {
  const notes = new Notes()
  const objects = YamlSource.parse(text, options.file).flatMap((source) =>
    objectsOf(part(source, options.file)),
  )
  const of = (kind: (typeof kinds)[number]): Part[] =>
    objects.filter((object) => textAt(object, 'kind') === kind)
  const hosts = new Hosts(options, notes)
  for (const rule of of('DestinationRule')) hosts.addRule(rule)
  for (const entry of of('ServiceEntry')) hosts.addEntry(entry)
  const names = new Names()
  const routes = of('VirtualService').flatMap((object) => readVirtualService(object, hosts, names, notes))
  const listeners = of('Gateway').flatMap((gateway) => readGateway(gateway, notes))
  for (const object of objects) {
    const kind = textAt(object, 'kind')
    if (object.value === null || object.value === undefined || kinds.some((each) => each === kind)) continue
    notes.add('lost', object.place(), `kind: ${kind ?? 'none'}`, `only ${kinds.join(', ')} are imported`)
  }
  return {
    fragment: {
      sites: [options.site],
      listeners,
      services: hosts.list(),
      routes: routes.toSorted((a, b) => b.rank - a.rank).map(({ route }) => route),
    },
    notes: notes.list(),
  }
}

function readGateway(gateway: Part, notes: Notes): WrittenListener[] {
  const names = new Names()
  tellUnknown(gateway.at('spec'), knownInGateway, notes)
  return items(gateway, 'spec', 'servers').flatMap((server) => {
    tellUnknown(server, knownInServer, notes, { hosts: 'a listener takes every name: routes have hosts' })
    const protocol = textAt(server, 'port', 'protocol') ?? ''
    const name = textAt(server, 'port', 'name') ?? 'web'
    if (!['HTTP', 'HTTP2'].includes(protocol)) {
      const reason = 'only ports of the protocol HTTP are carried over: certificates are in secrets'
      notes.add('lost', server.place('port'), `port ${name}`, reason)
      return []
    }
    const address = `0.0.0.0:${textAt(server, 'port', 'number') ?? '80'}`
    return [{ name: names.claim(name), address, protocol: 'http' as const }]
  })
}

const knownInGateway: ReadonlySet<string> = new Set(['selector', 'servers'])

const knownInServer: ReadonlySet<string> = new Set(['port', 'name'])
