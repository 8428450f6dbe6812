import { globSync, readFileSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { ImportError, type Imported, type IncludedFile, type ImportKind } from './imported.ts'
import { kindNames } from './providers/kind-names.ts'
import { importKinds } from './providers/kinds.ts'
import type { ImportSource } from './source.ts'

export interface ImportSettings {
  readonly site: string
  readonly node?: string
  readonly endpoints: Readonly<Record<string, readonly string[]>>
  readonly configured?: ReadonlySet<string>
}

/** What became of a file, and which kind it was taken for. */
export interface ImportedFile extends Imported {
  readonly kind: string
}

/** Reads a file. Throws an ImportError for a kind that is unknown or a file that cannot be read as it. */
export function importFile({ kind, file }: ImportSource, settings: ImportSettings): ImportedFile {
  const text = readText(file, file)
  const chosen = kind === undefined ? detectKind(text, file) : kindNamed(kind)
  const folder = dirname(resolve(file))
  const imported = chosen.read(text, {
    ...settings,
    file,
    include: (pattern) => includedFiles(pattern, folder, file),
  })
  return { kind: chosen.name, ...imported }
}

function kindNamed(name: string): ImportKind {
  const kind = importKinds.find((each) => each.name === name)
  if (kind !== undefined) return kind
  throw new ImportError(`unknown kind: expected one of ${kindNames.join(', ')}, got ${JSON.stringify(name)}`)
}

function detectKind(text: string, file: string): ImportKind {
  const kind = importKinds.find((each) => each.detects(text, basename(file)))
  if (kind !== undefined) return kind
  throw new ImportError(
    `${file}: cannot tell what it is: say ${kindNames.map((name) => `${name}:FILE`).join(', ')}`,
  )
}

/** Relative patterns start at the folder of the file that was named. Reported as seen from where that file was named. */
export function includedFiles(pattern: string, folder: string, file: string): IncludedFile[] {
  const full = isAbsolute(pattern) ? pattern : join(folder, pattern)
  const paths = /[*?[]/.test(pattern) ? globSync(full).toSorted() : [full]
  return paths.map((path) => {
    const name = isAbsolute(pattern) ? path : join(dirname(file), relative(folder, path))
    return { name, text: readText(path, name) }
  })
}

/** The text of a file, reported as `name`. Throws an ImportError. */
export function readText(path: string, name: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const reason = code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'is a folder' : String(code)
    throw new ImportError(`cannot read ${name}: ${reason}`, { cause: error })
  }
}
