import type { Command } from 'commander'
import { configOption, jsonOption } from '../../locate-config.ts'
import { createPaint, formatTable, printJson, printLine } from '../../output.ts'

interface HistoryOptions {
  readonly config?: string
  readonly out?: string
  readonly json?: true
  readonly html?: true
}

/** `budao drill list` and `budao drill show`. */
export function historyVerbs(drill: Command): void {
  drill
    .command('list')
    .description('The drills that were run, the newest first.')
    .option(...configOption)
    .option('--out <folder>', 'the folder that the drills had with --out')
    .option(...jsonOption)
    .addHelpText('after', '\nExample:\n  $ budao drill list -c budao.yaml')
    .action(list)
  drill
    .command('show')
    .description('The report of a drill.')
    .argument('[id]', 'as in the list, or the beginning of it (default: the newest)')
    .option(...configOption)
    .option('--out <folder>', 'the folder that the drill had with --out')
    .option('--html', 'where its page is')
    .option(...jsonOption)
    .addHelpText(
      'after',
      '\nExample:\n  $ budao drill show -c budao.yaml\n  $ open "$(budao drill show --html -c budao.yaml)"',
    )
    .action(show)
}

async function list(options: HistoryOptions): Promise<void> {
  const archive = await openArchive(options)
  const drills = archive.list()
  if (options.json) return printJson({ drills })
  if (drills.length === 0) return printLine('No drill was run yet.')
  const paint = createPaint()
  printLine(
    formatTable(
      [{ title: 'WHEN' }, { title: 'SCENARIO' }, { title: 'SITE' }, { title: 'VERDICT' }, { title: 'ID' }],
      drills.map(({ at, scenario, site, verdict, id }) => [
        `${at.slice(0, 16).replace('T', ' ')}Z`,
        scenario,
        site,
        paint(verdict === 'passed' ? 'green' : 'red', verdict),
        id,
      ]),
      120,
    ),
  )
}

async function show(id: string | undefined, options: HistoryOptions): Promise<void> {
  const archive = await openArchive(options)
  const report = archive.report(id)
  if (options.html) return printLine(archive.page(report.id))
  if (options.json) return printJson(report)
  const { formatDrill } = await import('../../drill/print-drill.ts')
  printLine(formatDrill(report, createPaint()))
}

async function openArchive(options: HistoryOptions) {
  const [{ readParsedConfig }, { drillsFolder }, { Archive }, { dirname, resolve }] = await Promise.all([
    import('../../drill/drill-place.ts'),
    import('../../drill/drills-folder.ts'),
    import('../../drill/archive.ts'),
    import('node:path'),
  ])
  if (options.out !== undefined && options.config === undefined) return new Archive(resolve(options.out))
  const { config, path } = await readParsedConfig(options.config)
  return new Archive(drillsFolder(config, dirname(path), options.out))
}
