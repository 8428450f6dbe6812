/**
 * `npm start`: the shop at two sites of two processes and a replicator each, a gateway at each site, a witness at a third place, a mini program in
 * the browser, simulated phones. Ends with Ctrl-C or SIGTERM, and with it all it has started.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { UnitReport } from '@budao/model'
import { Crew } from './crew.ts'
import {
  busyPort,
  dataConfig,
  defaultPorts,
  freePorts,
  gatewayConfig,
  layoutOf,
  sites,
  witnessConfig,
} from './layout.ts'
import type { RelayPorts, Site } from './layout.ts'
import { Phones } from './phones.ts'
import { Inbox } from './inbox.ts'
import { holdLeash } from './leash.ts'
import { startRelease } from './release-desk.ts'
import { liveLine, welcome } from './screen.ts'
import { Store } from './store.ts'

const usage = `Usage: npm start -- [options]
  --port-base N      eighteen ports from N on instead of 7001 to 7004, 7101 to 7103,
                     8025, 8080 to 8083, 9900 to 9902 and 9940 to 9942; auto: free ones
  --data DIR         where databases, logs and pid files go (default data/shop)
  --temporary        they go to a new folder that is removed at the end
  --relays           what drills need: relays in front of the shops, which lose packets on order, and DNS
  --phones N         simulated phones (default 40, at most 500)
  --restart-after S  seconds until what died starts again (default 6)`
const workspace = join(import.meta.dirname, '../..')
const startMsMax = 60_000

holdLeash()
const options = readOptions()
const ports = await choosePorts(options.portBase)
const layout = layoutOf(ports)
const busy = await busyPort(ports)
if (busy !== undefined) {
  fail(
    `Port ${busy.port} (${busy.name}) is in use. Stop what uses it, or take other ports:\n` +
      '  npm start -- --port-base 18080',
  )
}

const stateDir = options.temporary
  ? mkdtempSync(join(tmpdir(), 'budao-demo-'))
  : (options.data ?? join(workspace, 'data', ports === defaultPorts ? 'shop' : `shop-${ports[0]}`))
const runDir = join(stateDir, 'run')
mkdirSync(runDir, { recursive: true })
keepKeys()
const tty = process.stdout.isTTY && process.send === undefined
const { restartAfterMs } = options
const crew = new Crew({ runDir, restartAfterMs, say })
const phones = new Phones(Math.random, {
  gateways: layout.gateways.map(({ port }) => `http://127.0.0.1:${port}`),
  users: options.phones,
})
let live: NodeJS.Timeout | undefined
let stopping: Promise<void> | undefined
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop())

const inbox = new Inbox({
  ...layout.inbox,
  robotKey: 'demo',
  errorsUrl: `http://127.0.0.1:${layout.shops[0]!.port}/demo/errors`,
  release: (flaw) =>
    startRelease(flaw, {
      releaseUrl: `http://127.0.0.1:${layout.release.port}`,
      adminUrl: `http://127.0.0.1:${layout.gateways[0]!.adminPort}`,
      rollout: layout.release.name,
    }),
  // That the demo ends is no news to whoever ends it.
  say: (line) => {
    if (stopping === undefined) say(line)
  },
})
await inbox.start()
const relays = options.relays ? await relayPorts() : null
const { configs, data, witness } = writeConfigs(relays)
startMiniProgram()
startReplicators()
startShops()
await Promise.all(
  [...layout.shops, layout.release, ...layout.replicators].map(async ({ name, port }) =>
    answers(name, `http://127.0.0.1:${port}/healthz`),
  ),
)
if (relays !== null) await startRelays(relays)
startWitness()
startGateways()
await Promise.all(
  layout.gateways.map(async ({ name, port, adminPort }) => {
    await answers(name, `http://127.0.0.1:${port}/api/products?page=1`)
    await answers(name, `http://127.0.0.1:${adminPort}/readyz`)
    // Until somebody may write no phone needs to try; and what is lost before the other site counts may be lost for good.
    await answers(name, `http://127.0.0.1:${adminPort}/api/v1/failover`, isReplicated)
  }),
)
await answers(layout.miniProgram.name, `http://127.0.0.1:${layout.miniProgram.port}/healthz`)
if (stopping === undefined) {
  phones.start()
  console.log(
    welcome(layout, configs.map(shown), shown(join(runDir, 'east.pids')), {
      readyMs: performance.now(),
      phones: options.phones,
      restartAfterMs,
    }),
  )
  showLive()
  process.send?.({ ready: true, configs })
}

function startShops(): void {
  const script = join(import.meta.dirname, 'server.ts')
  for (const { name, site, port } of [...layout.shops, layout.release]) {
    const replicator = layout.replicators.find((each) => each.site === site)!
    const given = {
      port: String(port),
      site,
      data: databaseOf(site),
      name,
      replicator: `http://127.0.0.1:${replicator.port}`,
    }
    const more = name === layout.release.name ? ['--flaw', join(stateDir, 'flaw')] : []
    const args = Object.entries(given).flatMap(([option, value]) => [`--${option}`, value])
    crew.start({ name, crew: site, args: ['--conditions=@budao/source', script, ...args, ...more] })
  }
}

function databaseOf(site: Site): string {
  return join(stateDir, `shop-${site}.db`)
}

/** They are of their site: whoever loses it loses them. */
function startReplicators(): void {
  // The tables are the shop's: whoever of them comes first finds them.
  for (const { site } of layout.replicators) new Store(databaseOf(site), site).close()
  for (const [index, { name, site }] of layout.replicators.entries())
    crew.start({ name, crew: site, args: budao('replicator', '-c', data[index]!) })
}

