import { dirname, resolve } from 'node:path'
import type { Command } from 'commander'
import { CliError } from '../../cli-error.ts'
import type { ExplainedRouter } from '../../import/providers/keepalived-explain.ts'
import { jsonOption } from '../../locate-config.ts'
import { createPaint, formatTable, printJson, printLine } from '../../output.ts'

/** `budao keepalived explain`: what the files of all nodes together mean. */
export function explainVerb(parent: Command): void {
  parent
    .command('explain')
    .description(
      'What happens when something fails, out of the keepalived.conf of every node: who takes over, how soon, or why never.',
    )
    .argument('<file...>', 'one of each node')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
Exits 0 when the address moves in every case, 1 when it stays or is on both in one, 2 when a file cannot be read.

Example:
  $ budao keepalived explain gw-1.conf gw-2.conf
  gw-1.conf:18: check weight 2: never fails over: failing, the master still has priority 100 and the backup 92`,
    )
    .action(explain)
}

async function explain(files: readonly string[], { json }: { readonly json?: true }): Promise<void> {
  const { explainFiles } = await import('../../import/providers/keepalived-explain.ts')
  const { includedFiles, readText } = await import('../../import/import-file.ts')
  const { ImportError } = await import('../../import/imported.ts')
  try {
    const routers = explainFiles(
      files.map((file) => ({
        file,
        text: readText(file, file),
        include: (pattern: string) => includedFiles(pattern, dirname(resolve(file)), file),
      })),
    )
    if (routers.length === 0) throw new CliError(`${files.join(', ')}: no vrrp_instance in it`)
    if (json === true) printJson(routers)
    else printLine(routers.map(routerText).join('\n\n'))
    if (routers.some(({ findings }) => findings.some(({ good }) => !good))) process.exitCode = 1
  } catch (error) {
    if (!(error instanceof ImportError)) throw error
    throw new CliError(error.message, 2, { cause: error })
  }
}

function routerText({ routerId, addresses, nodes, findings }: ExplainedRouter): string {
  const paint = createPaint()
  const rows = nodes.map(({ file, base, well }) => [file, String(base), String(well)])
  return [
    `virtual router ${routerId}: ${addresses.join(' ')}`,
    formatTable(
      [{ title: 'NODE' }, { title: 'BASE', align: 'right' }, { title: 'ALL WELL', align: 'right' }],
      rows,
    ),
    ...findings.map(
      ({ file, line, text, good, says }) =>
        `${file}:${line}: ${text}: ${paint(good ? 'green' : 'red', says)}`,
    ),
  ].join('\n')
}
