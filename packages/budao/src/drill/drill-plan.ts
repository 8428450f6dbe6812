import { resolve } from 'node:path'
import type { Config } from '@budao/model'
import { CliError } from '../cli-error.ts'
import type { SiteLossOptions } from './site-loss.ts'

/** A site loss as a person asks for it; the rest is in the configuration. */
export interface DrillPlan extends Pick<
  SiteLossOptions,
  'site' | 'rate' | 'durationMs' | 'killAfterMs' | 'slowMs' | 'returnWithinMs' | 'forceReason'
> {
  /** Path and query. */
  readonly path: string
  /** Origin of the gateway. Default the configuration's first listener. */
  readonly via?: URL
}

/** Completes a plan. `baseDir` is the configuration file's folder. Throws CliError for what the configuration lacks. */
export function siteLossOptions(
  { path, via, ...plan }: DrillPlan,
  config: Config,
  baseDir: string,
): SiteLossOptions {
  const site = config.sites[plan.site]
  if (site === undefined) {
    throw new CliError(`--site: expected one of ${Object.keys(config.sites).join(', ')}, got ${plan.site}`, 2)
  }
  if (site.pidFile === undefined) {
    throw new CliError(`sites.${plan.site}.pidFile is not configured: only what it names is ever killed`, 2)
  }
  const url = new URL(path, via ?? firstListener(config))
  const host = hostFor(url, config)
  return {
    ...plan,
    url,
    ...(host === undefined ? {} : { host }),
    pidFile: resolve(baseDir, site.pidFile),
    warmUpMs: 1_000,
    // Longer than the gateway lets any request take: who waits less would blame the gateway for his impatience.
    timeoutMs: Math.max(10_000, 2_000 + longestRequest(config)),
  }
}

/** An address to connect to: one that stands for every interface is reached over loopback. */
export function reachable(address: string): string {
  return address.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:')
}

function firstListener({ listeners }: Config): string {
  const listener = listeners.find(({ protocol }) => protocol === 'http' || protocol === 'https')
  if (listener === undefined) {
    throw new CliError(
      'the configuration has no listener that speaks HTTP: name the gateway with --via URL',
      2,
    )
  }
  return `${listener.protocol}://${reachable(listener.address)}`
}

/** The name under which the first route of this path is asked for; undefined: any will do. */
function hostFor(url: URL, { routes }: Config): string | undefined {
  const route = routes.find(({ match }) =>
    match.some(({ path }) => {
      if (path === undefined) return true
      if ('exact' in path) return path.exact === url.pathname
      return 'prefix' in path
        ? url.pathname.startsWith(path.prefix)
        : new RegExp(`^(?:${path.regex})$`).test(url.pathname)
    }),
  )
  if (route === undefined || route.hosts.includes('*')) return undefined
  return route.hosts[0]?.replace(/^\*\./, 'drill.')
}

function longestRequest({ services, routes }: Config): number {
  const times = Object.values(services).map(({ timeouts }) => timeouts.request)
  return Math.max(0, ...times, ...routes.map(({ timeout }) => timeout ?? 0))
}
