import type { Imported, ImportKind, ImportOptions, WrittenListener, WrittenRoute } from '../imported.ts'
import { Names } from '../names.ts'
import { Notes } from '../notes.ts'
import { YamlSource } from '../yaml-source.ts'
import { Hosts } from './istio-hosts.ts'
import { readVirtualService } from './istio-route.ts'
import { items, objectsOf, type Part, part, textAt } from './manifest-part.ts'

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
    fragment: { sites: [options.site], listeners, services: hosts.list(), routes: byHosts(routes) },
    notes: notes.list(),
  }
}

/** Whole names before `*.` names, long ones of these before short ones, all names last; otherwise as they stand. */
function byHosts(routes: readonly WrittenRoute[]): WrittenRoute[] {
  const rank = ({ hosts }: WrittenRoute): number => {
    const names = (hosts as readonly string[] | undefined) ?? ['*']
    return Math.min(...names.map((name) => (name === '*' ? 0 : name.startsWith('*') ? name.length : 1_000)))
  }
  return routes.toSorted((a, b) => rank(b) - rank(a))
}

function readGateway(gateway: Part, notes: Notes): WrittenListener[] {
  const names = new Names()
  return items(gateway, 'spec', 'servers').flatMap((server) => {
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
