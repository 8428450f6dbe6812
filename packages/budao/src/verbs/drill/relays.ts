import type { Command } from 'commander'
import { CliError } from '../../cli-error.ts'
import { configOption, jsonOption } from '../../locate-config.ts'
import { printJson, printLine } from '../../output.ts'

/** `budao drill relays`: the relays of `drills.relays`. */
export function relaysVerb(drill: Command): void {
  drill
    .command('relays')
    .description('Run the relays of drills.relays, which lose packets on order, until a signal ends them.')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
For where rules of the kernel cannot be had: each relay listens where the configuration names an endpoint and carries
everything to where the endpoint is. A cut ends by itself after its time.

Example:
  $ budao drill relays -c budao.yaml`,
    )
    .action(relays)
}

async function relays(options: { readonly config?: string; readonly json?: true }): Promise<void> {
  const { readParsedConfig } = await import('../../drill/drill-place.ts')
  const { config } = await readParsedConfig(options.config)
  const wanted = config.drills?.relays
  if (wanted === undefined) throw new CliError('drills.relays is not configured', 2)
  const ending = new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve())
    process.once('SIGINT', () => resolve())
  })
  const { RelayControl } = await import('../../drill/wire/relay-control.ts')
  const control = await RelayControl.open(wanted).catch((error: unknown) => {
    throw new CliError(`the relays cannot listen: ${(error as Error).message}`, 1, { cause: error })
  })
  if (options.json) printJson({ control: wanted.control, links: wanted.links, pid: process.pid })
  else {
    for (const { listen, to } of wanted.links) printLine(`${listen} → ${to}`)
    printLine(`told what to lose at http://${wanted.control}`)
  }
  await ending
  await control.close()
}
