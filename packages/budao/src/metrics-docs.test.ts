import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort, requireDebian, startNode, tempDir, type TestProcess } from '@budao/testkit'

interface Row {
  readonly type: string
  readonly labels: readonly string[]
}

const main = fileURLToPath(new URL('./main.ts', import.meta.url))
const packages = fileURLToPath(new URL('../..', import.meta.url))
const ofRoles = /^budao_(?:logs|alerts|process|replication|failover|link)_/

/** Metrics of roles beside the gateway, as docs/reference/metrics.md has them: with a column of labels, or labels behind the name. */
function documented(): Map<string, Row> {
  const text = readFileSync(join(packages, '../docs/reference/metrics.md'), 'utf8')
  const rows = text.matchAll(/^\| `(\w+)(?:\{([\w,]+)\})?` \| (\w+) \| (?:([\w, ]+|–) \| )?\S/gm)
  return new Map(
    [...rows]
      .map(([, name = '', behind = '', type = '', column = '']) => {
        const labels = `${behind},${column}`.split(/[, ]+/).filter((label) => label !== '' && label !== '–')
        return [name, { type, labels }] as const
      })
      .filter(([name]) => ofRoles.test(name)),
  )
}

/** Every name that a source file writes. */
function written(): Set<string> {
  const files = globSync('{observability,controller,replicator,budao}/src/**/*.ts', { cwd: packages })
  const texts = files
    .filter((file) => !file.endsWith('.test.ts') && !/builtin-rules|promql|prometheus-rules/.test(file))
    .map((file) => readFileSync(join(packages, file), 'utf8'))
  return new Set(
    texts.flatMap((text) => text.match(/budao_(?:logs|alerts|process|replication|failover|link)_\w+/g) ?? []),
  )
}

test('each metric of logs, alerts, processes and replication that is documented is written by something', () => {
  const names = written()
  // Those of processes are put together of a beginning and an end.
  const missing = [...documented().keys()].filter(
    (name) => !names.has(name) && !name.startsWith('budao_process_'),
  )
  assert.deepEqual(missing, [])
  assert.ok(documented().size > 50)
})

test('an agent, a controller and a replicator, each alone, show what promtool expects, and nothing that is not documented', async (t) => {
  const promtool = await requireDebian(t, 'prometheus', 'promtool')
  if (promtool === undefined) return
  const folder = tempDir(t)
  writeFileSync(join(folder, 'shop.log'), '{"level":"error","msg":"支付失败"}\n')
  writeFileSync(
    join(folder, 'rules.json'),
    JSON.stringify({ alert_name: 'e', condition: 'count(log.level:error) > 0 in 5m', notify: ['ops'] }),
  )
  const [ofAgent, ofController, link, replication] = await Promise.all(
    Array.from({ length: 4 }, () => freePort()),
  )
  writeFileSync(join(folder, 'secret'), 'between the nodes')
  const away = `http://127.0.0.1:${await freePort()}`
  const common = { version: 1, dataDir: 'data', sites: { east: {}, west: {} }, listeners: [], routes: [] }
  const configs = {
    agent: {
      ...common,
      node: { name: 'agent', site: 'east' },
      admin: { address: `127.0.0.1:${ofAgent}` },
      processes: { idle: { command: [process.execPath, '-e', 'setTimeout(() => {}, 120_000)'] } },
      logs: { files: [{ paths: ['shop.log'] }], sinks: { away: { loki: { url: away } } } },
    },
    controller: {
      ...common,
      node: { name: 'controller', site: 'east' },
      dataDir: 'data-controller',
      admin: { address: `127.0.0.1:${ofController}` },
      alerts: { builtIn: false, rules: ['rules.json'], receivers: { ops: { webhook: { url: away } } } },
      control: {
        address: `127.0.0.1:${link}`,
        token: { file: 'secret' },
        controller: true,
        store: { type: 'sqlite', path: 'coordination.db' },
        peers: { controller: { address: `127.0.0.1:${link}`, site: 'east' } },
      },
    },
    replicator: {
      ...common,
      node: { name: 'replicator', site: 'east' },
      dataDir: 'data-replicator',
      replication: {
        listen: `127.0.0.1:${replication}`,
        token: 'between-the-sites',
        sites: { east: { url: `http://127.0.0.1:${replication}` }, west: { url: away } },
        database: { sqlite: { path: 'east.db' } },
        tables: { orders: { rule: 'last-writer' } },
      },
    },
  }
  const up: Record<string, TestProcess> = {}
  for (const [role, config] of Object.entries(configs)) {
    writeFileSync(join(folder, `${role}.yaml`), JSON.stringify(config))
    const started = (up[role] = startNode(t, [main, role, '-c', `${role}.yaml`], { cwd: folder }))
    await (role === 'replicator' ? started.waitForPort(replication!) : started.waitForOutput(/admin /))
  }
  const all = documented()
  const check = (text: string): Set<string> => {
    const { stderr, stdout, status } = spawnSync(promtool, ['check', 'metrics'], { input: text })
    assert.equal(`${String(stderr)}${String(stdout)}`, '', text)
    assert.equal(status, 0)
    const names = new Set<string>()
    let type = ''
    for (const line of text.trim().split('\n')) {
      if (line.startsWith('# TYPE')) type = line.split(' ')[3]!
      if (line.startsWith('#')) continue
      const [, name = '', labels = ''] = /^(\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? \S+$/.exec(line) ?? []
      const row = all.get(name)
      assert.ok(row !== undefined, `documented: ${line}`)
      const has = [...labels.matchAll(/(\w+)="/g)].map(([, label]) => label!)
      assert.deepEqual([type, has], [row.type, has.length === 0 ? has : row.labels], line)
      names.add(name)
    }
    return names
  }
  const shown = new Set([
    ...check(await textOf(ofAgent!, /budao_logs_sink_away\{sink="away"\} 1/)),
    ...check(await textOf(ofController!, /budao_alerts_evaluations_total [1-9]/)),
  ])
  for (const name of all.keys())
    assert.ok(shown.has(name) || !/^budao_(?:logs|alerts|process)_/.test(name), `something shows ${name}`)
  check(await textOf(replication!, /^budao_replication_rpo_seconds/m))
  // What it looks after outlives an agent that is killed.
  await up['agent']!.stop('SIGTERM')
})

/** What a process shows once it shows something that comes late. */
async function textOf(port: number, wanted: RegExp): Promise<string> {
  const end = performance.now() + 60_000
  for (let text = ''; ; await pause(50)) {
    text = await fetch(`http://127.0.0.1:${port}/metrics`, {
      headers: { authorization: 'Bearer between-the-sites' },
    }).then(
      (answer) => answer.text(),
      (error: Error) => error.message,
    )
    if (wanted.test(text)) return text
    assert.ok(performance.now() < end, `not within 60 s: ${wanted}\n${text}`)
  }
}
