import { findOrInstall } from '@budao/testkit'
import { spawnSync } from 'node:child_process'
import type { BearerToken } from '../bearer-token.ts'
import type { Front } from '../scenarios.ts'

/** One proxy in the comparison. */
export interface Contender {
  readonly name: string
  /** Looks for what it needs, and installs it where that is possible. */
  find(): Promise<Found>
  /** Which part of such a front it cannot have here; undefined when it can have all. */
  lacks(front: Front): string | undefined
  /** Writes its files into `plan.folder`; says what to start. Undefined: the backend itself is asked. */
  prepare(plan: Plan): Launch | undefined
}

export type Found =
  | { readonly kind: 'found'; readonly program: string; readonly version: string }
  | { readonly kind: 'missing'; readonly reason: string }

export interface Plan {
  /** What `find` returned. */
  readonly program: string
  /** Empty, its own. */
  readonly folder: string
  /** Where it has to listen, on 127.0.0.1. */
  readonly port: number
  /** Another free port, for those that have an admin address. */
  readonly adminPort: number
  /** `host:port`, as many as the front has endpoints. */
  readonly backends: readonly string[]
  readonly front: Front
  readonly certificate: CertificateFiles
  readonly token: BearerToken
  /** Where a CPU profile is wanted; contenders that cannot write one ignore it. */
  readonly profileFolder: string | undefined
}

export interface CertificateFiles {
  readonly cert: string
  readonly key: string
  /** Both in one file. */
  readonly pem: string
}

export interface Launch {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** It has started once these are open too. */
  readonly otherPorts?: readonly number[]
}

/** For contenders that stand in the plain comparison only. */
export function lacksAllButPlain({ tls, filters, routes, endpoints }: Front): string | undefined {
  return tls || filters || routes > 1 || endpoints > 2 ? 'only set up for the plain front' : undefined
}

/** A server of a Debian package; its version is the first that it prints when asked. */
export async function findServer(packageName: string, versionFlag: string): Promise<Found> {
  const found = await findOrInstall(packageName)
  if (found.kind === 'missing') return found
  const { stdout, stderr } = spawnSync(found.path, [versionFlag], { encoding: 'utf8', timeout: 10_000 })
  const version = /\d+\.\d+[.\d]*/.exec(`${stdout}${stderr}`)?.[0] ?? 'unknown'
  return { kind: 'found', program: found.path, version }
}
