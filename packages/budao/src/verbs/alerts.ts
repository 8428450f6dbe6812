import { basename, resolve } from 'node:path'
import type { AlertsReport, SilenceReport } from '@budao/model'
import type { AlertRule } from '@budao/observability'
import type { Command } from 'commander'
import { adminApi, withAdminAccess, type AdminAccessOptions } from '../admin-access.ts'
import { alertTables, failureText } from '../alerts/alerts-text.ts'
import { CliError } from '../cli-error.ts'
import { whoAsks } from '../failover/unit-name.ts'
import { jsonOption } from '../locate-config.ts'
import { printJson, printLine } from '../output.ts'

interface Options extends AdminAccessOptions {
  readonly json?: true
  readonly by?: string
}

const byOption = ['--by <name>', 'who asks, for the events (default: you)'] as const

/** `budao alerts`: what fires, who is told; silences, acknowledgements; tests of rules. */
export function alertsVerb(program: Command): void {
  const alerts = program
    .command('alerts')
    .description('What fires and who is told; silences; tests of rules.')
  withAdminAccess(
    alerts.command('list').description('Alerts, silences and receivers, and which rules there are.'),
  )
    .option(...jsonOption)
    .addHelpText('after', '\nExits 1 while an alert fires.\n\nExample:\n  $ budao alerts list')
    .action(list)
  withAdminAccess(
    alerts.command('ack').description('Says that you have seen an alert: nobody else is woken for it.'),
  )
    .argument('<alert>', 'its name, or the fingerprint of one')
    .option('--reason <text>', 'what you do about it')
    .option(...byOption)
    .option(...jsonOption)
    .addHelpText(
      'after',
      '\nExample:\n  $ budao alerts ack BudaoBreakerOpen --reason "looking at the database"',
    )
    .action(acknowledge)
  withAdminAccess(alerts.command('silence').description('Keeps messages about some alerts back for a while.'))
    .argument('<matchers...>', 'such as alertname=BudaoBreakerOpen or severity=~"P2|P3"; all must hold')
    .requiredOption('--for <duration>', 'such as 2h')
    .requiredOption('--reason <text>', 'why, for the others')
    .option(...byOption)
    .option(...jsonOption)
    .addHelpText(
      'after',
      '\nThe alerts fire all the same, and stand in the list.\n\nExample:\n  $ budao alerts silence service=shop --for 2h --reason "planned move"',
    )
    .action(silence)
  alerts
    .command('test')
    .description('Runs tests of rules, in the form of `promtool test rules`.')
    .argument('<file...>', 'files of tests')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
A file names rules of Budao in rule_files, and gives them input_series, as promtool does, or input_logs.
Exits 0 when all hold, 1 when one does not or a file is refused. docs/reference/alerts.md has an example.

Example:
  $ budao alerts test alerts/shop.test.yaml`,
    )
    .action(test)
  alerts
    .command('export')
    .description('Prints rules over metrics as a file of rules for a Prometheus server.')
    .argument('[file]', 'a file of rules')
    .option('--built-in', 'those that come with Budao')
    .option(...jsonOption)
    .addHelpText(
      'after',
      '\nRules over records are left out, and named on stderr.\n\nExamples:\n  $ budao alerts export alerts/shop.yaml > prometheus-rules.yml\n  $ budao alerts export --built-in > budao-rules.yml',
    )
    .action(exportRules)
}

async function list({ json, ...access }: Options): Promise<void> {
  const report = await (await adminApi(access, 'viewer')).read<AlertsReport>('/api/v1/alerts')
  if (json === true) printJson(report)
  else printLine(alertTables(report))
  if (report.alerts.some(({ state }) => state === 'firing')) process.exitCode = 1
}

async function acknowledge(
  alert: string,
  { reason, by = whoAsks(), json, ...access }: Options & { readonly reason?: string },
): Promise<void> {
  const api = await adminApi(access, 'operator')
  const wish = { alert, by, ...(reason === undefined ? {} : { reason }) }
  const done = await api.change<{ alerts: number }>('/api/v1/alerts/acknowledge', wish)
  if (json === true) printJson(done)
  else printLine(`acknowledged: ${done.alerts}`)
}

async function silence(
  matchers: readonly string[],
  {
    for: length,
    reason,
    by = whoAsks(),
    json,
    ...access
  }: Options & { readonly for: string; readonly reason: string },
): Promise<void> {
  const api = await adminApi(access, 'operator')
  const made = await api.change<SilenceReport>('/api/v1/alerts/silences', {
    matchers,
    for: length,
    by,
    reason,
  })
  if (json === true) printJson(made)
  else printLine(`silence ${made.id} until ${made.endsAt}: ${made.matchers.join(', ')}`)
}

async function test(files: readonly string[], { json }: Options): Promise<void> {
  const { runRuleTestFile } = await import('@budao/observability')
  const results = []
  for (const file of files) results.push({ file, ...(await runRuleTestFile(resolve(file), basename(file))) })
  const failed = results.some(({ problems, failures }) => problems.length + failures.length > 0)
  if (failed) process.exitCode = 1
  if (json === true) return printJson({ ok: !failed, results })
  for (const { file, tests, checks, failures, problems } of results) {
    for (const problem of problems) printLine(problem)
    for (const failure of failures) printLine(failureText(failure))
    const ok = problems.length + failures.length === 0
    printLine(`${file}: ${ok ? `SUCCESS: ${tests} tests, ${checks} checks` : 'FAILED'}`)
  }
}

async function exportRules(
  path: string | undefined,
  { json, builtIn }: Options & { readonly builtIn?: true },
): Promise<void> {
  if ((path === undefined) !== (builtIn === true))
    throw new CliError('expected a file of rules, or --built-in instead of one', 2)
  const [{ toPrometheusRules, builtInRules }, { stringify }] = await Promise.all([
    import('@budao/observability'),
    import('yaml'),
  ])
  const { file, left } = toPrometheusRules(path === undefined ? builtInRules() : await rulesOf(path))
  if (left.length > 0)
    process.stderr.write(`budao: left out, since they are over records: ${left.join(', ')}\n`)
  if (json === true) printJson(file)
  else printLine(stringify(file, { lineWidth: 0 }).trimEnd())
}

async function rulesOf(file: string): Promise<readonly AlertRule[]> {
  const [{ parseRules }, { readFile }, { formatProblem }] = await Promise.all([
    import('@budao/observability'),
    import('node:fs/promises'),
    import('@budao/model'),
  ])
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new CliError(`${file}: cannot be read: ${(error as Error).message}`, 2)
  })
  const parsed = parseRules(text, file, { receivers: null })
  if (!parsed.ok)
    throw new CliError(`the rules are refused\n${parsed.problems.map(formatProblem).join('\n')}`)
  return parsed.rules
}
