import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { connect, type MariadbConnection } from '@budao/replicator/mariadb'
import { freePort, startKafka, startMariadb, startNode, tempDir, type TestProcess } from '@budao/testkit'

const main = fileURLToPath(new URL('./main.ts', import.meta.url))
const accounts = 20
const transfers = 200

type Connection = Awaited<ReturnType<typeof connect>>

test(
  'two MariaDBs, a broker, a replicator a site: once and whole, whoever is killed in the middle',
  { timeout: 300_000 },
  async (t) => {
    const started = await Promise.all([
      startMariadb(t, { site: 1 }),
      startMariadb(t, { site: 2 }),
      startKafka(t, {}, null, { user: 'budao', password: 'of the brokers' }),
    ])
    const [eastServer, westServer, broker] = started
    if (eastServer === undefined || westServer === undefined || broker === undefined) return
    const folder = tempDir(t)
    const { address: brokerAddress, ca } = broker.guarded!
    writeFileSync(join(folder, 'brokers.pem'), ca)
    writeFileSync(join(folder, 'brokers.password'), 'of the brokers\n')
    const servers = { east: eastServer, west: westServer }
    const ports = { east: await freePort(), west: await freePort() }
    const at = (site: 'east' | 'west'): MariadbConnection => {
      const { host, port, user } = servers[site]
      return { host, port, user, database: 'bank' }
    }
    for (const site of ['east', 'west'] as const) {
      const app = await connect({ ...at(site), database: 'mysql' })
      await app.query(
        'CREATE DATABASE bank; USE bank; CREATE TABLE accounts (id INT PRIMARY KEY, money INT, moves INT)',
      )
      await app.end()
      const config = {
        version: 1,
        node: { name: `replicator-${site}`, site },
        sites: { east: {}, west: {} },
        listeners: [{ name: 'web', address: '127.0.0.1:0', protocol: 'http' }],
        routes: [{ name: 'all', match: [{ path: { prefix: '/' } }], respond: { status: 200 } }],
        replication: {
          listen: `127.0.0.1:${ports[site]}`,
          sites: {
            east: { url: `http://127.0.0.1:${ports.east}` },
            west: { url: `http://127.0.0.1:${ports.west}` },
          },
          database: { mariadb: { url: `mysql://root@127.0.0.1:${servers[site].port}/bank` } },
          log: {
            kafka: {
              brokers: { east: [brokerAddress], west: [brokerAddress] },
              tls: { ca: 'brokers.pem' },
              sasl: { mechanism: 'plain', user: 'budao', password: { file: 'brokers.password' } },
            },
          },
          // Even ids belong to east, odd ones to west.
          tables: { accounts: { owner: { sites: ['east', 'west'] }, durability: 'sync' } },
        },
      }
      writeFileSync(join(folder, `${site}.yaml`), JSON.stringify(config))
    }
    const preflight = startNode(t, [main, 'replicator', 'preflight', 'east.yaml', 'west.yaml'], {
      cwd: folder,
    })
    assert.equal(await preflight.exited(), 0, preflight.output)
    assert.match(preflight.output, /nothing is refused/)
    const probed = startNode(t, [main, 'check', '-c', 'east.yaml', '--probe'], { cwd: folder })
    assert.equal(await probed.exited(), 0, probed.output)

    const begin = async (site: 'east' | 'west'): Promise<TestProcess> => {
      const process = startNode(t, [main, 'replicator', '-c', `${site}.yaml`], { cwd: folder })
      await process.waitForPort(ports[site], 60_000)
      return process
    }
    const running = { east: await begin('east'), west: await begin('west') }
    const apps: Record<'east' | 'west', Connection> = {
      east: await connect(at('east')),
      west: await connect(at('west')),
    }
    t.after(() => {
      for (const app of Object.values(apps)) app.destroy()
    })
    for (const [index, site] of (['east', 'west'] as const).entries()) {
      const own = Array.from({ length: accounts / 2 }, (_, n) => [n * 2 + index, 100, 0])
      await apps[site].query('INSERT INTO accounts VALUES ?', [own])
    }
    // Both sites write at the same time, each between accounts of its own.
    const transfer = async (n: number): Promise<void> => {
      const site = n % 2 === 0 ? 'east' : 'west'
      const [from, to] = [n % accounts, (n + 2 * (1 + (n % 7))) % accounts]
      await apps[site].query(
        `BEGIN; UPDATE accounts SET money = money - 1, moves = moves + 1 WHERE id = ?;
         UPDATE accounts SET money = money + 1, moves = moves + 1 WHERE id = ?; COMMIT`,
        [from, to],
      )
    }
    // Never half a transfer of the other site, at any moment.
    const isWhole = async (site: 'east' | 'west', others: 0 | 1): Promise<void> => {
      const [rows] = await apps[site].query(
        'SELECT SUM(money) AS total, COUNT(*) AS n FROM accounts WHERE id % 2 = ?',
        [others],
      )
      const [{ total, n }] = rows as [{ total: unknown; n: unknown }]
      assert.ok(Number(n) === 0 || Number(total) === (accounts / 2) * 100, `${site} has ${String(total)}`)
    }
    for (let n = 0; n < transfers; n++) {
      await transfer(n)
      if (n === 40 || n === 110) {
        const site = n === 40 ? 'east' : 'west'
        await running[site].kill()
        running[site] = await begin(site)
      }
      if (n === 75 || n === 150) {
        const site = n === 75 ? 'west' : 'east'
        await servers[site].process.kill()
        await servers[site].restart()
        apps[site] = await connect(at(site))
      }
      await isWhole('west', 0)
      await isWhole('east', 1)
    }
    const rows = async (site: 'east' | 'west'): Promise<string> =>
      JSON.stringify((await apps[site].query('SELECT * FROM accounts ORDER BY id'))[0])
    const until = performance.now() + 90_000
    while ((await rows('east')) !== (await rows('west'))) {
      assert.ok(running.east.running && running.west.running, running.east.output + running.west.output)
      assert.ok(performance.now() < until, 'the sites did not become equal within 90 s')
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    for (const app of Object.values(apps)) {
      const [counts] = await app.query(
        `SELECT (SELECT COUNT(*) FROM budao_dead_letters) AS letters, (SELECT COUNT(*) FROM budao_conflicts) AS conflicts,
           (SELECT SUM(moves) FROM accounts) AS moves, (SELECT COUNT(*) FROM budao_seen) AS seen`,
      )
      const [{ letters, conflicts, moves, seen }] = counts as [Record<string, unknown>]
      assert.deepEqual([letters, conflicts, moves].map(Number), [0, 0, transfers * 2])
      // Of the other site each change once, and nothing of the own that came back.
      assert.equal(Number(seen), accounts / 2 + transfers)
    }
  },
)
