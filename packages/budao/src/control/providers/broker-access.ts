import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { BrokerAccess, BrokerAccessConfig, LogsConfig, ReplicationConfig } from '@budao/model'
import { readSecret } from '../secret.ts'

/** Reads the files and the secret that `path` names. Rejects where one is missing. */
export async function readBrokerAccess(
  { tls, sasl }: BrokerAccessConfig,
  baseDir: string,
  path: string,
): Promise<BrokerAccess> {
  const pem = async (name: 'ca' | 'cert' | 'key'): Promise<object> => {
    const file = tls?.[name]
    if (file === undefined) return {}
    try {
      return { [name]: await readFile(resolve(baseDir, file), 'utf8') }
    } catch (error) {
      throw new Error(`${path}.tls.${name}: cannot be read: ${(error as Error).message}`, { cause: error })
    }
  }
  const password = sasl && (await readSecret(sasl.password, baseDir, 1, `${path}.sasl.password`))
  return {
    ...(tls && { tls: { ...(await pem('ca')), ...(await pem('cert')), ...(await pem('key')) } }),
    ...(sasl && { sasl: { mechanism: sasl.mechanism, user: sasl.user, password: password! } }),
  }
}

/** The same of the log of replication; nothing where it is at no brokers. */
export async function readLogAccess(
  { log }: Pick<ReplicationConfig, 'log'>,
  baseDir: string,
): Promise<BrokerAccess> {
  return 'kafka' in log ? await readBrokerAccess(log.kafka, baseDir, 'replication.log.kafka') : {}
}

/** How the brokers of sinks are spoken to, by the names of the sinks. */
export async function readSinkAccess(
  { sinks }: Pick<LogsConfig, 'sinks'>,
  baseDir: string,
): Promise<Record<string, BrokerAccess>> {
  const all: Record<string, BrokerAccess> = {}
  for (const [name, { kafka }] of Object.entries(sinks))
    if (kafka !== undefined) all[name] = await readBrokerAccess(kafka, baseDir, `logs.sinks.${name}.kafka`)
  return all
}
