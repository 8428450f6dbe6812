import type { Imported, ImportKind, ImportOptions, WrittenListener, WrittenRoute } from '../imported.ts'
import { Names } from '../names.ts'
import { Notes } from '../notes.ts'
import { YamlSource } from '../yaml-source.ts'
import { readRoute, type RouteEntry, sortEntries } from './gateway-api-route.ts'
import { BackendServices } from './gateway-api-services.ts'
import { items, objectsOf, type Part, part, textAt } from './manifest-part.ts'

/** HTTPRoutes of the Gateway API of Kubernetes, and the plain listeners of its Gateways. */
export const gatewayApi: ImportKind = {
  name: 'gateway-api',
  title: 'Gateway API: HTTPRoute and Gateway',
  detects: (text) => /^\s*["']?kind["']?\s*:\s*["']?(HTTPRoute|Gateway|HTTPRouteList)\b/m.test(text),
  read: readGatewayApi,
}

function readGatewayApi(text: string, options: ImportOptions): Imported {
  const notes = new Notes()
  const services = new BackendServices(options, notes)
  const listeners: WrittenListener[] = []
  const entries: RouteEntry[] = []
  for (const source of YamlSource.parse(text, options.file)) {
    for (const object of objectsOf(part(source, options.file))) {
      const kind = textAt(object, 'kind')
      if (kind === 'HTTPRoute') entries.push(...readRoute(object, services, notes))
      else if (kind === 'Gateway') listeners.push(...readGateway(object, notes))
      else if (object.value !== null && object.value !== undefined)
        notes.add(
          'lost',
          object.place(),
          `kind: ${kind ?? 'none'}`,
          'only HTTPRoute and Gateway are imported',
        )
    }
  }
  return {
    fragment: {
      sites: [options.site],
      listeners,
      services: services.list(),
      routes: routesOf(sortEntries(entries)),
    },
    notes: notes.list(),
  }
}

function readGateway(gateway: Part, notes: Notes): WrittenListener[] {
  const names = new Names()
  return items(gateway, 'spec', 'listeners').flatMap((listener) => {
    const protocol = textAt(listener, 'protocol')
    const name = textAt(listener, 'name') ?? 'listener'
    if (protocol !== 'HTTP') {
      const reason = 'only listeners of the protocol HTTP are carried over: certificates are in secrets'
      notes.add('lost', listener.place(), `listener ${name}`, reason)
      return []
    }
    if (textAt(listener, 'hostname') !== undefined)
      notes.add(
        'lost',
        listener.place('hostname'),
        'hostname',
        'a listener takes every name: routes have hosts',
      )
    if (listener.at('allowedRoutes').value !== undefined)
      notes.add('default', listener.place('allowedRoutes'), 'allowedRoutes', 'there are no namespaces here')
    const address = `0.0.0.0:${String(listener.at('port').value)}`
    return [{ name: names.claim(name), address, protocol: 'http' as const }]
  })
}

function routesOf(entries: readonly RouteEntry[]): WrittenRoute[] {
  const names = new Names()
  const routes: { entry: RouteEntry; match: unknown[] }[] = []
  for (const entry of entries) {
    const last = routes.at(-1)
    // Matches of one rule that stand side by side are one route.
    if (last?.entry.body === entry.body && last.entry.hosts === entry.hosts) last.match.push(entry.match)
    else routes.push({ entry, match: [entry.match] })
  }
  return routes.map(({ entry, match }) => ({
    name: names.claim(entry.name),
    ...(entry.hosts[0] === '*' ? {} : { hosts: entry.hosts }),
    ...(JSON.stringify(match) === '[{}]' ? {} : { match }),
    ...entry.body,
  }))
}
