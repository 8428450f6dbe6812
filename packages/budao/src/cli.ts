import { Command, CommanderError } from 'commander'
import { CliError } from './cli-error.ts'
import { alertsVerb } from './verbs/alerts.ts'
import { auditVerb } from './verbs/audit.ts'
import { agentVerb } from './verbs/agent.ts'
import { cacheVerb } from './verbs/cache.ts'
import { channelsVerb } from './verbs/channels.ts'
import { checkVerb } from './verbs/check.ts'
import { dnsVerb } from './verbs/dns.ts'
import { eventsVerb } from './verbs/events.ts'
import { failbackVerb } from './verbs/failback.ts'
import { failoverVerb } from './verbs/failover.ts'
import { controllerVerb } from './verbs/controller.ts'
import { importVerb } from './verbs/import.ts'
import { gatewayVerb } from './verbs/gateway.ts'
import { logsVerb } from './verbs/logs.ts'
import { rolloutVerb } from './verbs/rollout.ts'
import { replicatorVerb } from './verbs/replicator.ts'
import { drainVerb } from './verbs/drain.ts'
import { switchoverVerb } from './verbs/switchover.ts'
import { statusVerb } from './verbs/status.ts'
import { virtualIpVerb } from './verbs/providers/virtual-ip.ts'
import { upVerb } from './verbs/up.ts'
import { drillVerb } from './verbs/drill/drill.ts'
import { version } from './version.ts'

/** Each adds one verb. What a verb needs to run is imported when it runs, so that the others start fast. */
const verbs: readonly ((program: Command) => void)[] = [
  upVerb,
  gatewayVerb,
  controllerVerb,
  replicatorVerb,
  eventsVerb,
  agentVerb,
  checkVerb,
  importVerb,
  statusVerb,
  failoverVerb,
  switchoverVerb,
  failbackVerb,
  drainVerb,
  rolloutVerb,
  alertsVerb,
  auditVerb,
  cacheVerb,
  channelsVerb,
  virtualIpVerb,
  dnsVerb,
  drillVerb,
  logsVerb,
]

/**
 * Runs one command line, without the name of the program. Resolves with the exit code: 0 done, 1 failed, 2 wrong
 * usage. A verb that failed without an error to print sets `process.exitCode` itself.
 */
export async function run(argv: readonly string[]): Promise<number> {
  const program = createProgram()
  try {
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

/** The command `budao` with all its verbs. Throws CommanderError instead of leaving the process. */
export function createProgram(): Command {
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
  for (const addVerb of verbs) addVerb(program)
  return program
}
