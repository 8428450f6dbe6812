import type { Automation } from '@budao/model'
import { Argument, type Command } from 'commander'
import { adminApi, withAdminAccess, type AdminAccessOptions } from '../admin-access.ts'
import { CliError } from '../cli-error.ts'
import { FailoverApi, type AutomationTarget } from '../failover/failover-api.ts'
import { unitNamed, whoAsks } from '../failover/unit-name.ts'
import { jsonOption } from '../locate-config.ts'
import { printJson, printLine } from '../output.ts'
import { move, withMoveOptions, type MoveOptions } from './move.ts'

interface WishOptions extends AdminAccessOptions {
  readonly reason?: string
  readonly by?: string
  readonly json?: true
}

interface AutomationOptions extends WishOptions {
  readonly all?: true
}

/** `budao failover`: moves a unit away from a site that is lost; acknowledges; sets what may happen by itself. */
export function failoverVerb(program: Command): void {
  const failover = withMoveOptions(
    program
      .command('failover')
      .description('Move the right to write away from a site that is lost, without asking it.')
      .argument('[service]', 'a service, or service/home with multi-active')
      // An option after `ack` is that of `ack`.
      .enablePositionalOptions(),
  )
    .option('--force', 'although its site is well: writes that only that site has are lost')
    .addHelpText(
      'after',
      `
Without a person Budao does this by itself, where services.<name>.failover.automation is on. The old site is fenced first:
nobody writes until its lease has ended, whatever it does. If the old site is well, a switchover loses nothing.
Exits 0 when the service is at the new site, 1 when refused, taken back, not done in time or not answered, 2 on wrong usage.

Example:
  $ budao failover shop --to west --reason "east burns"
  $ budao failover ack shop --reason "power is back"
  $ budao failover automation advise --all --reason "network work until 14:00"`,
    )
    .action((service: string | undefined, options: MoveOptions) => {
      if (service !== undefined) return move('failover', service, options)
      throw new CliError('failover: which service? See budao failover --help', 2)
    })
  acknowledgeVerb(failover)
  automationVerb(failover)
}

function acknowledgeVerb(failover: Command): void {
  withAdminAccess(
    failover
      .command('ack')
      .description('The last failover by itself was seen: the next one need not wait.')
      .argument('<service>', 'a service, or service/home with multi-active'),
  )
    .option('--reason <text>', 'what was found, for the audit log')
    .option('--by <name>', 'who asks, for the audit log (default: you)')
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  $ budao failover ack shop --reason "disk replaced"')
    .action(acknowledge)
}

function automationVerb(failover: Command): void {
  withAdminAccess(
    failover
      .command('automation')
      .description(
        'What may be done about a site that is down: on (by itself), advise (say it), off (nothing).',
      )
      .addArgument(new Argument('<setting>').choices(['on', 'advise', 'off']))
      .argument('[service]', 'a service or a unit; or --all'),
  )
    .option('--all', 'every unit')
    .option('--reason <text>', 'why, for the audit log; needed')
    .option('--by <name>', 'who asks, for the audit log (default: you)')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Stands over restarts, whoever leads, until it is set again; the configuration says what it is before anybody sets it.

Example:
  $ budao failover automation advise shop --reason "database work until 14:00"
  $ budao failover automation on --all --reason "done"`,
    )
    .action(automation)
}

async function acknowledge(name: string, options: WishOptions): Promise<void> {
  const { reason, by = whoAsks(), json } = options
  const api = new FailoverApi(await adminApi(options, 'operator'))
  const { unit } = unitNamed((await api.overview()).units, name)
  const { why } = await api.acknowledge(unit, { by, ...(reason === undefined ? {} : { reason }) })
  if (json) printJson({ ok: true, unit, why })
  else printLine(why.message)
}

async function automation(
  setting: Automation,
  name: string | undefined,
  options: AutomationOptions,
): Promise<void> {
  const { all, reason, by = whoAsks(), json } = options
  if ((name === undefined) === (all === undefined)) throw new CliError('expected a service, or --all', 2)
  if (reason === undefined) throw new CliError('--reason is needed: it goes to the audit log', 2)
  const api = new FailoverApi(await adminApi(options, 'operator'))
  const target = all ? { all } : await targetOf(api, name!)
  const { why } = await api.setAutomation(target, { automation: setting, reason, by })
  if (json) printJson({ ok: true, automation: setting, why })
  else printLine(`${name ?? 'every unit'}: automation is ${setting}`)
}

/** A unit by its name; otherwise all of the service. */
async function targetOf(api: FailoverApi, name: string): Promise<AutomationTarget> {
  const { units } = await api.overview()
  if (units.some(({ unit }) => unit === name)) return { unit: name }
  if (units.some(({ service }) => service === name)) return { service: name }
  return { unit: unitNamed(units, name).unit }
}
