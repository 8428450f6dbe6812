import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startMariadb } from '@budao/testkit'
import { connect } from './mariadb-connection.ts'
import { inspect, judgeSettings } from './mariadb-preflight.ts'

test(
  'a server as it comes is refused, with the lines to change; with them it holds',
  { timeout: 60_000 },
  async (t) => {
    // The defaults of MariaDB, semi-synchronous replication switched on as most guides say.
    const asItComes = await startMariadb(t, {
      site: 7,
      args: [
        ...[
          '--sync-binlog=0',
          '--binlog-row-metadata=NO_LOG',
          '--gtid-strict-mode=OFF',
          '--binlog-format=MIXED',
        ],
        ...[
          '--gtid-domain-id=0',
          '--rpl-semi-sync-master-enabled=ON',
          '--rpl-semi-sync-master-wait-no-slave=OFF',
        ],
      ],
    })
    if (asItComes === undefined) return
    const connection = { host: asItComes.host, port: asItComes.port, user: asItComes.user, database: 'shop' }
    const app = await connect({ ...connection, database: 'mysql' })
    t.after(() => app.destroy())
    await app.query(`CREATE DATABASE shop; USE shop; CREATE TABLE fine (id INT PRIMARY KEY);
    CREATE TABLE keyless (id INT); CREATE TABLE place (id INT PRIMARY KEY, at POINT);
    CREATE TABLE old (id INT PRIMARY KEY) ENGINE=MyISAM; CREATE TABLE child (id INT PRIMARY KEY, f INT,
      FOREIGN KEY up (f) REFERENCES fine (id) ON DELETE CASCADE);
    CREATE TRIGGER again AFTER INSERT ON fine FOR EACH ROW SET @x = 1;
    CREATE TRIGGER once AFTER DELETE ON fine FOR EACH ROW BEGIN IF @budao_applying IS NULL THEN SET @x = 1; END IF; END`)
    const { settings, findings } = await inspect(connection, 'east', [
      ...['fine', 'keyless', 'place', 'old', 'child', 'nowhere'],
    ])
    const east = judgeSettings({ east: settings })
    assert.deepEqual(
      east.map(({ setting, forbids, change }) => `${forbids}: ${setting}: ${change}`),
      [
        'replication: binlog_format: binlog_format = ROW',
        'replication: binlog_row_metadata: binlog_row_metadata = FULL',
        'no-loss: sync_binlog: sync_binlog = 1',
        'no-loss: rpl_semi_sync_master_wait_point: rpl_semi_sync_master_wait_point = AFTER_SYNC',
        'no-loss: rpl_semi_sync_master_timeout: rpl_semi_sync_master_timeout = 86400000',
        'nothing: gtid_strict_mode: gtid_strict_mode = ON',
      ],
    )
    assert.deepEqual(
      findings.map(({ setting, forbids }) => `${forbids}: ${setting}`),
      [
        'replication: trigger again of table fine',
        'replication: table keyless',
        'replication: table place',
        'replication: table old',
        'nothing: foreign key up of table child',
        'replication: table nowhere',
      ],
    )
    // The same file at both sites, as it happens.
    const [id, domain] = judgeSettings({ east: settings, west: settings }).filter(({ expected }) =>
      expected.includes('another than at east'),
    )
    assert.deepEqual([id!.site, id!.change, domain!.change], ['west', 'server_id = 8', 'gtid_domain_id = 1'])

    // What it says is what helps: the lines, given to the server.
    const given = east.map(({ change }) => `--${change.replaceAll(' ', '')}`)
    await app.end()
    await asItComes.process.stop()
    await asItComes.restart(given)
    const after = await inspect(connection, 'east', ['fine'])
    assert.deepEqual(judgeSettings({ east: after.settings }), [])
  },
)
