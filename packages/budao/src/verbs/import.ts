import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { CliError } from '../cli-error.ts'
import type { ImportedFile } from '../import/import-file.ts'
import type { Note } from '../import/imported.ts'
import { formatNote } from '../import/note-text.ts'
import { importExamples, kindNames } from '../import/providers/kind-names.ts'
import { isKind } from '../import/source.ts'
import { jsonOption } from '../locate-config.ts'
import { createPaint, printJson, printLine } from '../output.ts'

interface Options {
  readonly out?: string
  readonly site: string
  readonly endpoints?: string
  readonly strict?: boolean
  readonly json?: boolean
}

/** `budao import`: a configuration out of one that people have already. */
export function importVerb(program: Command): void {
  program
    .command('import')
    .description(
      'Print a configuration made out of another program’s, and list what it could not carry over.',
    )
    .argument('<kind>', `${kindNames.join(', ')}, or auto to tell by the text`)
    .argument('<file>', 'the file to read')
    .option('-o, --out <file>', 'write the configuration there instead of to standard output')
    .option('--site <name>', 'site of the endpoints', 'main')
    .option('--endpoints <file>', 'YAML: service → list of addresses, for kinds that name none')
    .option('--strict', 'fail when anything is lost')
    .option(...jsonOption)
    .addHelpText(
      'after',
      `
The configuration goes to standard output, what is lost or changed to standard error, each with
file and line. Exits 0 when it is made, 1 when the file cannot be read as that kind, or with
--strict when something is lost, 2 on wrong usage.

Example:
${importExamples}`,
    )
    .action(importConfig)
}

async function importConfig(kind: string, file: string, options: Options): Promise<void> {
  const { wholeConfig, yamlOf } = await import('../import/written-config.ts')
  const imported = await read(kind, file, options)
  const config = wholeConfig(imported.fragment)
  const lost = imported.notes.filter((note) => note.kind === 'lost')
  const yaml = yamlOf(config, [
    `Imported from ${file} (${imported.kind}) by budao import.`,
    `${lost.length} of its statements ${lost.length === 1 ? 'is' : 'are'} not carried over: see what the command printed.`,
  ])
  if (options.out !== undefined) await write(options.out, yaml)
  if (options.json === true) {
    printJson({ kind: imported.kind, file, config, notes: imported.notes, lost: lost.length })
  } else {
    if (options.out === undefined) process.stdout.write(yaml)
    await complain(yaml, imported, options.out ?? 'the configuration')
  }
  if (options.strict === true && lost.length > 0) process.exitCode = 1
}

async function read(kind: string, file: string, options: Options): Promise<ImportedFile> {
  const { importFile } = await import('../import/import-file.ts')
  const { readEndpoints } = await import('../import/endpoints-file.ts')
  const { ImportError } = await import('../import/imported.ts')
  if (kind !== 'auto' && !isKind(kind)) {
    throw new CliError(`unknown kind: expected auto, ${kindNames.join(', ')}, got ${JSON.stringify(kind)}`, 2)
  }
  try {
    const endpoints = options.endpoints === undefined ? {} : readEndpoints(options.endpoints)
    return importFile({ file, ...(kind === 'auto' ? {} : { kind }) }, { site: options.site, endpoints })
  } catch (error) {
    if (!(error instanceof ImportError)) throw error
    throw new CliError(error.message, error.message.startsWith('cannot read') ? 2 : 1, { cause: error })
  }
}

async function write(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text)
  } catch (error) {
    throw new CliError(`cannot write ${path}: ${(error as NodeJS.ErrnoException).code}`, 2, { cause: error })
  }
}

/** Everything that a person has to look at, on standard error. */
async function complain(yaml: string, { notes }: ImportedFile, name: string): Promise<void> {
  const { formatProblem, parseConfig } = await import('@budao/model/parser')
  const paint = createPaint(process.stderr)
  const say = (line: string): void => printLine(line, process.stderr)
  for (const note of notes)
    say(formatNote(note, (text) => paint(['lost', 'warning'].includes(note.kind) ? 'red' : 'yellow', text)))
  const parsed = parseConfig(yaml, name)
  if (!parsed.ok) {
    say(paint('red', 'The configuration is not complete yet:'))
    for (const problem of parsed.problems) say(formatProblem(problem))
  }
  const count = (kind: Note['kind']): number => notes.filter((note) => note.kind === kind).length
  const warned = count('warning') === 0 ? '' : `, ${count('warning')} warned of`
  say(`${count('lost')} lost, ${count('changed')} changed, ${count('default')} as it is anyway${warned}`)
}
