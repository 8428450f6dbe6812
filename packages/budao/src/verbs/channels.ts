import type { ChannelListReport } from '@budao/model'
import { InvalidArgumentError, type Command } from 'commander'
import { adminApi, withAdminAccess, type AdminAccessOptions } from '../admin-access.ts'
import { CliError } from '../cli-error.ts'
import { jsonOption } from '../locate-config.ts'
import { formatTable, printJson, printLine } from '../output.ts'

interface ListOptions extends AdminAccessOptions {
  readonly json?: true
}

interface SetOptions extends ListOptions {
  readonly order: readonly string[]
  readonly reason: string
  readonly route?: string
  readonly number?: number
}

/** `budao channels`: which channel apps are told to try first. */
export function channelsVerb(program: Command): void {
  const channels = program.command('channels').description('Which channel apps are told to try first.')
  withAdminAccess(channels.command('list').description('What each route tells apps now.'))
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  $ budao channels list')
    .action(list)
  withAdminAccess(
    channels.command('set').description('Tell apps another order of the channels they have built in.'),
  )
    .requiredOption('--order <origins>', 'origins, best first, with commas between', origins)
    .requiredOption('--reason <text>', 'why, for the events')
    .option('--route <name>', 'of this route; not needed where there is only one')
    .option('--number <n>', 'version of the list; default one more than the one in force', versionNumber)
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Writes the file that the route's serve.channels.file names, and signs it at once. Do it at every gateway of the app.
Exits 0 when done, 1 when it is refused or nothing answers, 2 on wrong usage.

Example:
  $ budao channels list
  $ budao channels set --order https://b.example.com,https://a.example.com --reason "east is flooded"`,
    )
    .action(set)
}

async function list({ json, ...access }: ListOptions): Promise<void> {
  const channels = await (await adminApi(access, 'viewer')).channels()
  if (json === true) return printJson({ channels })
  if (channels.length === 0) return printLine('no route serves a channel list')
  printLine(formatTable([{ title: 'ROUTE' }, { title: 'VERSION' }, { title: 'ORDER' }], channels.map(row)))
}

function row({ route, version, order }: ChannelListReport): string[] {
  return [route, String(version), order.join(' ')]
}

async function set({ order, reason, route, number, json, ...access }: SetOptions): Promise<void> {
  const api = await adminApi(access, 'operator')
  const name = route ?? onlyRoute(await api.channels())
  const version = await api.setChannels(name, {
    order,
    reason,
    ...(number === undefined ? {} : { version: number }),
  })
  if (json === true) printJson({ route: name, version })
  else printLine(`apps are told to try ${order[0]} first: version ${version} of ${name}`)
}

function onlyRoute(channels: readonly ChannelListReport[]): string {
  const [only, ...others] = channels
  if (only === undefined) throw new CliError('no route serves a channel list', 1)
  if (others.length > 0)
    throw new CliError(`--route: expected one of ${channels.map(({ route }) => route).join(', ')}`, 2)
  return only.route
}

function origins(text: string): string[] {
  return text.split(',').map((each) => each.trim())
}

function versionNumber(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Expected a whole number.')
}
