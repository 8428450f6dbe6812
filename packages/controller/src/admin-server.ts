import type { AdminTokens } from './access.ts'
import { listen } from './admin-listener.ts'
import type { AdminLog } from './admin-routes.ts'
import type { AdminSource, NodeSource } from './admin-source.ts'
import { formatAddress, isLoopback, parseAddress } from './address.ts'
import type { ConsoleFiles } from './console-pages.ts'
import { ControllerError } from './controller-error.ts'
import { seriesStepMs, SiteSeries } from './site-series.ts'

export type { AdminLog } from './admin-routes.ts'

/** What an admin server speaks for, and where. */
export interface AdminServerOptions {
  /** Without a gateway only what any process has is answered. */
  readonly source: AdminSource | NodeSource
  /** `host:port`; port 0 takes a free one. */
  readonly address: string
  /** Needed unless the address is loopback. Empty texts count as absent. */
  readonly tokens?: AdminTokens
  /** Without them `/` answers 404. */
  readonly consoleFiles?: ConsoleFiles
  /** Default: silence. */
  readonly log?: AdminLog
}

/** A running admin server. */
export interface AdminServer {
  /** Where it listens, `host:port`. */
  readonly address: string
  readonly url: string
  /** Ends all connections, event streams included, and the listener. */
  close(): Promise<void>
}

/**
 * Serves the admin API and the console.
 * Throws ControllerError: ADMIN_ADDRESS_INVALID, ADMIN_ADDRESS_UNUSABLE (taken, or not of this machine),
 * ADMIN_TOKENS_NEEDED (others could reach the address, and no token is configured).
 */
export async function createAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const { source, tokens = {}, consoleFiles, log = silence } = options
  const { host, port } = parseAddress(options.address)
  if (!isLoopback(host) && !tokens.viewer && !tokens.operator) {
    throw new ControllerError(
      'ADMIN_TOKENS_NEEDED',
      `anybody who reaches ${options.address} could stop this gateway: no token is configured`,
      'Set admin.tokens.viewer and admin.tokens.operator, or a loopback admin.address.',
    )
  }

  // Only the process that has an admin address pays for the routes.
  const { adminApp } = await import('./admin-app.ts')
  const series = 'report' in source ? new SiteSeries() : undefined
  const app = adminApp({
    ...{ source, tokens, log },
    ...(consoleFiles === undefined ? {} : { consoleFiles }),
    ...(series === undefined ? {} : { series }),
  })
  const listener = await listen({ host, port }, app).catch((error: unknown) => {
    throw new ControllerError(
      'ADMIN_ADDRESS_UNUSABLE',
      `cannot listen on ${options.address}: ${error instanceof Error ? error.message : String(error)}`,
      'Choose another admin.address, or stop what listens there.',
      { cause: error },
    )
  })
  const address = formatAddress({ host, port: listener.port })
  const sampling = series === undefined ? undefined : keepSampling(source as AdminSource, series)
  const close = async (): Promise<void> => {
    clearInterval(sampling)
    await listener.close()
  }
  return { address, url: `http://${address}`, close }
}

function keepSampling(source: AdminSource, series: SiteSeries): NodeJS.Timeout {
  let under = false
  const take = async (): Promise<void> => {
    if (under) return
    under = true
    try {
      series.add(await source.report(), Date.now())
    } catch {
      // Whoever asks for the report is told why there is none; here it is a gap.
    } finally {
      under = false
    }
  }
  return setInterval(() => void take(), seriesStepMs).unref()
}

const silence: AdminLog = { info() {}, warn() {}, error() {} }