function startMiniProgram(): void {
  const { name, port } = layout.miniProgram
  const script = join(workspace, 'examples/shop-miniprogram/browser/serve.ts')
  const gateways = layout.gateways.flatMap((gateway) => ['--gateway', `http://127.0.0.1:${gateway.port}`])
  const keys = ['--channel-key', join(stateDir, 'channels.pem')]
  const args = [script, '--port', String(port), ...gateways, ...keys, '--run-dir', shown(runDir)]
  crew.start({ name, crew: name, args })
}

/**
 * What both gateways have in common: the key of the mini program's tokens, so that one issued by either holds at the
 * other, the secret of those who decide, and the signed order of channels, which is there to be edited.
 */
function keepKeys(): void {
  keep('session.pem', () => pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' })))
  keep('channels.pem', () => pemOf(generateKeyPairSync('rsa', { modulusLength: 2048 })))
  const order = layout.gateways.map(({ port }) => `http://127.0.0.1:${port}`)
  keep('control.token', () => randomBytes(24).toString('base64url'))
  keep('channels.json', () => `${JSON.stringify({ version: 1, order })}\n`)
}

/** Where the file is not there already. */
function keep(name: string, make: () => string): void {
  const file = join(stateDir, name)
  if (!existsSync(file)) writeFileSync(file, make(), { mode: 0o600 })
}

function pemOf({ privateKey }: { readonly privateKey: KeyObject }): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
}

/** Configuration files: as shipped where everything is where these say. */
function writeConfigs(relayed: RelayPorts | null): {
  readonly configs: string[]
  readonly data: string[]
  readonly witness: string
} {
  const asShipped =
    ports === defaultPorts && options.data === undefined && !options.temporary && relayed === null
  if (!asShipped) copyFileSync(join(import.meta.dirname, 'alerts.json'), join(runDir, 'alerts.json'))
  const written = (name: string, text: () => string): string => {
    if (asShipped) return join(import.meta.dirname, name)
    const file = join(runDir, name)
    writeFileSync(file, text())
    return file
  }
  return {
    configs: sites.map((site) =>
      written(`${site}.yaml`, () => gatewayConfig(site, ports, stateDir, relayed)),
    ),
    data: sites.map((site) => written(`${site}-data.yaml`, () => dataConfig(site, ports, stateDir))),
    witness: written('witness.yaml', () => witnessConfig(ports, stateDir, relayed)),
  }
}

async function relayPorts(): Promise<RelayPorts> {
  const [told, one, two, ...links] = await freePorts(layout.shops.length + 4)
  return { control: told!, links, dns: [one!, two!] }
}

/** Before the gateways: whoever is there first leads. After the shops: what it has seen dead it takes for well only after a while. */
function startWitness(): void {
  const { name } = layout.witness
  mkdirSync(join(stateDir, name), { recursive: true })
  crew.start({ name, crew: 'controllers', args: budao('controller', '-c', witness) })
}

/** Before whoever looks at the shops by them. */
async function startRelays({ links }: RelayPorts): Promise<void> {
  crew.start({ name: 'relays', crew: 'relays', args: budao('drill', 'relays', '-c', configs[0]!) })
  await Promise.all(links.map((port) => answers('relays', `http://127.0.0.1:${port}/healthz`)))
}

function startGateways(): void {
  for (const [index, { name }] of layout.gateways.entries()) {
    mkdirSync(join(stateDir, name), { recursive: true })
    rmSync(join(stateDir, name, 'access.log'), { force: true })
    crew.start({ name, crew: 'gateways', args: budao('up', '-c', configs[index]!) })
  }
}

function budao(...args: readonly string[]): string[] {
  return ['--conditions=@budao/source', join(workspace, 'packages/budao/src/main.ts'), ...args]
}

