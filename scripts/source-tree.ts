// What tidy.test.ts knows of the source: files, what they import, and their text without comments.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, extname, join, normalize } from 'node:path'
import { packages, sourceOf } from './packages.ts'
import type { WorkspacePackage } from './packages.ts'

const notSource = new Set([
  'node_modules',
  'dist',
  'miniprogram_dist',
  'miniprogram_npm',
  'data',
  'results',
  '.git',
])

/** Everything a commit could hold, without asking git: a source archive has none. */
export const files: readonly string[] = walk('.')

export const sources: readonly string[] = files.filter(
  (file) => /\.(ts|js)$/.test(file) && !file.endsWith('.d.ts'),
)

/** Asked of each file once: the rules ask all of them of all files. */
function remembered<T>(of: (file: string) => T): (file: string) => T {
  const known = new Map<string, T>()
  return (file) => {
    let value = known.get(file)
    if (value === undefined) known.set(file, (value = of(file)))
    return value
  }
}

export const text: (file: string) => string = remembered((file) => readFileSync(file, 'utf8'))

/** Strings and templates are kept whole; comments become a space. */
const stringOrComment =
  /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\/[^\n]*|\/\*[^]*?\*\//g

export const code: (file: string) => string = remembered((file) =>
  text(file).replace(stringOrComment, (_, kept?: string) => kept ?? ' '),
)

export interface Import {
  readonly specifier: string
  /** Erased before it runs: cannot make a cycle. */
  readonly typeOnly: boolean
}

const importStatement =
  /(?:^|\n)\s*(import|export)\s+(type\s+)?(?:[\w*{}\s,$]+\s+from\s+)?'([^'\n]+)'|\bimport\('([^'\n]+)'\)/g

export const imports: (file: string) => readonly Import[] = remembered((file) =>
  [...code(file).matchAll(importStatement)].map(([, , type, specifier, dynamic]) => ({
    specifier: specifier ?? dynamic!,
    typeOnly: type !== undefined,
  })),
)

/** The package that holds this file, undefined for those of the root. */
export function packageOf(file: string): WorkspacePackage | undefined {
  return packages.find(({ dir }) => file.startsWith(`${dir}/`))
}

/** `@budao/model/parser` → `@budao/model`; undefined for `./x.ts` and `node:fs`. */
export function packageName(specifier: string): string | undefined {
  if (/^(\.|node:)/.test(specifier)) return undefined
  return /^(@[^/]+\/)?[^/]+/.exec(specifier)![0]
}

/** The file an import leads to inside this workspace, undefined outside it. */
export function resolveImport(file: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) {
    const path = normalize(join(dirname(file), specifier))
    // WeChat's compiler wants imports without an ending.
    return extname(path) === '' ? `${path}.ts` : path
  }
  const name = packageName(specifier)
  const owner = packages.find(({ manifest }) => manifest.name === name)
  const entry = sourceOf(owner?.manifest.exports?.[`.${specifier.slice(name!.length)}`])
  return entry === undefined ? undefined : normalize(join(owner!.dir, entry))
}

/**
 * Files that this one names without importing them: worker threads, scripts, what a page loads. A name alone counts
 * within the same package.
 */
export const mentions: (file: string) => readonly string[] = remembered((file) => {
  const owner = packageOf(file)?.dir
  const names = code(file).matchAll(/[\w${}-][\w$.{}/-]*\.(?:ts|js|\$\{\w+\})/g)
  return [...names].flatMap(([name]) => {
    const path = name.replace(/\.(js|\$\{\w+\})$/, '.ts')
    const near = owner === undefined ? [] : (byName.get(basename(path)) ?? [])
    return [
      ...[join(dirname(file), path), normalize(path)].filter((candidate) => existsSync(candidate)),
      ...near.filter((other) => other.startsWith(`${owner}/`)),
    ]
  })
})

const byName: ReadonlyMap<string, readonly string[]> = Map.groupBy(sources, (file) => basename(file))

/** Scripts that the json of a mini program names: its pages, and the components they use. */
export const miniProgramScripts: readonly string[] = files
  .filter((file) => basename(file) === 'app.json')
  .flatMap((app) => {
    const folder = dirname(app)
    const pages = (JSON.parse(text(app)) as { pages: string[] }).pages
    const components = files
      .filter((file) => file.startsWith(`${folder}/`) && file.endsWith('.json'))
      .map((file) => JSON.parse(text(file)) as { usingComponents?: Record<string, string> })
      .flatMap(({ usingComponents = {} }) => Object.values(usingComponents))
    return [...pages, ...components].map((path) => `${normalize(join(folder, path))}.ts`)
  })

function walk(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true })
    .filter(({ name }) => !notSource.has(name) && !name.endsWith('.tsbuildinfo'))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(dir, entry.name)
      return entry.isDirectory() ? walk(path) : entry.isFile() ? [path] : []
    })
}
