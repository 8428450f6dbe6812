import type { LogRecord, LogsAnswer, LogsReport } from '@budao/model'
import { type Command, InvalidArgumentError } from 'commander'
import { adminApi, withAdminAccess, type AdminAccessOptions } from '../admin-access.ts'
import { CliError } from '../cli-error.ts'
import { jsonOption } from '../locate-config.ts'
import { logLine } from '../logs/log-line.ts'
import { createPaint, formatTable, printJson, printLine } from '../output.ts'
import { signalled } from '../serve.ts'

interface QueryOptions extends AdminAccessOptions {
  readonly from?: string
  readonly to?: string
  readonly limit: number
  readonly json?: true
}

interface TailOptions extends AdminAccessOptions {
  readonly lines: number
  readonly json?: true
}

interface StatusOptions extends AdminAccessOptions {
  readonly json?: true
}

/** A search ends by itself before. */
const searchMs = 20_000

/** `budao logs`: looks into collected logs. */
export function logsVerb(program: Command): void {
  const logs = program.command('logs').description('Look into collected logs.')
  withAdminAccess(
    logs
      .command('query')
      .description('Print records that pass a filter, the oldest first.')
      .argument('[filter...]', 'words, field:value, field>=value, and, or, not, brackets; none: all'),
  )
    .option('--from <time>', 'a time, or how long ago', '1h')
    .option('--to <time>', 'a time, or how long ago (default: now)')
    .option('--limit <count>', 'at most so many, the latest', count(5_000), 100)
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Exits 0 when something was found, 1 when nothing was or nothing answers, 2 on wrong usage.

Example:
  $ budao logs query 'log.level>=error service:shop'
  $ budao logs query 支付 -退款 --from 15m --json | jq '.records[].body'`,
    )
    .allowUnknownOption()
    .action(query)
  withAdminAccess(
    logs
      .command('tail')
      .description('Print records as they come, until Ctrl-C.')
      .argument('[filter...]', 'as for query'),
  )
    .option('-n, --lines <count>', 'so many of the last hour first', count(5_000), 10)
    .option(...jsonOption)
    .addHelpText('after', "\nExample:\n  $ budao logs tail 'log.level>=warn'")
    .allowUnknownOption()
    .action(tail)
  withAdminAccess(logs.command('status').description('Show how files are read and passed on.'))
    .option(...jsonOption)
    .addHelpText(
      'after',
      '\nExits 0 when all is well, 1 when something is not read or not taken.\n\nExample:\n  $ budao logs status',
    )
    .action(status)
}

/** `-退款` is a word that may not stand in a record; what begins with two is an option that there is not. */
function filterOf(words: readonly string[]): string {
  const option = words.find((word) => word.startsWith('--'))
  if (option !== undefined) throw new CliError(`unknown option ${option}: see --help`, 2)
  return words.join(' ')
}

async function query(
  words: readonly string[],
  { from, to, limit, json, ...access }: QueryOptions,
): Promise<void> {
  const filter = filterOf(words)
  const api = await adminApi(access, 'viewer')
  const answer = await api.read<LogsAnswer>(logsPath({ filter, from, to, limit: String(limit) }), searchMs)
  if (json === true) printJson(answer)
  else printRecords(answer.records.toReversed())
  if (answer.records.length === 0) process.exitCode = 1
}

async function tail(words: readonly string[], { lines, json, ...access }: TailOptions): Promise<void> {
  const filter = filterOf(words)
  const api = await adminApi(access, 'viewer')
  const print = (records: readonly LogRecord[]): void => {
    if (json === true) for (const record of records) printLine(JSON.stringify(record))
    else printRecords(records)
  }
  const ending = new AbortController()
  void signalled().then(() => ending.abort())
  const stream = await api.stream(
    `/api/v1/logs/stream?${new URLSearchParams({ filter }).toString()}`,
    ending.signal,
  )
  const { records } = await api.read<LogsAnswer>(
    logsPath({ filter, from: '1h', limit: String(lines) }),
    searchMs,
  )
  print(records.toReversed())
  for await (const { event, data } of stream) {
    if (event === 'missed') process.stderr.write(`budao: ${data} records more came than could be shown\n`)
    else print([JSON.parse(data) as LogRecord])
  }
}

async function status({ json, ...access }: StatusOptions): Promise<void> {
  const report = await (await adminApi(access, 'viewer')).read<LogsReport>('/api/v1/logs/status')
  if (json === true) printJson(report)
  else printLine(statusText(report))
  const problems = [report.intake?.problem ?? null, ...report.sinks.map(({ problem }) => problem)]
  if (problems.some((problem) => problem !== null)) process.exitCode = 1
}

function statusText({ intake, sinks }: LogsReport): string {
  const paint = createPaint()
  if (intake === null) return 'just started'
  const lines = [
    `${intake.lines} records from ${intake.files} files, ${megabytes(intake.storeBytes)} in ${intake.segments} segments`,
    `${intake.truncated} lines cut, ${intake.damaged} damaged, ${intake.truncations} files truncated, ${intake.waiting} files wait, ${intake.unreadable} cannot be read`,
  ]
  if (intake.problem !== null) lines.push(paint('red', `not read: ${intake.problem}`))
  if (sinks.length > 0) {
    lines.push(
      formatTable(
        [
          { title: 'sink' },
          { title: 'sent', align: 'right' },
          { title: 'refused', align: 'right' },
          { title: 'retries', align: 'right' },
          { title: 'problem, or why refused' },
        ],
        sinks.map(({ name, sent, refused, refusal, retries, problem }) => [
          name,
          String(sent),
          String(refused),
          String(retries),
          problem === null ? (refusal ?? '–') : paint('red', problem),
        ]),
        process.stdout.columns ?? 160,
      ),
    )
  }
  return lines.join('\n')
}

function printRecords(records: readonly LogRecord[]): void {
  const paint = createPaint()
  for (const record of records) printLine(logLine(record, paint))
}

function logsPath(parameters: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parameters).filter((pair): pair is [string, string] => pair[1] !== undefined)
  return `/api/v1/logs?${new URLSearchParams(given).toString()}`
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

function count(max: number): (text: string) => number {
  return (text) => {
    const number = Number(text)
    if (Number.isInteger(number) && number > 0 && number <= max) return number
    throw new InvalidArgumentError(`expected a whole number from 1 to ${max}, got ${text}`)
  }
}
