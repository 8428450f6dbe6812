import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Config, SecretConfig, ServeConfig } from '@budao/model'
import { parsePrivateKeys } from '../keys/private-keys.ts'
import { identitySecrets } from '../providers/open-identity.ts'

/** Something wrong with what a configuration names outside of itself. */
export interface ServeFileProblem {
  /** Of the key in the configuration. */
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** One file or variable, and how to see whether it can be used. */
interface Named {
  readonly path: readonly (string | number)[]
  readonly source: SecretConfig
  /** Throws an Error that says what is wrong. */
  check(text: string): unknown
}

/** What is wrong with the keys, lists and secrets of routes with `serve`, before a gateway starts with them. */
export async function checkServeFiles(config: Config, baseDir: string): Promise<ServeFileProblem[]> {
  const named: Named[] = []
  for (const [index, { serve }] of config.routes.entries())
    if (serve !== undefined) named.push(...(await namedBy(serve, ['routes', index, 'serve'])))
  for (const [name, identity] of Object.entries(config.identity)) {
    for (const { key, source } of identitySecrets(identity))
      named.push({ path: ['identity', name, ...key], source, check: () => {} })
  }
  const problems = await Promise.all(named.map((each) => problemOf(each, baseDir)))
  return problems.flatMap((problem) => (problem === null ? [] : [problem]))
}

async function namedBy(serve: ServeConfig, path: readonly (string | number)[]): Promise<Named[]> {
  if ('channels' in serve) {
    const { rsaKey } = await import('./channel-list.ts')
    const { parseChannelOrder } = await import('./channel-order.ts')
    const { key, file } = serve.channels
    const at = [...path, 'channels']
    return [
      { path: [...at, 'key'], source: { file: key }, check: rsaKey },
      ...(file === undefined ? [] : [{ path: [...at, 'file'], source: { file }, check: parseChannelOrder }]),
    ]
  }
  if ('jwks' in serve)
    return [{ path: [...path, 'jwks', 'key'], source: { file: serve.jwks.key }, check: parsePrivateKeys }]
  if (!('session' in serve)) return []
  const { token, user } = serve.session
  const at = [...path, 'session']
  return [
    { path: [...at, 'token', 'key'], source: { file: token.key }, check: parsePrivateKeys },
    ...('hash' in user ? [{ path: [...at, 'user', 'hash'], source: user.hash, check: () => {} }] : []),
  ]
}

async function problemOf({ path, source, check }: Named, baseDir: string): Promise<ServeFileProblem | null> {
  try {
    // A variable of the environment may be there only where the gateway runs.
    if ('file' in source) check(await readFile(resolve(baseDir, source.file), 'utf8'))
    return null
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return { path, message: 'no such file' }
    return { path, message: code === undefined ? message : 'cannot be read' }
  }
}
