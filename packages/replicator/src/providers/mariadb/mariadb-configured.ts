import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Connection } from 'mysql2/promise'
import type { MariadbConfig } from '@budao/model'
import { findingText, type PreflightFinding } from '../../preflight.ts'
import type { ReplicatedTables } from '../../replicated-table.ts'
import type { SiteDatabase } from '../../site-database.ts'
import type { VerifiedDifference, VerifiedTable, VerifyRequest } from '../../verify.ts'
import { connect, type MariadbConnection } from './mariadb-connection.ts'
import { openMariadbDatabase } from './mariadb-database.ts'
import { inspect, judgeSettings, type ServerSettings } from './mariadb-preflight.ts'
import { decideRow, repairRow } from './mariadb-repair.ts'
import { verifyTable } from './mariadb-verify.ts'
import { readShape } from './table-shape.ts'

/** For which site, and what is promised. */
export interface ConfiguredOptions {
  readonly site: string
  readonly tables: ReplicatedTables
  /** The folder of the configuration file. */
  readonly baseDir: string
  /** A table is `sync`: no acknowledged write may be lost, so the server must keep what it says it has. */
  readonly noLoss: boolean
}

/** Opens a configured MariaDB. Refuses one that would lose or mix up changes, with the lines to change. */
export async function openCheckedMariadb(
  config: MariadbConfig,
  { site, tables, baseDir, noLoss }: ConfiguredOptions,
): Promise<SiteDatabase> {
  const findings = await preflightMariadb({
    [site]: { mariadb: config, tables: Object.keys(tables), baseDir },
  })
  const refused = findings.filter(
    ({ forbids }) => forbids === 'replication' || (noLoss && forbids === 'no-loss'),
  )
  if (refused.length > 0) {
    throw new Error(`the database cannot be replicated as it is:\n${refused.map(findingText).join('\n')}`)
  }
  return await openMariadbDatabase({
    connection: await connectionOf(config, baseDir),
    site,
    tables,
    capture: config.capture,
    ...(config.domainId !== undefined && { domainId: config.domainId }),
  })
}

/** Looks at the servers of some sites, together. Throws when one cannot be asked. */
export async function preflightMariadb(
  sites: Readonly<
    Record<
      string,
      { readonly mariadb: MariadbConfig; readonly tables: readonly string[]; readonly baseDir: string }
    >
  >,
): Promise<PreflightFinding[]> {
  const servers: Record<string, ServerSettings> = {}
  const findings: PreflightFinding[] = []
  for (const [site, { mariadb, tables, baseDir }] of Object.entries(sites)) {
    const inspected = await inspect(await connectionOf(mariadb, baseDir), site, tables)
    servers[site] = inspected.settings
    findings.push(...inspected.findings)
  }
  return [...judgeSettings(servers), ...findings]
}

/**
 * Compares the tables of two sites while both are written to; with `repair` makes rows equal that differ, as the rule of their
 * table says. Throws when a server cannot be asked.
 */
export async function verifyMariadb(
  sites: Readonly<Record<string, { readonly mariadb: MariadbConfig; readonly baseDir: string }>>,
  tables: ReplicatedTables,
  { repair, ...options }: VerifyRequest,
): Promise<VerifiedTable[]> {
  const connections: [string, Connection, string, boolean][] = []
  try {
    for (const [site, { mariadb, baseDir }] of Object.entries(sites)) {
      // Outside the binlog: what is repaired here is repaired there as well, and must not travel.
      const connection = await connectionOf(mariadb, baseDir)
      connections.push([
        site,
        await connect(connection, null),
        connection.database,
        mariadb.capture === 'outbox',
      ])
    }
    const verified: VerifiedTable[] = []
    for (const [table, { rule }] of Object.entries(tables)) {
      const [one, other] = await Promise.all(
        connections.map(async ([site, connection, database, hasVersions]) => ({
          site,
          connection,
          hasVersions,
          shape: await readShape(connection, database, table),
        })),
      )
      const found = await verifyTable(one!, other!, options)
      const different: VerifiedDifference[] = []
      const repaired: string[] = []
      for (const each of found.different) {
        const decided = await decideRow(one!, other!, each, rule)
        different.push(decided.difference)
        if (repair && (await repairRow(one!, other!, decided, rule))) repaired.push(each.key)
      }
      verified.push({ ...found, different, repaired })
    }
    return verified
  } finally {
    for (const [, connection] of connections) connection.destroy()
  }
}

async function connectionOf({ url, ca }: MariadbConfig, baseDir: string): Promise<MariadbConnection> {
  const { hostname, port, username, password, pathname } = new URL(url)
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? 3306 : Number(port),
    user: decodeURIComponent(username),
    ...(password !== '' && { password: decodeURIComponent(password) }),
    database: decodeURIComponent(pathname.slice(1)),
    ...(ca !== undefined && { ssl: { ca: await readFile(resolve(baseDir, ca), 'utf8') } }),
  }
}
