import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { ReplicatorReport } from '@budao/model'
import { freePort, startNode, tempDir, type TestProcess } from '@budao/testkit'

const main = fileURLToPath(new URL('./main.ts', import.meta.url))
const START_MS = 60_000
const token = 'between-the-sites'

/** A site's replicator as a process that can be killed and started anew. */
class Site {
  readonly name: string
  readonly folder: string
  readonly port: number
  readonly #t: TestContext
  process!: TestProcess

  constructor(t: TestContext, name: string, folder: string, ports: Readonly<Record<string, number>>) {
    this.#t = t
    this.name = name
    this.folder = folder
    this.port = ports[name]!
    const config = {
      version: 1,
      node: { name: `replicator-${name}`, site: name },
      dataDir: `./${name}`,
      sites: { east: {}, west: {} },
      listeners: [{ name: 'web', address: '127.0.0.1:0', protocol: 'http' }],
      routes: [{ name: 'all', match: [{ path: { prefix: '/' } }], respond: { status: 200 } }],
      replication: {
        listen: `127.0.0.1:${this.port}`,
        token,
        sites: Object.fromEntries(
          Object.entries(ports).map(([site, port]) => [site, { url: `http://127.0.0.1:${port}` }]),
        ),
        database: { sqlite: { path: `${name}.db` } },
        peerTimeout: '1500ms',
        tables: {
          orders: { rule: 'last-writer' },
          payments: { rule: 'last-writer', durability: 'sync' },
        },
      },
    }
    writeFileSync(join(folder, `${name}.yaml`), JSON.stringify(config))
  }

  async start(): Promise<void> {
    this.process = startNode(this.#t, [main, 'replicator', '-c', `${this.name}.yaml`], { cwd: this.folder })
    await this.process.waitForPort(this.port, START_MS)
  }

  async kill(): Promise<void> {
    this.process.child.kill('SIGKILL')
    await this.process.exited()
  }

  async ask(path: string, body?: unknown): Promise<{ status: number; json: any }> {
    const answer = await fetch(`http://127.0.0.1:${this.port}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${token}` },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, json: text === '' ? null : JSON.parse(text) }
  }

  async report(): Promise<ReplicatorReport> {
    return (await this.ask('/v1/status')).json as ReplicatorReport
  }

  async budao(...args: string[]): Promise<{ code: number; output: string }> {
    const run = startNode(this.#t, [main, ...args, '-c', `${this.name}.yaml`], { cwd: this.folder })
    const code = await run.exited()
    return { code, output: run.output }
  }

  rows(table: string): string[] {
    const db = new DatabaseSync(join(this.folder, `${this.name}.db`), { timeout: 2000 })
    try {
      return db
        .prepare(`SELECT key, payload FROM ${table} ORDER BY key`)
        .all()
        .map((row) => `${String(row['key'])} ${String(row['payload'])}`)
    } finally {
      db.close()
    }
  }
}

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const end = performance.now() + 30_000
  while (!(await holds())) {
    assert.ok(performance.now() < end, `not within 30 s: ${what}`)
    await pause(20)
  }
}

