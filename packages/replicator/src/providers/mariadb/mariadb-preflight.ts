import type { Connection, RowDataPacket } from 'mysql2/promise'
import type { PreflightFinding, PreflightForbids } from '../../preflight.ts'
import { connect, type MariadbConnection } from './mariadb-connection.ts'
import { readShape } from './table-shape.ts'

/** Global variables of one site's server. */
export type ServerSettings = Readonly<Record<string, string>>

interface Rule {
  readonly setting: string
  readonly holds: (value: string, all: ServerSettings) => boolean
  readonly expected: string
  readonly why: string
  readonly change: string
  readonly forbids: PreflightForbids
}

const is =
  (...expected: readonly string[]) =>
  (value: string): boolean =>
    expected.includes(value.toUpperCase())
const withSemiSync =
  (holds: (value: string) => boolean) =>
  (value: string, all: ServerSettings): boolean =>
    all['rpl_semi_sync_master_enabled'] !== 'ON' || holds(value)
const dayMs = 86_400_000

const rules: readonly Rule[] = [
  {
    setting: 'log_bin',
    holds: is('ON'),
    expected: 'ON',
    why: 'without a binlog no change can be read',
    change: 'log_bin = binlog',
    forbids: 'replication',
  },
  {
    setting: 'binlog_format',
    holds: is('ROW'),
    expected: 'ROW',
    why: 'statements say what to do, not what came of it',
    change: 'binlog_format = ROW',
    forbids: 'replication',
  },
  {
    setting: 'binlog_row_image',
    holds: is('FULL'),
    expected: 'FULL',
    why: 'conflicts are found by the row before the change',
    change: 'binlog_row_image = FULL',
    forbids: 'replication',
  },
  {
    setting: 'binlog_row_metadata',
    holds: is('FULL'),
    expected: 'FULL',
    why: 'a row that is read after an ALTER TABLE would be taken for one of the new shape',
    change: 'binlog_row_metadata = FULL',
    forbids: 'replication',
  },
  {
    setting: 'server_id',
    holds: (value) => Number(value) > 0,
    expected: 'a number from 1, another at every server',
    why: 'a server without one gives its binlog to nobody',
    change: 'server_id = 1',
    forbids: 'replication',
  },
  {
    setting: 'sync_binlog',
    holds: is('1'),
    expected: '1',
    why: 'after a power loss a committed transaction may be in the table and not in the binlog: no other site gets it',
    change: 'sync_binlog = 1',
    forbids: 'no-loss',
  },
  {
    setting: 'innodb_flush_log_at_trx_commit',
    holds: is('1', '3'),
    expected: '1',
    why: 'up to a second of acknowledged commits is lost with the power',
    change: 'innodb_flush_log_at_trx_commit = 1',
    forbids: 'no-loss',
  },
  {
    setting: 'rpl_semi_sync_master_wait_point',
    holds: withSemiSync(is('AFTER_SYNC')),
    expected: 'AFTER_SYNC',
    why: 'others see a commit that its replica does not have yet, and that is gone after a failover',
    change: 'rpl_semi_sync_master_wait_point = AFTER_SYNC',
    forbids: 'no-loss',
  },
  {
    setting: 'rpl_semi_sync_master_timeout',
    holds: withSemiSync((value) => Number(value) >= dayMs),
    expected: `at least ${dayMs} (a day, in milliseconds)`,
    why: 'after it semi-synchronous replication silently goes on without the replica',
    change: `rpl_semi_sync_master_timeout = ${dayMs}`,
    forbids: 'no-loss',
  },
  {
    setting: 'innodb_doublewrite',
    holds: is('ON'),
    expected: 'ON',
    why: 'a page that was written in half when the power went cannot be repaired',
    change: 'innodb_doublewrite = ON',
    forbids: 'no-loss',
  },
  {
    setting: 'gtid_strict_mode',
    holds: is('ON', '1'),
    expected: 'ON',
    why: 'a binlog in which GTIDs go backwards cannot be resumed in',
    change: 'gtid_strict_mode = ON',
    forbids: 'nothing',
  },
  {
    setting: 'binlog_expire_logs_seconds',
    holds: (value) => Number(value) === 0 || Number(value) * 1000 >= dayMs,
    expected: '0, or at least 86400',
    why: 'a replicator that was away longer finds its place purged, and the other sites have to be resynced',
    change: 'binlog_expire_logs_seconds = 604800',
    forbids: 'nothing',
  },
]

/** What is to be said about the servers of some sites. Pure. */
export function judgeSettings(servers: Readonly<Record<string, ServerSettings>>): PreflightFinding[] {
  const findings: PreflightFinding[] = []
  for (const [site, settings] of Object.entries(servers)) {
    for (const { holds, ...rule } of rules) {
      const found = settings[rule.setting]
      if (found !== undefined && !holds(found, settings)) findings.push({ site, ...rule, found })
    }
  }
  return [...findings, ...judgeTogether(servers)]
}

