import type { GatewayProcess } from './gateway-process.ts'
import { leanEngine } from './lean-engine.ts'
import { printJson, printLine } from './output.ts'

export interface ServeOptions {
  readonly config?: string
  /** Of other programs, as `FILE` or `KIND:FILE`. */
  readonly file?: readonly string[]
  readonly json?: boolean
  readonly lastGood?: boolean
  /** Every role that the configuration has something for: answers DNS, looks after processes. */
  readonly allRoles?: boolean
}

/** Runs a gateway process until a signal ends it. A second signal does not wait for requests under way. */
export async function serve(options: ServeOptions): Promise<void> {
  // Heard from the first moment: a signal that comes while the listeners open must not skip the drain.
  const ending = signalled()
  let reload = (): void => {}
  process.on('SIGHUP', () => reload())
  leanEngine()
  const { GatewayProcess } = await import('./gateway-process.ts')
  const gateway = await GatewayProcess.start(options)
  reload = () => void gateway.reload()
  announce(gateway, options)
  await ending
  await gateway.stop()
}

/** Resolves at the first SIGTERM or SIGINT; the next one ends the process. */
export async function signalled(): Promise<void> {
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve())
    process.once('SIGINT', () => resolve())
  })
  process.once('SIGTERM', () => process.exit(1))
  process.once('SIGINT', () => process.exit(1))
}

function announce(gateway: GatewayProcess, options: ServeOptions): void {
  const { config, version } = gateway.snapshot
  if (options.json === true) {
    const { addresses, adminUrl } = gateway
    return printJson({
      node: config.node,
      snapshot: version,
      listeners: addresses,
      admin: adminUrl,
      ...(gateway.dnsAddresses.length === 0 ? {} : { dns: gateway.dnsAddresses }),
      pid: process.pid,
    })
  }
  for (const { name, protocol } of config.listeners)
    printLine(`${name}  ${protocol}://${gateway.addresses[name]}`)
  for (const address of gateway.dnsAddresses) printLine(`dns  ${address}`)
  printLine(`admin and console  ${gateway.adminUrl}`)
  printLine(`${config.node.name} at site ${config.node.site} serves snapshot ${version}`)
}
