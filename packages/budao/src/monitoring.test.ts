import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, cpSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { builtInRules, toPrometheusRules } from '@budao/observability'
import { freePort, requireDebian, startProcess, tempDir, TestCa } from '@budao/testkit'
import { parse, stringify } from 'yaml'
import { GatewayProcess } from './gateway-process.ts'
import { NodeProcess } from './node-process.ts'

// docs/monitoring/, as somebody finds it, before the real servers.

const files = join(import.meta.dirname, '../../../docs/monitoring')
const read = (name: string): any => parse(readFileSync(join(files, name), 'utf8'))

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly datasource?: { readonly uid: string }
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
}

const dashboards = globSync(join(files, 'grafana/*.json')).map((path) => ({
  name: basename(path, '.json'),
  ...(JSON.parse(readFileSync(path, 'utf8')) as { uid: string; title: string; panels: Panel[] }),
}))

/** One element of an instant vector, as Prometheus' HTTP API gives it. */
interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [at: number, value: string]
}

interface QueryAnswer {
  readonly status: string
  readonly error?: string
  readonly data?: { readonly result: readonly Sample[] }
}

test('the rules for a Prometheus server are those that come with Budao, where they are over metrics', () => {
  assert.deepEqual(read('budao-rules.yml'), toPrometheusRules(builtInRules()).file)
})

for (const { name, uid, title, panels } of dashboards) {
  test(`the dashboard ${title} is whole: panels have their own place, number and source`, () => {
    assert.equal(uid, name)
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
    const taken = new Set<string>()
    for (const panel of panels) {
      const { x, y, w, h } = panel.gridPos
      assert.ok(x >= 0 && x + w <= 24, panel.title)
      for (let column = x; column < x + w; column++)
        for (let row = y; row < y + h; row++) {
          assert.ok(!taken.has(`${column} ${row}`), `${panel.title} lies on another panel`)
          taken.add(`${column} ${row}`)
        }
      if (panel.type === 'row') continue
      assert.equal(panel.datasource?.uid, '${datasource}')
      assert.ok((panel.targets ?? []).length > 0, panel.title)
    }
  })
}

