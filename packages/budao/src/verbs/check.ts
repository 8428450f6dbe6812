import { dirname } from 'node:path'
import type { Command } from 'commander'
import type { Config, RouteConfig, Problem } from '@budao/model'
import type { ParsedConfig } from '@budao/model/parser'
import { ruleProblems } from '../alerts/rule-problems.ts'
import { analysisProblems } from '../rollout/analysis-problems.ts'
import type { ParsedBeside } from '../import/parse-beside.ts'
import { gslbLines, gslbSummary, type GslbNameSummary } from '../gslb-summary.ts'
import { formatNote } from '../import/note-text.ts'
import { type ConfigFile, besideOption, configOption, jsonOption, readConfigFile } from '../locate-config.ts'
import type { Probed } from '../replication/probe.ts'
import type { VirtualIpSummary } from '../virtual-ip/providers/summary.ts'
import { createPaint, formatTable, printJson, printLine } from '../output.ts'
import { type ServiceWorstCase, worstCaseLines, worstCases } from '../worst-case.ts'

interface CheckOptions {
  readonly config?: string
  readonly file: readonly string[]
  readonly json?: boolean
  /** Ask the servers that it names, too. */
  readonly probe?: true
}

/** `budao check`: says everything that is wrong with a configuration file, or what it configures. */
export function checkVerb(program: Command): void {
  program
    .command('check')
    .description('Check a configuration file: every problem with line, column and path, or a summary.')
    .option(...configOption)
    .option(...besideOption)
    .option(
      '--probe',
      'ask the database of `replication` too: whether its settings hold what the file promises',
    )
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Exits 0 when the file may be used, 1 when it has problems, 2 when it cannot be read. With --probe a database that does not
answer, or whose settings can lose what a \`sync\` table promises to keep, is a problem, with the line of my.cnf to change.

Example:
  $ budao check -c budao.yaml
  budao.yaml:12:9  services.shop.breaker.windw: unknown key (did you mean \`window\`?)`,
    )
    .action(check)
}

async function check(options: CheckOptions): Promise<void> {
  const { missingFiles } = await import('../config-files.ts')
  const file = await readConfigFile(options.config)
  const { parsed, notes } = await parse(file, options.file)
  const missing = parsed.ok
    ? [
        ...(await missingFiles(parsed.config, file)),
        ...(await unfit(parsed.config, file)),
        ...(await ruleProblems(parsed.config, dirname(file.path), file.text, file.name)),
        ...(await analysisProblems(parsed.config, file.text, file.name)),
      ]
    : []
  const probed =
    parsed.ok && options.probe === true ? await probe(parsed.config, file) : { problems: [], warnings: [] }
  const found = [...missing, ...probed.problems]
  const result: ParsedConfig =
    found.length > 0 || !parsed.ok
      ? { ok: false, problems: parsed.ok ? found : parsed.problems }
      : { ...parsed, warnings: [...parsed.warnings, ...probed.warnings] }
  if (options.json === true)
    printJson({ ...(await toJson(file, result)), ...(options.file.length > 0 ? { notes } : {}) })
  else {
    for (const note of notes) if (note.kind !== 'default') printLine(formatNote(note))
    await report(file, result)
  }
  if (!result.ok) process.exitCode = 1
}

/** Only whoever asks for it loads what can ask databases. */
async function probe(config: Config, file: ConfigFile): Promise<Probed> {
  const { probeDatabase } = await import('../replication/probe.ts')
  return probeDatabase(config, file)
}

/** Keys, lists and secrets of routes that answer by themselves; read where there are any. */
async function unfit(config: Config, file: ConfigFile): Promise<Problem[]> {
  const served = config.routes.some(({ serve }) => serve !== undefined)
  if (!served && Object.keys(config.identity).length === 0) return []
  const { checkServeFiles } = await import('@budao/gateway')
  const { placeProblem } = await import('@budao/model/parser')
  const place = placeProblem(file.text, file.name)
  return (await checkServeFiles(config, dirname(file.path))).map((problem) => place(problem))
}

/** Importers are loaded where there is something to import. */
async function parse({ text, name }: ConfigFile, beside: readonly string[]): Promise<ParsedBeside> {
  if (beside.length > 0) {
    const { parseBeside } = await import('../import/parse-beside.ts')
    return parseBeside(text, name, beside)
  }
  const { parseConfig } = await import('@budao/model/parser')
  return { parsed: parseConfig(text, name), notes: [] }
}

