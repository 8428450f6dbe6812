import type { Command } from 'commander'
import { configOption, jsonOption } from '../locate-config.ts'
import { printJson, printLine } from '../output.ts'
import { signalled } from '../serve.ts'

interface ControllerOptions {
  readonly config?: string
  readonly json?: true
}

/** `budao controller`: a node that watches and decides, and serves nobody. */
export function controllerVerb(program: Command): void {
  program
    .command('controller')
    .description('Run a controller without a gateway: watches all sites, votes, decides. A witness is one.')
    .option(...configOption)
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Needs \`control\` in the file, and no listeners. Reads the file again when it changes and on
SIGHUP. SIGTERM and Ctrl-C say good-bye to the other nodes: another controller leads at once.

Example:
  $ budao controller -c witness.yaml`,
    )
    .action(run)
}

async function run(options: ControllerOptions): Promise<void> {
  // Heard from the first moment: a signal that comes while it starts must not skip the good-bye.
  const ending = signalled()
  let reload = (): void => {}
  process.on('SIGHUP', () => reload())
  const { NodeProcess } = await import('../node-process.ts')
  const controller = await NodeProcess.start('controller', options)
  reload = () => void controller.reload()
  const { node, adminUrl } = controller
  if (options.json === true) printJson({ node, admin: adminUrl, pid: process.pid })
  else {
    printLine(`admin  ${adminUrl}`)
    printLine(`${node.name} watches and decides`)
  }
  await ending
  await controller.stop()
}
