import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { openCoordination } from '@budao/controller'
import type { CoordinationConfig, CoordinationStore } from '@budao/model'
import { readSecret } from '../secret.ts'

/** Opens the store of leases as the configuration names it. Rejects when a file is missing or cannot be used. */
export async function openStore(
  store: CoordinationConfig,
  baseDir: string,
): Promise<CoordinationStore & { close(): void }> {
  if (store.type === 'sqlite') return openCoordination({ type: 'sqlite', path: resolve(baseDir, store.path) })
  const { endpoints, prefix, timeout, user, password, tls } = store
  const pem = (file: string | undefined): Promise<string | undefined> =>
    file === undefined ? Promise.resolve(undefined) : readFile(resolve(baseDir, file), 'utf8')
  const [ca, cert, key] = await Promise.all([pem(tls?.ca), pem(tls?.cert), pem(tls?.key)])
  const given = (name: string, value: string | undefined): object =>
    value === undefined ? {} : { [name]: value }
  return openCoordination({
    type: 'etcd',
    endpoints,
    prefix,
    timeoutMs: timeout,
    tls: { ...given('ca', ca), ...given('cert', cert), ...given('key', key) },
    ...(user === undefined || password === undefined
      ? {}
      : { user: { name: user, password: await readSecret(password, baseDir, 1, 'control.store.password') } }),
  })
}