async function toJson(file: ConfigFile, result: ParsedConfig): Promise<object> {
  return result.ok
    ? {
        file: file.name,
        ok: true,
        problems: [],
        warnings: result.warnings,
        summary: await summarize(result.config),
      }
    : { file: file.name, ok: false, problems: result.problems, warnings: [] }
}

async function report(file: ConfigFile, result: ParsedConfig): Promise<void> {
  const { formatProblem } = await import('@budao/model/parser')
  const print = (problems: readonly Problem[]): void =>
    problems.forEach((problem) => printLine(formatProblem(problem)))
  if (!result.ok) {
    const paint = createPaint()
    print(result.problems)
    printLine(paint('red', `${file.name}: ${plural(result.problems.length, 'problem')}`))
    return
  }
  const paint = createPaint()
  print(result.warnings)
  const warned = result.warnings.length === 0 ? '' : `, ${plural(result.warnings.length, 'warning')}`
  printLine(paint('green', `${file.name}: fine${warned}`))
  printLine('')
  printLine(await summaryTable(result.config))
  const lines = gslbLines(gslbSummary(result.config))
  if (lines.length > 0) printLine(['', ...lines].join('\n'))
  const late = worstCaseLines(worstCases(result.config))
  if (late.length > 0) printLine(['', ...late].join('\n'))
}

interface Summary {
  readonly node: string
  readonly site: string
  readonly sites: readonly string[]
  readonly listeners: readonly { name: string; protocol: string; address: string }[]
  /** Absent where no address is shared. */
  readonly virtualIp?: VirtualIpSummary
  readonly services: readonly { name: string; mode: string; balance: string; endpoints: number }[]
  readonly routes: readonly {
    name: string
    hosts: readonly string[]
    services: readonly string[]
    answers: string
  }[]
  /** Absent where no names are answered for. */
  readonly dns?: readonly GslbNameSummary[]
  /** Services that say something of detection, objectives or failover. */
  readonly worstCases: readonly ServiceWorstCase[]
}

async function summarize(config: Config): Promise<Summary> {
  const { summarizeVirtualIp } = await import('../virtual-ip/providers/summary.ts')
  const virtualIp = summarizeVirtualIp(config)
  return {
    node: config.node.name,
    site: config.node.site,
    sites: Object.keys(config.sites),
    listeners: config.listeners.map(({ name, protocol, address }) => ({ name, protocol, address })),
    ...(virtualIp === undefined ? {} : { virtualIp }),
    services: Object.entries(config.services).map(([name, { mode, balance, endpoints }]) => ({
      name,
      mode,
      balance,
      endpoints: endpoints.length,
    })),
    worstCases: worstCases(config),
    ...(config.gslb === undefined ? {} : { dns: gslbSummary(config) }),
    routes: config.routes.map((route) => ({
      name: route.name,
      hosts: route.hosts,
      services: route.backends.map(({ service }) => service),
      answers: answersOf(route),
    })),
  }
}

async function summaryTable(config: Config): Promise<string> {
  const { node, site, sites, listeners, virtualIp, services, routes } = await summarize(config)
  const rows: string[][] = [
    ['node', node, `at site ${site}`],
    ...sites.map((name) => ['site', name, plural(endpointsAt(config, name), 'endpoint')]),
    ...listeners.map(({ name, protocol, address }) => ['listener', name, `${protocol}://${address}`]),
    ...(virtualIp?.addresses.map((each) => ['virtual IP', each, virtualIp.nodes.join(' before ')]) ?? []),
    ...services.map(({ name, mode, balance, endpoints }) => [
      'service',
      name,
      `${plural(endpoints, 'endpoint')}, ${mode}, ${balance}`,
    ]),
    ...routes.map((route) => ['route', route.name, `${route.hosts.join(' ')} → ${route.answers}`]),
  ]
  return formatTable([{ title: 'KIND' }, { title: 'NAME' }, { title: 'IS' }], rows)
}

/** Who or what answers on a route. */
function answersOf({ backends, respond, redirect, aggregate, serve }: RouteConfig): string {
  if (respond !== undefined) return `answer ${respond.status}`
  if (redirect !== undefined) return `redirect ${redirect.status}`
  if (serve !== undefined) return `serve ${Object.keys(serve).join(' ')}`
  if (aggregate !== undefined) {
    const services = new Set(Object.values(aggregate.parts).map(({ service }) => service))
    return `parts of ${[...services].join(', ')}`
  }
  return backends.map(({ service }) => service).join(', ')
}

function endpointsAt(config: Config, site: string): number {
  return Object.values(config.services)
    .flatMap(({ endpoints }) => endpoints)
    .filter((endpoint) => endpoint.site === site).length
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
