import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { join, resolve } from 'node:path'

export const sites = ['east', 'west'] as const

export type Site = (typeof sites)[number]

export interface ShopPlace {
  readonly name: string
  readonly site: Site
  readonly port: number
}

export interface GatewayPlace {
  readonly name: string
  readonly site: Site
  readonly port: number
  readonly adminPort: number
}

/** The mini program in a browser. */
export interface MiniProgramPlace {
  readonly name: string
  readonly port: number
}

/** Which process of the demo is where. */
export interface Layout {
  readonly shops: readonly ShopPlace[]
  readonly gateways: readonly GatewayPlace[]
  readonly miniProgram: MiniProgramPlace
}

/** A port that somebody else has. */
export interface BusyPort {
  readonly port: number
  /** Whose it would have been. */
  readonly name: string
}

/** The ports in `east.yaml` and `west.yaml`. */
export const defaultPorts: readonly number[] = [8080, 8081, 9900, 9901, 7001, 7002, 7101, 7102, 8082]

/** Ports in the order of `defaultPorts`: gateways, their admin addresses, shops of east, shops of west, mini program. */
export function layoutOf(ports: readonly number[]): Layout {
  const at = (index: number): number => ports[index]!
  return {
    gateways: sites.map((site, index) => ({
      name: `gw-${site}`,
      site,
      port: at(index),
      adminPort: at(2 + index),
    })),
    shops: sites.flatMap((site, index) =>
      [0, 1].map((nth) => ({ name: `shop-${site}-${nth + 1}`, site, port: at(4 + 2 * index + nth) })),
    ),
    miniProgram: { name: 'miniprogram', port: at(8) },
  }
}

/** Ports of 127.0.0.1 that were free a moment ago, all different. */
export async function freePorts(count: number = defaultPorts.length): Promise<readonly number[]> {
  const servers: Server[] = []
  while (servers.length < count) servers.push(await listen(0))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map(close))
  return ports
}

/** The first port of the layout that cannot be listened on, if any. */
export async function busyPort(layout: Layout): Promise<BusyPort | undefined> {
  const wanted = [
    ...layout.gateways.map(({ name, port }) => ({ name, port })),
    ...layout.gateways.map(({ name, adminPort }) => ({ name: `admin of ${name}`, port: adminPort })),
    ...layout.shops.map(({ name, port }) => ({ name, port })),
    layout.miniProgram,
  ]
  for (const { name, port } of wanted) {
    try {
      await close(await listen(port))
    } catch {
      return { name, port }
    }
  }
  return undefined
}

/** What a demo has for drills: a relay for each shop in the order of the layout, where they are told what to lose, DNS at each gateway. */
export interface RelayPorts {
  readonly links: readonly number[]
  readonly control: number
  readonly dns: readonly number[]
}

/**
 * The configuration of a site's gateway as shipped, with other ports and another folder for its state; with relays, these are its
 * endpoints.
 */
export function gatewayConfig(
  site: Site,
  ports: readonly number[],
  stateDir: string,
  relays: RelayPorts | null = null,
): string {
  const text = moved(site, ports, stateDir)
  if (relays === null) return text
  const shops = layoutOf(ports).shops
  const links = shops.map(({ port }, index) => ({
    at: `127.0.0.1:${relays.links[index]}`,
    to: `127.0.0.1:${port}`,
  }))
  const relayed = links.reduce(
    (all, { at, to }) => all.replaceAll(`address: ${to},`, `address: ${at},`),
    text,
  )
  const lines = links.map(({ at, to }) => `      - { listen: "${at}", to: "${to}" }`)
  const [own, other] = site === 'east' ? relays.dns : relays.dns.toReversed()
  return `${relayed}  relays:\n    control: 127.0.0.1:${relays.control}\n    links:\n${lines.join('\n')}
  dnsServers: [127.0.0.1:${other}]
gslb:
  listen: [127.0.0.1:${own}]
  sites: { east: { addresses: [192.0.2.1] }, west: { addresses: [198.51.100.1] } }
  zones: { shop.example: { nameServers: [ns1.shop.example], names: { api: { services: [shop] } } } }
`
}

/** Ports of the links between nodes, one for each gateway and controller. */
export interface ControlPorts {
  readonly links: readonly number[]
  readonly admins: readonly number[]
}

/** The processes that decide about failovers in the demo: one at the first site, one at no site. */
export const controllerNames = ['ctl-east', 'witness'] as const

/** The part `control` of a node's configuration: the same for all but for its own address. */
export function controlConfig(
  name: string,
  ports: readonly number[],
  stateDir: string,
  { links }: ControlPorts,
): string {
  const { gateways } = layoutOf(ports)
  const nodes = [
    ...gateways.map((gateway) => ({
      name: gateway.name,
      more: `site: ${gateway.site}, traffic: 127.0.0.1:${gateway.port}`,
    })),
    { name: controllerNames[0], more: 'site: east' },
    { name: controllerNames[1], more: 'witness: true' },
  ]
  const port = (node: string): number => links[nodes.findIndex((one) => one.name === node)]!
  const peers = nodes.map(
    ({ name: node, more }) => `    ${node}: { address: 127.0.0.1:${port(node)}, ${more} }\n`,
  )
  return `control:
  address: 127.0.0.1:${port(name)}
  token: { file: ${resolve(stateDir, 'control.token')} }
  store: { type: sqlite, path: ${resolve(stateDir, 'coordination.db')} }
${name === 'witness' ? '  witness: true\n' : ''}  peers:
${peers.join('')}`
}

/** The configuration of a controller: the services it decides about, and no listeners. */
export function controllerConfig(
  name: (typeof controllerNames)[number],
  ports: readonly number[],
  stateDir: string,
  control: ControlPorts,
): string {
  const admin = control.admins[controllerNames.indexOf(name)]
  const shops = layoutOf(ports).shops.map(
    ({ port, site }) => `      - { address: 127.0.0.1:${port}, site: ${site} }\n`,
  )
  return `version: 1
node: { name: ${name}${name === 'witness' ? '' : ', site: east'} }
dataDir: ${resolve(stateDir, name)}
sites: { east: {}, west: {} }
admin: { address: 127.0.0.1:${admin} }
services:
  shop:
    mode: multi-active
    endpoints:
${shops.join('')}${controlConfig(name, ports, stateDir, control)}`
}

function moved(site: Site, ports: readonly number[], stateDir: string): string {
  const text = readFileSync(join(import.meta.dirname, `${site}.yaml`), 'utf8')
  return text
    .replaceAll(
      /127\.0\.0\.1:(\d+)/g,
      (_, port: string) => `127.0.0.1:${ports[defaultPorts.indexOf(Number(port))]}`,
    )
    .replaceAll('../../data/shop', resolve(stateDir))
}

async function listen(port: number): Promise<Server> {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

async function close(server: Server): Promise<void> {
  server.close()
  await once(server, 'close')
}