test(
  'Prometheus and Alertmanager take the files as they are: every panel has data, an alert arrives',
  { timeout: 120_000 },
  async (t) => {
    const promtool = await requireDebian(t, 'prometheus', 'promtool')
    const prometheus = promtool && (await requireDebian(t, 'prometheus'))
    const alertmanager = prometheus && (await requireDebian(t, 'prometheus-alertmanager'))
    const amtool = alertmanager && (await requireDebian(t, 'prometheus-alertmanager', 'amtool'))
    if (!promtool || !prometheus || !alertmanager || !amtool) return
    const check = (program: string, ...args: string[]): void => {
      const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' })
      assert.equal(status, 0, stdout + stderr)
    }
    check(promtool, 'check', 'config', join(files, 'prometheus.yml'))
    check(amtool, 'check-config', join(files, 'alertmanager.yml'))

    const world = await start(t)
    const folder = tempDir(t)
    cpSync(files, folder, { recursive: true })
    const [ports, hook] = [{ prometheus: await freePort(), alertmanager: await freePort() }, await webhook(t)]
    const alerting = read('alertmanager.yml')
    alerting.route.group_wait = '0s'
    for (const receiver of alerting.receivers)
      for (const each of receiver.webhook_configs) each.url = hook.url + new URL(each.url).pathname
    writeFileSync(join(folder, 'alertmanager.yml'), stringify(alerting))
    const scraping = read('prometheus.yml')
    scraping.global = { scrape_interval: '300ms', scrape_timeout: '300ms', evaluation_interval: '300ms' }
    scraping.alerting.alertmanagers[0].static_configs[0].targets = [`127.0.0.1:${ports.alertmanager}`]
    scraping.scrape_configs[0].static_configs[0].targets = world.admins.map((url) => new URL(url).host)
    writeFileSync(join(folder, 'prometheus.yml'), stringify(scraping))
    startProcess(t, alertmanager, [
      `--config.file=${folder}/alertmanager.yml`,
      `--storage.path=${folder}/alertmanager`,
      `--web.listen-address=127.0.0.1:${ports.alertmanager}`,
      '--cluster.listen-address=',
    ])
    startProcess(t, prometheus, [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${ports.prometheus}`,
    ])
    const query = async (expression: string): Promise<readonly Sample[]> => {
      const parameters = new URLSearchParams({ query: expression })
      const answer = await fetch(`http://127.0.0.1:${ports.prometheus}/api/v1/query?${parameters.toString()}`)
      const { status, error, data } = (await answer.json()) as QueryAnswer
      assert.equal(status, 'success', `${expression}: ${error}`)
      return data!.result
    }

    await until('all processes are read', async () => {
      world.work()
      const found = await query('sum(up)').catch((error: unknown) => {
        if (error instanceof assert.AssertionError) throw error
        return []
      })
      return found[0]?.value[1] === String(world.admins.length)
    })
    for (const { title, panels } of dashboards)
      for (const { title: panel, targets = [] } of panels)
        for (const { expr, legendFormat } of targets) {
          const expression = expr.replaceAll('$__rate_interval', '10s').replaceAll('$instance', '.*')
          let found: readonly Sample[] = []
          await until(`${title} / ${panel} has data: ${expression}`, async () => {
            found = await query(expression)
            return found.length > 0
          })
          for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
            assert.ok(
              found.some(({ metric }) => label in metric),
              `${panel}: no label ${label} in ${expression}`,
            )
        }
    for (const { record } of read('budao-recording.yml').groups[0].rules)
      await until(`${record} is recorded`, async () => (await query(record)).length > 0)

    // Now that everything there is has been counted.
    for (const admin of world.admins) {
      const input: string = await (await fetch(`${admin}/metrics`)).text()
      assert.equal(complaints(promtool, input), '', admin)
    }
    await world.openBreaker()
    const told = (): any => hook.sent.find(({ path }) => path === '/on-call')?.body
    await until('the alert arrives', () => told() !== undefined)
    assert.deepEqual(
      [
        told().status,
        told().commonLabels.alertname,
        told().commonLabels.service,
        told().commonLabels.severity,
      ],
      ['firing', 'BudaoBreakerOpen', 'shop', 'P2'],
    )
    assert.match(told().alerts[0].annotations.summary, /^The breaker of shop 127\.0\.0\.1:\d+ is open\.$/)
  },
)

function complaints(promtool: string, input: string): string {
  return spawnSync(promtool, ['check', 'metrics'], { input, encoding: 'utf8' }).stderr
}

/** Two sites that do everything Budao can, and a witness; `work` gives them something to count. */
async function start(
  t: TestContext,
): Promise<{ admins: string[]; work(): void; openBreaker(): Promise<unknown> }> {
  const running: { stop(): Promise<void> }[] = []
  // Before the folder is gone.
  t.after(() => Promise.all(running.map((each) => each.stop())))
  const folder = tempDir(t)
  const backend = createServer((request, response) => {
    request.resume()
    response.end('ok')
  }).listen(0, '127.0.0.1')
  t.after(() => backend.close())
  await once(backend, 'listening')
  const address = `127.0.0.1:${(backend.address() as AddressInfo).port}`
  const nodes = ['east', 'west', 'third']
  const links = Object.fromEntries(await Promise.all(nodes.map(async (node) => [node, await freePort()])))
  const replicators: Record<string, number> = { east: await freePort(), west: await freePort() }
  const web = await freePort()
  const { cert, key } = new TestCa().issue({ names: ['shop.example'] })
  for (const [name, content] of Object.entries({ cert, key, secret: 'shared by all nodes' }))
    writeFileSync(join(folder, name), content)
  writeFileSync(join(folder, 'shop.log'), '')

  const config = (node: string): object => ({
    version: 1,
    node: { name: node, ...(node === 'third' ? {} : { site: node }) },
    dataDir: `data-${node}`,
    log: { level: 'silent' },
    sites: { east: {}, west: {} },
    admin: { address: '127.0.0.1:0' },
    control: {
      address: `127.0.0.1:${links[node]}`,
      token: { file: 'secret' },
      controller: true,
      witness: node === 'third',
      store: { type: 'sqlite', path: 'coordination.db' },
      peers: {
        east: { address: `127.0.0.1:${links['east']}`, site: 'east' },
        west: { address: `127.0.0.1:${links['west']}`, site: 'west' },
        third: { address: `127.0.0.1:${links['third']}`, witness: true },
      },
    },
    services: {
      shop: {
        mode: 'active-standby',
        failover: { every: '0s' },
        data: { shared: true },
        limits: { queue: { size: 10 } },
        endpoints: [
          { address, site: 'east' },
          { address: `localhost:${address.split(':')[1]}`, site: 'west' },
        ],
      },
    },
    ...(node !== 'third' && {
      listeners: [
        { name: 'web', address: `127.0.0.1:${node === 'east' ? web : 0}`, protocol: 'http' },
        { name: 'webs', address: '127.0.0.1:0', protocol: 'https', tls: { cert: 'cert', key: 'key' } },
      ],
      routes: [{ name: 'all', backends: [{ service: 'shop' }] }],
      replication: {
        listen: `127.0.0.1:${replicators[node]}`,
        token: 'between-the-sites',
        sites: Object.fromEntries(
          Object.entries(replicators).map(([site, port]) => [site, { url: `http://127.0.0.1:${port}` }]),
        ),
        database: { sqlite: { path: `${node}.db` } },
        tables: { orders: { rule: 'last-writer' } },
      },
    }),
    ...(node === 'east' && {
      logs: {
        files: [{ paths: ['shop.log'], service: 'shop' }],
        sinks: { away: { otlp: { url: 'http://127.0.0.1:9/v1/logs' } } },
      },
      processes: { idle: { command: [process.execPath, '-e', 'setInterval(() => {}, 1000)'] } },
      alerts: { receivers: { ops: { webhook: { url: 'http://127.0.0.1:9/' } } }, notify: ['ops'] },
    }),
  })
  const started = await Promise.all(
    nodes.map((node) => {
      const path = join(folder, `${node}.json`)
      writeFileSync(path, JSON.stringify(config(node)))
      return node === 'third'
        ? NodeProcess.start('controller', { config: path })
        : GatewayProcess.start({ config: path, allRoles: true })
    }),
  )
  running.push(...started)
  const admins = started.map(({ adminUrl }) => adminUrl)
  return {
    admins,
    work() {
      appendFileSync(join(folder, 'shop.log'), '{"level":"info","message":"one"}\n')
      void fetch(`http://127.0.0.1:${web}/`).then((answer) => answer.text())
    },
    openBreaker: () =>
      fetch(`${admins[0]}/api/v1/services/shop/breaker`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ endpoint: address, to: 'open', reason: 'a test of alerts' }),
      }).then((answer) => assert.equal(answer.status, 200)),
  }
}

/** A program that takes what an Alertmanager sends. */
async function webhook(t: TestContext): Promise<{ url: string; sent: { path: string; body: any }[] }> {
  const sent: { path: string; body: any }[] = []
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      sent.push({ path: request.url!, body: JSON.parse(body) })
      response.end()
    })
  }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sent }
}

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const end = performance.now() + 40_000
  while (!(await holds())) {
    assert.ok(performance.now() < end, `not within 40 s: ${what}`)
    await pause(100)
  }
}
