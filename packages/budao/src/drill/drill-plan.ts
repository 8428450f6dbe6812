import { dirname, resolve } from 'node:path'
import type { Config } from '@budao/model'
import { CliError } from '../cli-error.ts'
import type { DrillReport } from './drill-report.ts'
import { drillsFolder } from './drills-folder.ts'
import type { DrillOptions } from './run-drill.ts'
import type { Cutter } from './scenario.ts'

/** A drill as a person asks for it; the rest is in the configuration. */
export interface DrillPlan extends Pick<
  DrillOptions,
  | 'scenario'
  | 'site'
  | 'rate'
  | 'durationMs'
  | 'faultAfterMs'
  | 'faultMs'
  | 'slowMs'
  | 'returnWithinMs'
  | 'forceReason'
  | 'by'
> {
  /** Path and query. */
  readonly path: string
  /** Origin of the gateway. Default the configuration's first listener. */
  readonly via?: URL
  /** Only this one of the pid file. */
  readonly process?: string
  /** Instead of the pid file. */
  readonly pids?: readonly number[]
  /** Where the drills' journal and reports are. Default `drills` in `dataDir`. */
  readonly out?: string
  /** Of the admin API. */
  readonly token?: string
}

/** A verdict and a new place take at most so long by default: `detection.budget`. */
const rtoDefaultMs = 5_000

/** What holds where the configuration says nothing of drills. */
const drillsDefault: DrillOptions['drills'] = {
  timezone: 'UTC',
  blockWindows: [],
  failback: false,
  abort: { failedPercent: 50, over: 10_000 },
  dnsServers: [],
}

/** Completes a plan. `file` is the configuration's. Throws CliError for what the configuration lacks. */
export function drillOptions(
  { path, via, process, pids, out, token, ...plan }: DrillPlan,
  config: Config,
  file: string,
): DrillOptions {
  const baseDir = dirname(file)
  const site = config.sites[plan.site]
  if (site === undefined) {
    throw new CliError(`--site: expected one of ${Object.keys(config.sites).join(', ')}, got ${plan.site}`, 2)
  }
  const url = new URL(path, via ?? config.drills?.gateway?.url ?? firstListener(config))
  const host = hostFor(url, config)
  const pidFile = ['controllers', 'leader'].includes(plan.scenario.hits)
    ? config.drills?.controllersPidFile
    : site.pidFile
  const relays = config.drills?.relays
  const cutter: Cutter = relays === undefined ? { by: 'firewall' } : { by: 'relay', control: relays.control }
  return {
    ...plan,
    url,
    ...(host === undefined ? {} : { host }),
    others: otherGateways(config),
    targets: {
      ...(pidFile === undefined ? {} : { pidFile: resolve(baseDir, pidFile) }),
      ...(process === undefined ? {} : { process }),
      pids: pids ?? [],
      cutter,
      ...(config.gslb === undefined ? {} : { dnsAdmin: adminOrigin(config) }),
      ...cutsOf(config, plan.site),
    },
    warmUpMs: 1_000,
    // Longer than the gateway lets any request take: who waits less would blame the gateway for his impatience.
    timeoutMs: Math.max(10_000, 2_000 + longestRequest(config)),
    objectives: objectivesFor(url, config),
    drills: config.drills ?? drillsDefault,
    folder: drillsFolder(config, baseDir, out),
    ...(token === undefined ? {} : { token }),
  }
}

/** Where users of other sites come in, as `control` knows it: where writes need a lease, two gateways must not both do them. */
function otherGateways({ node, control, services }: Config): readonly URL[] {
  if (control === undefined || !Object.values(services).some(({ failover }) => failover !== undefined))
    return []
  return Object.entries(control.peers).flatMap(([name, { traffic }]) =>
    traffic === undefined || name === node.name ? [] : [new URL(`http://${reachable(traffic)}`)],
  )
}

/** A node is cut off at the site where it stands, by its own word that it may be. */
function cutsOf(
  config: Config,
  site: string,
): { readonly nodeAdmin: string } | { readonly whyNoCuts: string } {
  const { node, control, drills } = config
  if (control === undefined)
    return { whyNoCuts: 'this configuration has no control: there are no links to cut' }
  if (drills?.controlLinks !== true)
    return { whyNoCuts: 'drills.controlLinks is not true: nobody may cut links of this node' }
  if (node.site !== site)
    return { whyNoCuts: `${node.name} stands at ${node.site}: use the configuration of a gateway at ${site}` }
  return { nodeAdmin: adminOrigin(config) }
}

/** Where a configuration's admin API is asked: that of the gateway which is drilled. */
export function adminOrigin({ admin, drills }: Pick<Config, 'admin' | 'drills'>): string {
  return drills?.gateway?.admin ?? `http://${reachable(admin.address)}`
}

/** An address to connect to: one that stands for every interface is reached over loopback. */
export function reachable(address: string): string {
  return address.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:')
}

/** The strictest ones of the services that answer this path. */
function objectivesFor(url: URL, config: Config): DrillReport['objectives'] {
  const services = routeFor(url, config)?.backends.map(({ service }) => config.services[service]) ?? []
  const found = services.flatMap((service) => service?.objectives ?? [])
  const least = (key: 'rto' | 'rpo'): number | null =>
    found.reduce<number | null>(
      (min, { [key]: ms }) => (ms === undefined ? min : Math.min(min ?? ms, ms)),
      null,
    )
  const rtoMs = least('rto')
  return { rtoMs: rtoMs ?? rtoDefaultMs, rpoMs: least('rpo'), configured: rtoMs !== null }
}

/** Where users come in. Throws CliError where nobody speaks HTTP. */
export function firstListener({ listeners }: Config): string {
  const listener = listeners.find(({ protocol }) => protocol === 'http' || protocol === 'https')
  if (listener === undefined) {
    throw new CliError(
      'the configuration has no listener that speaks HTTP: name the gateway with --via URL',
      2,
    )
  }
  return `${listener.protocol}://${reachable(listener.address)}`
}

function routeFor(url: URL, { routes }: Config): Config['routes'][number] | undefined {
  return routes.find(({ match }) =>
    match.some(({ path, headers }) => {
      // A drill sends none of its own with its reads.
      if (headers !== undefined && Object.keys(headers).length > 0) return false
      if (path === undefined) return true
      if ('exact' in path) return path.exact === url.pathname
      return 'prefix' in path
        ? url.pathname.startsWith(path.prefix)
        : new RegExp(`^(?:${path.regex})$`).test(url.pathname)
    }),
  )
}

/** The name under which the first route of this path is asked for; undefined: any will do. */
function hostFor(url: URL, config: Config): string | undefined {
  const route = routeFor(url, config)
  if (route === undefined || route.hosts.includes('*')) return undefined
  return route.hosts[0]?.replace(/^\*\./, 'drill.')
}

function longestRequest({ services, routes }: Config): number {
  const times = Object.values(services).map(({ timeouts }) => timeouts.request)
  return Math.max(0, ...times, ...routes.map(({ timeout }) => timeout ?? 0))
}
