import { access, constants } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Config, JwtConfig, Problem } from '@budao/model'
import type { ConfigFile } from './locate-config.ts'

/** The files a configuration names that cannot be read, each as a problem. Relative paths start at the file's folder. */
export async function missingFiles(config: Config, file: ConfigFile): Promise<Problem[]> {
  const base = dirname(file.path)
  const { placeProblem } = await import('@budao/model/parser')
  const place = placeProblem(file.text, file.name)
  const problems = await Promise.all(
    namedFiles(config).map(async ({ path, name }) => {
      try {
        await access(resolve(base, name), constants.R_OK)
        return []
      } catch (error) {
        const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : 'cannot be read'
        return [place({ path, message: reason, found: JSON.stringify(name) })]
      }
    }),
  )
  return problems.flat()
}

interface NamedFile {
  readonly path: readonly (string | number)[]
  readonly name: string
}

function namedFiles(config: Config): NamedFile[] {
  const files: NamedFile[] = []
  for (const [index, { tls }] of config.listeners.entries()) {
    if (tls === undefined) continue
    for (const [each, certificate] of tls.certificates.entries()) {
      // One alone is mostly written in the short form.
      const place = tls.certificates.length === 1 ? [] : ['certificates', each]
      for (const part of ['cert', 'key'] as const)
        files.push({ path: ['listeners', index, 'tls', ...place, part], name: certificate[part] })
    }
    if (tls.acme?.caFile !== undefined)
      files.push({ path: ['listeners', index, 'tls', 'acme', 'caFile'], name: tls.acme.caFile })
    if (tls.clientAuth !== undefined)
      files.push({ path: ['listeners', index, 'tls', 'clientAuth', 'ca'], name: tls.clientAuth.ca })
  }
  for (const [name, { tls }] of Object.entries(config.services)) {
    for (const part of ['ca', 'cert', 'key'] as const) {
      if (tls?.[part] !== undefined) files.push({ path: ['services', name, 'tls', part], name: tls[part] })
    }
  }
  for (const [index, { filters }] of config.routes.entries()) {
    for (const [step, filter] of filters.entries()) {
      const path = ['routes', index, 'filters', step]
      if ('jwt' in filter) files.push(...keyFiles(filter.jwt, [...path, 'jwt']))
      if ('module' in filter) files.push({ path: [...path, 'module', 'path'], name: filter.module.path })
    }
  }
  for (const [index, name] of (config.gslb?.geo ?? []).entries())
    files.push({ path: ['gslb', 'geo', index], name })
  return files
}

/** Keys of a URL are looked for by the gateway, which starts without them too. */
function keyFiles({ jwks, issuers }: JwtConfig, path: NamedFile['path']): NamedFile[] {
  const named = [
    ...(jwks === undefined ? [] : [{ path: [...path, 'jwks'], name: jwks }]),
    ...issuers.map((issuer, index) => ({ path: [...path, 'issuers', index, 'jwks'], name: issuer.jwks })),
  ]
  return named.filter(({ name }) => !/^https?:/.test(name))
}

/** Whether files that it names may have changed while it has not: certificates, and rules. */
export function namesFiles({ listeners, services, alerts }: Config): boolean {
  return (
    alerts !== undefined || [...listeners, ...Object.values(services)].some(({ tls }) => tls !== undefined)
  )
}
