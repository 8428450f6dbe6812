import { Command, CommanderError } from 'commander'
import { CliError } from './cli-error.ts'
import { version } from './version.ts'

type AddVerb = (program: Command) => void

/**
 * Each adds the verb it is named by, and is loaded when that is the one: a process that stays would keep the code of all of
 * them. A verb with another name than its file is found among all.
 */
const verbs: readonly (readonly [name: string, load: () => Promise<AddVerb>])[] = [
  ['up', async () => (await import('./verbs/up.ts')).upVerb],
  ['gateway', async () => (await import('./verbs/gateway.ts')).gatewayVerb],
  ['controller', async () => (await import('./verbs/controller.ts')).controllerVerb],
  ['replicator', async () => (await import('./verbs/replicator.ts')).replicatorVerb],
  ['events', async () => (await import('./verbs/events.ts')).eventsVerb],
  ['agent', async () => (await import('./verbs/agent.ts')).agentVerb],
  ['check', async () => (await import('./verbs/check.ts')).checkVerb],
  ['import', async () => (await import('./verbs/import.ts')).importVerb],
  ['status', async () => (await import('./verbs/status.ts')).statusVerb],
  ['failover', async () => (await import('./verbs/failover.ts')).failoverVerb],
  ['switchover', async () => (await import('./verbs/switchover.ts')).switchoverVerb],
  ['failback', async () => (await import('./verbs/failback.ts')).failbackVerb],
  ['drain', async () => (await import('./verbs/drain.ts')).drainVerb],
  ['rollout', async () => (await import('./verbs/rollout.ts')).rolloutVerb],
  ['alerts', async () => (await import('./verbs/alerts.ts')).alertsVerb],
  ['audit', async () => (await import('./verbs/audit.ts')).auditVerb],
  ['cache', async () => (await import('./verbs/cache.ts')).cacheVerb],
  ['channels', async () => (await import('./verbs/channels.ts')).channelsVerb],
  ['virtual-ip', async () => (await import('./verbs/providers/virtual-ip.ts')).virtualIpVerb],
  ['dns', async () => (await import('./verbs/dns.ts')).dnsVerb],
  ['drill', async () => (await import('./verbs/drill/drill.ts')).drillVerb],
  ['logs', async () => (await import('./verbs/logs.ts')).logsVerb],
]

/**
 * Runs one command line, without the name of the program. Resolves with the exit code: 0 done, 1 failed, 2 wrong
 * usage. A verb that failed without an error to print sets `process.exitCode` itself.
 */
export async function run(argv: readonly string[]): Promise<number> {
  try {
    const program = await createProgram(argv[0])
    await program.parseAsync(argv, { from: 'user' })
    return Number(process.exitCode ?? 0)
  } catch (error) {
    // Commander has already written help, the version or the usage error.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (error instanceof CliError) {
      process.stderr.write(`budao: ${error.message}\n`)
      return error.exitCode
    }
    process.stderr.write(
      `budao: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    )
    return 1
  }
}

/**
 * The command `budao` with one of its verbs, or where none has this name with all. It throws CommanderError instead of leaving
 * the process.
 */
export async function createProgram(name?: string): Promise<Command> {
  const program = new Command('budao')
    .description('Keeps a mini program’s API answering while machines, sites and networks fail.')
    .version(version(), '-V, --version', 'print the version')
    // `failover` takes options, and so do its own verbs: each takes those that stand after it.
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError('(add --help for the options and an example)')
    // What stands behind a verb is the verb’s, also where a verb and its own verbs have options of one name.
    .enablePositionalOptions()
    .configureHelp({ showGlobalOptions: false })
  const named = verbs.filter(([verb]) => verb === name)
  for (const [, load] of named.length > 0 ? named : verbs) (await load())(program)
  return program
}
