import { printJson, printLine } from './output.ts'

export interface ServeOptions {
  readonly config?: string
  readonly json?: boolean
  readonly lastGood?: boolean
}

/** Runs a gateway process until a signal ends it. A second signal does not wait for requests under way. */
export async function serve(options: ServeOptions): Promise<void> {
  const { GatewayProcess } = await import('./gateway-process.ts')
  const gateway = await GatewayProcess.start(options)
  const { config, version } = gateway.snapshot
  if (options.json === true) {
    printJson({ node: config.node, snapshot: version, listeners: gateway.addresses, admin: gateway.adminUrl, pid: process.pid })
  } else {
    for (const { name, protocol } of config.listeners) printLine(`${name}  ${protocol}://${gateway.addresses[name]}`)
    printLine(`admin and console  ${gateway.adminUrl}`)
    printLine(`${config.node.name} at site ${config.node.site} serves snapshot ${version}`)
  }
  process.on('SIGHUP', () => void gateway.reload())
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve())
    process.once('SIGINT', () => resolve())
  })
  process.once('SIGTERM', () => process.exit(1))
  process.once('SIGINT', () => process.exit(1))
  await gateway.stop()
}