/** Whether every unit has a site that may write, and what it writes is at the other one too. */
function isReplicated(text: string): boolean {
  const { units } = JSON.parse(text) as { readonly units: readonly UnitReport[] }
  return units.length > 0 && units.every(({ lease, inSync }) => lease === 'held' && inSync.length > 0)
}

/** Resolves when the process answers well. One that ends before has the wrong configuration or no permission. */
async function answers(
  name: string,
  url: string,
  isWell: (text: string) => boolean = (text) => text !== '',
): Promise<void> {
  const giveUpMs = performance.now() + startMsMax
  while (stopping === undefined) {
    const ok = await fetch(url, { signal: AbortSignal.timeout(1_000) }).then(
      async (response) => {
        const text = await response.text()
        return response.ok && isWell(text)
      },
      () => false,
    )
    if (ok) return
    if (!crew.isRunning(name) || performance.now() > giveUpMs) {
      const tail = crew.tail(name)
      await stop()
      fail(`${name} did not start. The end of what it wrote:\n${tail}`)
    }
    await sleep(20)
  }
}

function showLive(): void {
  let before = phones.counts
  let beforeMs = performance.now()
  live = setInterval(
    () => {
      const counts = phones.counts
      const now = performance.now()
      const answered = (from: typeof counts): number => from.ok + from.backup + from.degraded + from.failed
      const line = liveLine({
        elapsedMs: now,
        phones: options.phones,
        counts,
        perSecond: ((answered(counts) - answered(before)) * 1000) / (now - beforeMs),
        running: sites.map((site) => ({ site, up: crew.running(site), all: crew.all(site) })),
      })
      before = counts
      beforeMs = now
      process.stdout.write(tty ? `\r\u001b[2K${line}` : `${line}\n`)
    },
    tty ? 1_000 : 5_000,
  )
}

/** Clients first, then the doors, then the shops: nobody meets a closed door on the way out. */
function stop(): Promise<void> {
  stopping ??= (async () => {
    clearInterval(live)
    if (tty) process.stdout.write('\r\u001b[2K')
    console.log('Stopping.')
    await phones.stop()
    await crew.stop('gateways', layout.miniProgram.name)
    await crew.stop('relays', 'controllers')
    await crew.stop(...sites)
    inbox.stop()
    if (options.temporary) rmSync(stateDir, { recursive: true, force: true })
    if (process.connected) process.disconnect?.()
  })()
  return stopping
}

function say(line: string): void {
  process.stdout.write(tty ? `\r\u001b[2K${line}\n` : `${line}\n`)
}

/** As a person in the working directory would write it. */
function shown(path: string): string {
  const short = relative(process.cwd(), path)
  return short.startsWith('..') ? path : short
}

interface Options {
  readonly portBase: string | undefined
  readonly data: string | undefined
  readonly temporary: boolean
  readonly relays: boolean
  readonly phones: number
  /** Long enough, unless told otherwise, for people to see that a site is gone. */
  readonly restartAfterMs: number
}

function readOptions(): Options {
  try {
    const { values } = parseArgs({
      options: {
        'port-base': { type: 'string' },
        data: { type: 'string' },
        temporary: { type: 'boolean', default: false },
        relays: { type: 'boolean', default: false },
        phones: { type: 'string', default: '40' },
        'restart-after': { type: 'string', default: '6' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (values.help === true) {
      console.log(usage)
      process.exit(0)
    }
    if (!/^\d{1,3}$/.test(values.phones) || Number(values.phones) > 500) {
      throw new Error(`--phones: expected a number up to 500, got ${values.phones}`)
    }
    const restartAfter = values['restart-after']
    if (!/^\d{1,4}$/.test(restartAfter) || Number(restartAfter) > 3_600) {
      throw new Error(`--restart-after: expected seconds up to 3600, got ${restartAfter}`)
    }
    if (values.temporary && values.data !== undefined)
      throw new Error('--data and --temporary: expected one of them')
    return {
      portBase: values['port-base'],
      data: values.data,
      temporary: values.temporary,
      relays: values.relays,
      phones: Number(values.phones),
      restartAfterMs: Number(restartAfter) * 1_000,
    }
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`)
    process.exit(2)
  }
}

async function choosePorts(base: string | undefined): Promise<readonly number[]> {
  if (base === undefined) return defaultPorts
  if (base === 'auto') return freePorts()
  const first = Number(base)
  const last = 65_536 - defaultPorts.length
  if (Number.isInteger(first) && first >= 1024 && first <= last)
    return defaultPorts.map((_, index) => first + index)
  console.error(`--port-base: expected a number from 1024 to ${last} or auto, got ${base}\n${usage}`)
  process.exit(2)
}

function fail(message: string): never {
  console.error(message)
  process.exit(1)
}
