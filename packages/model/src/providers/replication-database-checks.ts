import type { Finding } from '../config-document.ts'
import { describe } from '../config-issues.ts'
import { entries, get } from '../config-values.ts'

/** Rules that compare stamps, where writes have none. */
export function* checkReplicationDatabase(replication: object): Generator<Finding> {
  const mariadb = get(get(replication, 'database'), 'mariadb')
  if (mariadb === undefined || (get(mariadb, 'capture') ?? 'binlog') !== 'binlog') return
  for (const [name, table] of entries(get(replication, 'tables'))) {
    const rule = get(table, 'rule') ?? 'owner'
    if (rule === 'owner' || rule === 'park') continue
    yield {
      path: ['replication', 'tables', name, 'rule'],
      message: 'compares stamps, and writes that are read from the binlog have none',
      expected: 'owner or park, or replication.database.mariadb.capture: outbox',
      found: describe(rule),
    }
  }
}