function* judgeTogether(servers: Readonly<Record<string, ServerSettings>>): Generator<PreflightFinding> {
  const shared = [
    ['server_id', 'each takes the other’s changes for its own'],
    ['gtid_domain_id', 'changes of one site cannot be told from those of the other, and go round in circles'],
  ] as const
  for (const [setting, why] of shared) {
    const first = new Map<string, string>()
    for (const [site, settings] of Object.entries(servers)) {
      const found = settings[setting] ?? ''
      const other = first.get(found)
      if (other === undefined) {
        first.set(found, site)
        continue
      }
      const free = Math.max(...Object.values(servers).map((each) => Number(each[setting] ?? 0))) + 1
      const expected = `another than at ${other}`
      yield { site, setting, found, expected, why, change: `${setting} = ${free}`, forbids: 'replication' }
    }
  }
}

/** Looks at a site's server and the tables that are to be replicated. Throws when it cannot be asked. */
export async function inspect(
  options: MariadbConnection,
  site: string,
  tables: readonly string[],
): Promise<{ readonly settings: ServerSettings; readonly findings: PreflightFinding[] }> {
  const connection = await connect(options)
  try {
    const names = [...rules.map(({ setting }) => setting), 'gtid_domain_id', 'rpl_semi_sync_master_enabled']
    const [rows] = await connection.query<RowDataPacket[]>(
      'SHOW GLOBAL VARIABLES WHERE Variable_name IN (?)',
      [names],
    )
    const settings = Object.fromEntries(
      rows.map((row) => [String(row['Variable_name']), String(row['Value'])]),
    )
    const findings = [...(await judgeRights(connection, site))]
    for (const table of tables)
      findings.push(...(await judgeTable(connection, options.database, site, table)))
    return { settings, findings }
  } finally {
    await connection.end()
  }
}

async function judgeRights(connection: Connection, site: string): Promise<PreflightFinding[]> {
  const findings: PreflightFinding[] = []
  const attempts = [
    [
      'SET SESSION gtid_domain_id = 4294967295',
      'BINLOG REPLAY',
      'what is applied could not be told from what this site wrote',
    ],
    ['SET SESSION sql_log_bin = 0', 'BINLOG ADMIN', 'the replicator’s own bookkeeping would travel'],
    ['SHOW BINARY LOGS', 'BINLOG MONITOR', 'the binlog could not be read'],
  ] as const
  for (const [statement, right, why] of attempts) {
    try {
      await connection.query(statement)
    } catch (error) {
      findings.push({
        site,
        setting: `right ${right}`,
        found: (error as Error).message,
        expected: `the right ${right}, and REPLICATION SLAVE`,
        why,
        change: `GRANT ${right}, REPLICATION SLAVE ON *.* TO …`,
        forbids: 'replication',
      })
    }
  }
  return findings
}

async function judgeTable(
  connection: Connection,
  database: string,
  site: string,
  table: string,
): Promise<PreflightFinding[]> {
  const setting = `table ${table}`
  try {
    await readShape(connection, database, table)
  } catch (error) {
    const message = (error as Error).message
    return [
      {
        ...{ site, setting, found: message, expected: 'a table with a primary key, of types that travel' },
        ...{ why: 'its rows cannot be replicated', change: `ALTER TABLE ${table} …`, forbids: 'replication' },
      },
    ]
  }
  const findings: PreflightFinding[] = []
  const [[kind]] = await connection.query<RowDataPacket[]>(
    'SELECT ENGINE AS engine FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?',
    [database, table],
  )
  if (kind!['engine'] !== 'InnoDB') {
    const change = `ALTER TABLE ${table} ENGINE = InnoDB`
    const why = 'a crash in the middle leaves half a transaction'
    findings.push({
      site,
      setting,
      found: String(kind!['engine']),
      expected: 'InnoDB',
      why,
      change,
      forbids: 'replication',
    })
  }
  const [triggers] = await connection.query<RowDataPacket[]>(
    'SELECT TRIGGER_NAME AS name, ACTION_STATEMENT AS body FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = ? AND EVENT_OBJECT_TABLE = ?',
    [database, table],
  )
  for (const { name, body } of triggers) {
    if (String(body).includes('@budao_applying')) continue
    findings.push({
      site,
      setting: `trigger ${name} of table ${table}`,
      found: 'fires for applied rows too',
      expected: 'one that looks at @budao_applying',
      why: 'what it writes travels as well, and then happens twice',
      change: 'IF @budao_applying IS NULL THEN … END IF',
      forbids: 'replication',
    })
  }
  const [cascades] = await connection.query<RowDataPacket[]>(
    `SELECT CONSTRAINT_NAME AS name FROM information_schema.REFERENTIAL_CONSTRAINTS
     WHERE CONSTRAINT_SCHEMA = ? AND TABLE_NAME = ? AND (DELETE_RULE IN ('CASCADE', 'SET NULL') OR UPDATE_RULE IN ('CASCADE', 'SET NULL'))`,
    [database, table],
  )
  for (const { name } of cascades) {
    findings.push({
      site,
      setting: `foreign key ${name} of table ${table}`,
      found: 'rows that it changes by itself stand in no binlog',
      expected: 'RESTRICT',
      why: 'each site changes them again by itself; where their rows differ, the sites stay different until verified',
      change: `ALTER TABLE ${table} DROP FOREIGN KEY ${name}, ADD … ON DELETE RESTRICT`,
      forbids: 'nothing',
    })
  }
  return findings
}
