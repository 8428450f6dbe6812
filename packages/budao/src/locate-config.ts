import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { CliError } from './cli-error.ts'

/** Used when no `-c` is given, in the working directory. */
export const defaultConfigFile = 'budao.yaml'

/** The flags every verb that reads the configuration shares: `.option(...configOption)`. */
export const configOption: readonly [flags: string, description: string] = [
  '-c, --config <file>',
  `configuration file (default: ./${defaultConfigFile})`,
]

/** The flags every verb shares: `.option(...jsonOption)`. */
export const jsonOption: readonly [flags: string, description: string] = ['--json', 'print JSON for programs']

/** Collects `-f FILE -f KIND:FILE`: `.option(...besideOption)`. */
export const besideOption: readonly [
  flags: string,
  description: string,
  collect: (source: string, before: readonly string[]) => readonly string[],
  start: readonly string[],
] = [
  '-f, --file <[kind:]file>',
  'another program’s configuration, read beside it; may be repeated',
  (source, before) => [...before, source],
  [],
]

export interface ConfigFile {
  /** As the person wrote it: what problems are reported with. */
  readonly name: string
  /** Absolute. */
  readonly path: string
  readonly text: string
}

/** Reads the configuration file. Throws CliError with exit code 2 when it is not there or cannot be read. */
export async function readConfigFile(option: string | undefined): Promise<ConfigFile> {
  const name = option ?? defaultConfigFile
  const path = resolve(name)
  try {
    return { name, path, text: await readFile(path, 'utf8') }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' && option === undefined) {
      throw new CliError(`no ${defaultConfigFile} in this folder: name the file with -c FILE`, 2, {
        cause: error,
      })
    }
    const reason = code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'is a folder' : String(code)
    throw new CliError(`cannot read ${name}: ${reason}`, 2, { cause: error })
  }
}
