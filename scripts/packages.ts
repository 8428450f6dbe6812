import { globSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  /** Where the build for mini programs is. Such a package is published as bundles, which hold what it imports. */
  readonly miniprogram?: string
  readonly bin?: Readonly<Record<string, string>>
  /** A file, or files by condition. */
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly workspaces?: readonly string[]
}

export interface WorkspacePackage {
  /** Relative to the root of the workspace, e.g. `packages/model`. */
  readonly dir: string
  readonly manifest: Manifest
}

/** The root's own manifest. */
export const root: Manifest = readManifest('package.json')

/** The source behind an entry of `exports`; undefined when there is none. */
export function sourceOf(entry: string | Readonly<Record<string, string>> | undefined): string | undefined {
  return typeof entry === 'object' ? entry['@budao/source'] : undefined
}

/** Every package of the workspace, by folder. Run from its root. */
export const packages: readonly WorkspacePackage[] = globSync(
  root.workspaces!.map((pattern) => `${pattern}/package.json`),
)
  .toSorted()
  .map((file) => ({ dir: dirname(file), manifest: readManifest(file) }))

/** Those that are published. */
export const publicPackages: readonly WorkspacePackage[] = packages.filter(
  ({ manifest }) => !manifest.private,
)

function readManifest(file: string): Manifest {
  return JSON.parse(readFileSync(file, 'utf8')) as Manifest
}
