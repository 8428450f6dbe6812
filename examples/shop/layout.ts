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

/** Who carries a site's changes to the other, and theirs here. */
export interface ReplicatorPlace {
  readonly name: string
  readonly site: Site
  readonly port: number
}

/** Who watches both sites from a third place. */
export interface WitnessPlace {
  readonly name: string
  readonly adminPort: number
}

/** Where messages about alerts arrive. */
export interface InboxPlace {
  readonly name: string
  /** Of its page and its robot. */
  readonly port: number
  readonly mailPort: number
}

/** Which process of the demo is where. */
export interface Layout {
  readonly shops: readonly ShopPlace[]
  /** A process of the next release of the shop. */
  readonly release: ShopPlace
  readonly gateways: readonly GatewayPlace[]
  readonly miniProgram: MiniProgramPlace
  readonly witness: WitnessPlace
  readonly replicators: readonly ReplicatorPlace[]
  readonly inbox: InboxPlace
}

/** A port that somebody else has. */
export interface BusyPort {
  readonly port: number
  /** Whose it would have been. */
  readonly name: string
}

/** The ports in `east.yaml`, `west.yaml`, `witness.yaml`, those of the replicators and of the inbox. */
export const defaultPorts: readonly number[] = [
  ...[8080, 8081, 9900, 9901, 7001, 7002, 7101, 7102, 8082],
  ...[9902, 9940, 9941, 9942, 7003, 7103, 8083, 8025, 7004],
]

/**
 * Ports in the order of `defaultPorts`: gateways, their admin addresses, shops of east, shops of west, mini program, admin address of the
 * witness, links of the gateways and the witness, replicators, page and robot of the inbox, its mail, the next release.
 */
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
    release: { name: 'shop-next', site: 'east', port: at(17) },
    miniProgram: { name: 'miniprogram', port: at(8) },
    witness: { name: 'witness', adminPort: at(9) },
    replicators: sites.map((site, index) => ({ name: `${site}-data`, site, port: at(13 + index) })),
    inbox: { name: 'inbox', port: at(15), mailPort: at(16) },
  }
}

const firstBlock = 32_000
const blockSize = 32
const blocks = 24
let block: Promise<number> | undefined
let given = 0

/**
 * Ports of 127.0.0.1 on which nobody listens, all different, from a block that is this process's for as long as it lives: two demos that start
 * at once do not choose the same. Below those that Linux gives to outgoing connections: none of these takes the port of a shop while that is
 * down, which would then never come back.
 */
export async function freePorts(count: number = defaultPorts.length): Promise<readonly number[]> {
  const first = await (block ??= takeBlock())
  const servers: Server[] = []
  for (let tries = 1; tries < blockSize && servers.length < count; tries++) {
    const server = await listen(first + 1 + (given++ % (blockSize - 1))).catch(() => null)
    if (server !== null) servers.push(server)
  }
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map(close))
  if (ports.length < count)
    throw new Error(
      `expected ${count} free ports from ${first + 1} to ${first + blockSize - 1}, found ${ports.length}`,
    )
  return ports
}

/** Its first port, on which this process listens from then on. */
async function takeBlock(): Promise<number> {
  for (let tries = 0; tries < blocks; tries++) {
    const first = firstBlock + ((process.pid + tries) % blocks) * blockSize
    const guard = await listen(first).catch(() => null)
    if (guard === null) continue
    guard.unref()
    return first
  }
  throw new Error(
    `somebody listens on the first port of each of ${blocks} blocks from ${firstBlock}; name ports yourself`,
  )
}

/** The first port of the layout that cannot be listened on, if any. */
export async function busyPort(ports: readonly number[]): Promise<BusyPort | undefined> {
  const layout = layoutOf(ports)
  const nodes = [...layout.gateways, layout.witness].map(({ name }) => name)
  const wanted = [
    ...layout.gateways.map(({ name, port }) => ({ name, port })),
    ...layout.gateways.map(({ name, adminPort }) => ({ name: `admin of ${name}`, port: adminPort })),
    ...[...layout.shops, layout.release].map(({ name, port }) => ({ name, port })),
    layout.miniProgram,
    { name: `admin of ${layout.witness.name}`, port: layout.witness.adminPort },
    ...nodes.map((name, index) => ({ name: `link of ${name}`, port: ports[10 + index]! })),
    ...layout.replicators,
    layout.inbox,
    { name: 'mail of the inbox', port: layout.inbox.mailPort },
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

/** What a demo has for drills: a relay for each shop in the order of the layout and one for the next release, where they are told what to lose, DNS at each gateway. */
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
  const text = moved(`${site}.yaml`, ports, stateDir)
  if (relays === null) return text
  const links = linksOf(ports, relays)
  const lines = links.map(({ at, to }) => `      - { listen: "${at}", to: "${to}" }`)
  const [own, other] = site === 'east' ? relays.dns : relays.dns.toReversed()
  return `${relayed(text, links)}  relays:\n    control: 127.0.0.1:${relays.control}\n    links:\n${lines.join('\n')}
  dnsServers: [127.0.0.1:${other}]
gslb:
  listen: [127.0.0.1:${own}]
  sites: { east: { addresses: [192.0.2.1] }, west: { addresses: [198.51.100.1] } }
  zones: { shop.example: { nameServers: [ns1.shop.example], names: { api: { services: [shop] } } } }
`
}

/** The configuration of a site's replicator. */
export function dataConfig(site: Site, ports: readonly number[], stateDir: string): string {
  return moved(`${site}-data.yaml`, ports, stateDir)
}

/** The same of the witness: it looks at the shops as the gateways do. */
export function witnessConfig(
  ports: readonly number[],
  stateDir: string,
  relays: RelayPorts | null = null,
): string {
  const text = moved('witness.yaml', ports, stateDir)
  return relays === null ? text : relayed(text, linksOf(ports, relays))
}

interface RelayLink {
  readonly at: string
  readonly to: string
}

function linksOf(ports: readonly number[], relays: RelayPorts): readonly RelayLink[] {
  const { shops, release } = layoutOf(ports)
  return [...shops, release].map(({ port }, index) => ({
    at: `127.0.0.1:${relays.links[index]}`,
    to: `127.0.0.1:${port}`,
  }))
}

function relayed(text: string, links: readonly RelayLink[]): string {
  return links.reduce(
    (all, { at, to }) => all.replaceAll(`address: ${to}, site`, `address: ${at}, site`),
    text,
  )
}

function moved(file: string, ports: readonly number[], stateDir: string): string {
  return readFileSync(join(import.meta.dirname, file), 'utf8')
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
