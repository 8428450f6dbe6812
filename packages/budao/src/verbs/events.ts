import { type Command, InvalidArgumentError } from 'commander'
import { CliError } from '../cli-error.ts'
import { jsonOption } from '../locate-config.ts'
import { formatTable, printJson, printLine } from '../output.ts'
import { ReplicatorApi, type ReplicatorAccess, withReplicatorAccess } from '../replication/replicator-api.ts'

interface EventsOptions extends ReplicatorAccess {
  readonly json?: true
}

interface ListOptions extends EventsOptions {
  readonly reason?: string
}

interface RetryOptions extends EventsOptions {
  readonly table?: string
  readonly key?: string
}

/** `budao events`: changes of data that wait for a person, and decisions that one may take back. */
export function eventsVerb(program: Command): void {
  const events = program.command('events').description('Changes of data between sites that want a person.')
  deadLettersVerb(events)
  conflictsVerb(events)
  endedVerb(events)
  withReplicatorAccess(
    events
      .command('unreplicated')
      .description('Print the ids of events of this site that another has not said to have.')
      .argument('<site>', 'the other site'),
  )
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
After a failover, asked at the site that came back: what it had acknowledged and the others never got. Exits 1 when there is any.

Example:
  $ budao events unreplicated west -c east.yaml`,
    )
    .action(unreplicated)
}

function endedVerb(events: Command): void {
  withReplicatorAccess(
    events
      .command('ended')
      .description('Print the ids of writes that came here after their epoch had ended, by site.'),
  )
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
After a failover, asked at the site that took over, once the other is back: what that one had acknowledged and what is not here.
Their events are among the dead letters: \`budao events dlq list --reason old-epoch\`. Exits 1 when there is any.

Example:
  $ budao events ended -c west.yaml`,
    )
    .action(ended)
}

function deadLettersVerb(events: Command): void {
  const dlq = events.command('dlq').description('Events that could not be applied, each with the reason.')
  withReplicatorAccess(dlq.command('list').description('Print them, the oldest first.'))
    .option(
      '--reason <reason>',
      'only those with this reason; old-epoch: writes of a site that had been fenced',
    )
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  $ budao events dlq list --reason old-epoch -c west.yaml')
    .action(list)
  withReplicatorAccess(
    dlq.command('retry').description('Apply them again in their order: all, or those of one key.'),
  )
    .option('--table <table>', 'with --key')
    .option('--key <key>', 'with --table')
    .option(...jsonOption)
    .addHelpText(
      'after',
      '\nExits 0 when none is left, 1 otherwise.\n\nExample:\n  $ budao events dlq retry --table orders --key 42',
    )
    .action(retry)
  withReplicatorAccess(
    dlq
      .command('drop')
      .description('Give one up: it counts as seen, and the row here stands.')
      .argument('<id>', 'as the list has it', wholeNumber),
  )
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  $ budao events dlq drop 7')
    .action(drop)
}

function conflictsVerb(events: Command): void {
  const conflicts = events
    .command('conflicts')
    .description('Changes of one row by two sites, and how they were decided.')
  withReplicatorAccess(conflicts.command('list').description('Print them, the oldest first.'))
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  $ budao events conflicts list --json')
    .action(listConflicts)
  withReplicatorAccess(
    conflicts
      .command('undo')
      .description('Let the row that lost stand, as a new change of this site.')
      .argument('<id>', 'as the list has it', wholeNumber),
  )
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  $ budao events conflicts undo 3')
    .action(undo)
}

async function list({ reason, json, ...access }: ListOptions): Promise<void> {
  const all = await (await ReplicatorApi.find(access)).deadLetters()
  const letters = reason === undefined ? all : all.filter((each) => each.reason === reason)
  if (json === true) return printJson({ deadLetters: letters })
  if (letters.length === 0) return printLine('no event waits')
  printLine(
    formatTable(
      [
        { title: 'id', align: 'right' },
        { title: 'from' },
        { title: 'table' },
        { title: 'key' },
        { title: 'reason' },
        { title: 'detail' },
      ],
      letters.map((each) => [String(each.id), each.origin, each.table, each.key, each.reason, each.detail]),
      process.stdout.columns ?? 160,
    ),
  )
}

async function retry({ table, key, json, ...access }: RetryOptions): Promise<void> {
  if ((table === undefined) !== (key === undefined))
    throw new CliError('--table and --key: give both, or none', 2)
  const only = table === undefined ? undefined : { table, key: key! }
  const result = await (await ReplicatorApi.find(access)).retry(only)
  if (json === true) printJson(result)
  else printLine(`${result.applied} applied, ${result.left} left`)
  if (result.left > 0) process.exitCode = 1
}

async function drop(id: number, { json, ...access }: EventsOptions): Promise<void> {
  await (await ReplicatorApi.find(access)).drop(id)
  if (json === true) printJson({ dropped: id })
  else printLine(`event ${id} given up; retry applies those behind it`)
}

async function listConflicts({ json, ...access }: EventsOptions): Promise<void> {
  const conflicts = await (await ReplicatorApi.find(access)).conflicts()
  if (json === true) return printJson({ conflicts })
  if (conflicts.length === 0) return printLine('no conflict')
  printLine(
    formatTable(
      [
        { title: 'id', align: 'right' },
        { title: 'table' },
        { title: 'key' },
        { title: 'rule' },
        { title: 'winner' },
        { title: 'here' },
        { title: 'there' },
      ],
      conflicts.map((each) => [
        String(each.id),
        each.table,
        each.key,
        each.rule,
        each.undone ? `${each.winner}, undone` : each.winner,
        JSON.stringify(each.local),
        JSON.stringify(each.remote.payload),
      ]),
      process.stdout.columns ?? 160,
    ),
  )
}

async function undo(id: number, { json, ...access }: EventsOptions): Promise<void> {
  await (await ReplicatorApi.find(access)).undo(id)
  if (json === true) printJson({ undone: id })
  else
    printLine(`conflict ${id} undone: the other row stands, here at once and at the other sites in a moment`)
}

async function unreplicated(site: string, { json, ...access }: EventsOptions): Promise<void> {
  const { ids, refused } = await (await ReplicatorApi.find(access)).unreplicated(site)
  if (json === true) printJson({ site, ids, refused })
  else {
    const lines = [...ids, ...(refused ?? []).map((id) => `${id} (refused there: its epoch had ended)`)]
    if (refused === null) process.stderr.write(`${site} does not answer: what it refused is not known\n`)
    printLine(lines.length === 0 ? `${site} has everything` : lines.join('\n'))
  }
  if (ids.length + (refused?.length ?? 1) > 0) process.exitCode = 1
}

async function ended({ json, ...access }: EventsOptions): Promise<void> {
  const found = await (await ReplicatorApi.find(access)).ended()
  if (json === true) printJson({ ended: found })
  else if (found.length === 0) printLine('none came too late')
  else for (const { origin, ids } of found) printLine(ids.map((id) => `${origin} ${id}`).join('\n'))
  if (found.length > 0) process.exitCode = 1
}

function wholeNumber(text: string): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number > 0) return number
  throw new InvalidArgumentError(`expected a whole number, got ${text}`)
}