test(
  'two replicators: what was acknowledged is at both sites, through a kill and conflicting writes',
  { timeout: 180_000 },
  async (t) => {
    const folder = tempDir(t)
    const ports = { east: await freePort(), west: await freePort() }
    const [east, west] = [new Site(t, 'east', folder, ports), new Site(t, 'west', folder, ports)]
    await Promise.all([east.start(), west.start()])
    const order = (id: string, total: number, op = 'create') => ({
      id: `${id}-${total}`,
      op,
      table: 'orders',
      payload: { id, total },
    })

    await east.ask('/v1/claim', { epoch: 1 })
    // Not an event, and why.
    const bad: [unknown, number, RegExp][] = [
      ['{"id":', 400, /expected JSON/],
      [{ op: 'create', payload: { id: 1 } }, 400, /id: expected/],
      [{ ...order('x', 1), op: 'upsert' }, 400, /op: expected create, update or delete/],
      [JSON.stringify(order('x', 1)).replace('"total"', '"__proto__"'), 400, /no key named __proto__/],
      [{ ...order('x', 1), payload: { id: 'x', text: 'y'.repeat(5e6) } }, 413, /at most 1000000 bytes/],
      [{ ...order('x', 1), table: 'nothing' }, 409, /expected one of replication.tables/],
    ]
    for (const [body, status, message] of bad) {
      const answer = await east.ask('/v1/events', body)
      assert.equal(answer.status, status)
      assert.match(answer.json.message, message)
    }
    assert.equal((await fetch(`http://127.0.0.1:${east.port}/v1/status`)).status, 401)

    // sync: acknowledged once it is at the other site.
    const payment = { id: 'p-1', op: 'create', table: 'payments', payload: { id: 'p', amount: 5 } }
    await until(
      'a payment is acknowledged by both',
      async () => (await east.ask('/v1/events', payment)).json.durability === 'peers',
    )
    assert.deepEqual(west.rows('payments'), ['p {"id":"p","amount":5}'])

    // async, from both sides.
    assert.equal(
      (await west.ask('/v1/events', [order('w', 1), order('w', 2, 'update')])).json.durability,
      'here',
    )
    await until('west’s order is at east', () => east.rows('orders').length === 1)

    // West dies. What is asked for in sync is not acknowledged; what is written stays in the log.
    await west.kill()
    const lost = { ...payment, id: 'p-2', op: 'update', payload: { id: 'p', amount: 6 } }
    const refused = await east.ask('/v1/events', lost)
    assert.equal(refused.status, 503)
    assert.equal(refused.json.code, 'peer-silent')
    for (let n = 1; n <= 20; n++)
      await east.ask('/v1/events', order('both', n, n === 1 ? 'create' : 'update'))
    const missing = await east.budao('events', 'unreplicated', 'west')
    assert.equal(missing.code, 1)
    assert.deepEqual(missing.output.trim().split('\n').toSorted(), [
      ...Array.from({ length: 20 }, (_, n) => `both-${n + 1}`).toSorted(),
      'p-2',
      'west does not answer: what it refused is not known',
    ])
    await until('the alarm is on', async () =>
      (await east.report()).alarms.some(({ code }) => code === 'peer-stands-still'),
    )

    // East dies too; west comes back alone and writes the same row without knowing of east's.
    await east.kill()
    await west.start()
    for (let n = 101; n <= 120; n++)
      await west.ask('/v1/events', order('both', n, n === 101 ? 'create' : 'update'))
    await east.start()
    await until('every conflict is counted at both', async () => {
      const counts = [(await east.report()).conflicts, (await west.report()).conflicts]
      return counts.join() === '20,20'
    })
    assert.deepEqual(east.rows('orders'), west.rows('orders'))
    assert.match(west.rows('orders')[0]!, /"total":120/)
    assert.deepEqual(west.rows('payments'), ['p {"id":"p","amount":6}'])
    // The same id again: it was done once, and is acknowledged now.
    await until(
      'the payment is acknowledged',
      async () => (await east.ask('/v1/events', lost)).json.durability === 'peers',
    )
    const undo = await west.budao('events', 'conflicts', 'undo', '20', '--json')
    assert.equal(undo.code, 0, undo.output)
    await until('the undone row is at both', () => /"total":20[,}]/.test(east.rows('orders')[0]!))

    // East was fenced without knowing: its writes are quarantined at west, one by one, and nothing waits behind them.
    await west.ask('/v1/fence', { origin: 'east', epoch: 2 })
    await east.ask('/v1/events', order('late', 1))
    await until('the late write is quarantined', async () => (await west.report()).deadLetters === 1)
    const letters = await west.budao('events', 'dlq', 'list', '--reason', 'old-epoch', '--json')
    const [letter] = JSON.parse(letters.output).deadLetters
    assert.deepEqual([letter.key, letter.reason], ['late', 'old-epoch'])
    await east.ask('/v1/fence', { origin: 'east', epoch: 2 })
    assert.equal((await east.ask('/v1/events', order('later', 1))).json.code, 'fenced')
    // It has a row that nobody else has: first that is undone, then it may write again.
    assert.equal((await east.ask('/v1/claim', { epoch: 2 })).json.code, 'claim-refused')
    const restored = await east.budao('replicator', 'restore', '--from', 'west')
    assert.equal(restored.code, 0, restored.output)
    assert.match(
      restored.output,
      /did not make it: late-1 \(orders late\)\n1 writes did not make it, 1 rows undone/,
    )
    assert.equal(east.rows('orders').length, west.rows('orders').length)
    assert.equal((await east.ask('/v1/claim', { epoch: 2 })).status, 204)
    await east.ask('/v1/events', order('late', 2, 'update'))
    await until('the new epoch’s write is at west', () =>
      west.rows('orders').some((row) => row.startsWith('late')),
    )
    assert.equal((await west.budao('events', 'dlq', 'retry')).code, 1)
    assert.equal((await west.budao('events', 'dlq', 'drop', String(letter.id))).code, 0)
    assert.equal((await west.report()).deadLetters, 0)

    const [peer] = (await east.report()).peers
    assert.equal(peer!.rpoMs, 0)
    assert.ok(peer!.lagP50Ms !== null && peer!.lagP99Ms! >= peer!.lagP50Ms)
    const metrics = await fetch(`http://127.0.0.1:${east.port}/metrics`, {
      headers: { authorization: `Bearer ${token}` },
    })
    assert.match(
      await metrics.text(),
      /^budao_replication_lag_seconds\{site="west",quantile="0.99"\} [\d.]+$/m,
    )
    // West's disk is replaced.
    await west.kill()
    rmSync(join(folder, 'west'), { recursive: true })
    for (const end of ['', '-wal', '-shm']) rmSync(join(folder, `west.db${end}`), { force: true })
    await west.start()
    const filled = await west.budao('replicator', 'bootstrap', '--from', 'east', '--replace')
    assert.equal(filled.code, 0, filled.output)
    assert.match(filled.output, /equal to east: \d+ rows compared/)
    assert.deepEqual(west.rows('payments'), east.rows('payments'))

    // Somebody writes past replication.
    const behind = new DatabaseSync(join(folder, 'west.db'), { timeout: 2000 })
    behind.exec(`UPDATE payments SET payload = '{"id":"p","amount":1}'`)
    behind.close()
    const verify = async (...args: string[]): Promise<string> => {
      const files = ['east.yaml', 'west.yaml']
      const run = startNode(t, [main, 'replicator', 'verify', ...files, '--settle', '500', ...args], {
        cwd: folder,
      })
      return `${await run.exited()} ${run.output}`
    }
    const differs =
      /payments: 1 rows compared, 1 differ, 0 repaired, 0 undecided\n {2}p: .*"amount":1.* → .*"amount":6/
    const dry = await verify()
    assert.match(dry, /^1 /)
    assert.match(dry, differs)
    const repaired = JSON.parse((await verify('--repair', '--json')).slice(2)) as {
      tables: { repaired: string[] }[]
    }
    assert.deepEqual(
      repaired.tables.map(({ repaired: keys }) => keys),
      [[], ['p']],
    )
    assert.deepEqual(west.rows('payments'), east.rows('payments'))
    east.process.child.kill('SIGTERM')
    assert.equal(await east.process.exited(), 0)
  },
)
