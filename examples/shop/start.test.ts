import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseConfig } from '@budao/model/parser'
import {
  dataConfig,
  defaultPorts,
  freePorts,
  gatewayConfig,
  layoutOf,
  sites,
  witnessConfig,
} from './layout.ts'
import { liveLine, welcome } from './screen.ts'
import { replicated } from './store.ts'

const script = join(import.meta.dirname, 'start.ts')

test('a port in use is named, with whose it is and what to do, and nothing is started', async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'budao-start-'))
  t.after(() => rmSync(data, { recursive: true, force: true }))
  // The lowest of eighteen: seventeen more above it make the demo's.
  const server = createServer().listen(Math.min(...(await freePorts())), '127.0.0.1')
  t.after(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  const { status, stderr } = run('--port-base', String(port), '--data', data)
  assert.equal(status, 1)
  assert.match(stderr, new RegExp(`^Port ${port} \\(gw-east\\) is in use`))
  assert.match(stderr, /npm start -- --port-base 18080/)
  assert.equal(existsSync(join(data, 'run')), false)
})

test('wrong usage says what was expected, and ends with 2', () => {
  for (const [args, says] of [
    [['--port-base', 'web'], /--port-base: expected a number from 1024 to \d+ or auto, got web/],
    [['--port-base', '65535'], /expected a number/],
    [['--phones', '-1'], /--phones/],
    [['--restart-after', '1h'], /--restart-after: expected seconds up to 3600, got 1h/],
    [['--data', 'x', '--temporary'], /expected one of them/],
    [['--nope'], /--nope/],
  ] as const) {
    const { status, stderr } = run(...args)
    assert.equal(status, 2, stderr)
    assert.match(stderr, says)
    assert.match(stderr, /^Usage: npm start/m)
  }
  assert.equal(run('--help').status, 0)
})

for (const site of sites) {
  test(`${site}.yaml is a configuration, as shipped and with other ports`, () => {
    const ports = defaultPorts.map((_, index) => 20_000 + index)
    for (const [text, base] of [
      [gatewayConfig(site, defaultPorts, 'data/shop'), defaultPorts],
      [gatewayConfig(site, ports, '/elsewhere'), ports],
    ] as const) {
      const parsed = parseConfig(text, `${site}.yaml`)
      assert.ok(parsed.ok, JSON.stringify(parsed))
      assert.deepEqual(parsed.warnings, [])
      const layout = layoutOf(base)
      const gateway = layout.gateways.find((place) => place.site === site)
      const { config } = parsed
      assert.deepEqual(config.node, { name: gateway?.name, site })
      assert.equal(config.listeners[0]?.address, `127.0.0.1:${gateway?.port}`)
      assert.equal(config.admin.address, `127.0.0.1:${gateway?.adminPort}`)
      assert.deepEqual(
        config.services['shop']?.endpoints.map((endpoint) => [endpoint.address, endpoint.site]),
        [...layout.shops, layout.release].map((shop) => [`127.0.0.1:${shop.port}`, shop.site]),
      )
      assert.doesNotMatch(text, /\.\.\/\.\.\/data/)
    }
  })
}

test('what the replicators carry is what the shops write', () => {
  const ports = defaultPorts.map((_, index) => 20_000 + index)
  const urls = layoutOf(ports).replicators.map(({ port }) => ({ url: `http://127.0.0.1:${port}` }))
  for (const site of sites) {
    const parsed = parseConfig(dataConfig(site, ports, '/elsewhere'), `${site}-data.yaml`)
    assert.ok(parsed.ok, JSON.stringify(parsed))
    assert.deepEqual(parsed.warnings, [])
    const { tables, sites: named } = parsed.config.replication!
    assert.deepEqual(Object.values(named), urls)
    const rules = Object.entries(tables).map(([name, { rule }]) => [name, rule])
    assert.deepEqual(
      rules,
      Object.entries(replicated).map(([name, { rule }]) => [name, rule.name]),
    )
  }
})

test('witness.yaml knows the same nodes and services as the gateways do', () => {
  const ports = defaultPorts.map((_, index) => 20_000 + index)
  const [witness, east] = [
    witnessConfig(ports, '/elsewhere'),
    gatewayConfig('east', ports, '/elsewhere'),
  ].map((text) => parseConfig(text, 'demo.yaml'))
  assert.ok(witness?.ok && east?.ok, JSON.stringify(witness))
  assert.deepEqual(witness.warnings, [])
  assert.deepEqual(witness.config.control?.peers, east.config.control?.peers)
  // It stands at no site, and has no data.
  const { data, ...shop } = east.config.services['shop']!
  assert.deepEqual(data, { replicator: `http://127.0.0.1:${layoutOf(ports).replicators[0]!.port}` })
  assert.deepEqual(witness.config.services, { shop })
})

test('what is printed fits 80 columns', () => {
  const ports = defaultPorts.map((_, index) => 65_518 + index)
  const files = ['data/shop-65518/run/east.yaml', 'data/shop-65518/run/west.yaml']
  const text = welcome(layoutOf(ports), files, 'data/shop-65518/run/east.pids', {
    readyMs: 1_234,
    phones: 500,
    restartAfterMs: 6_000,
  })
  for (const line of text.split('\n')) assert.ok(line.length <= 80, line)
  const line = liveLine({
    elapsedMs: 3_600_000,
    phones: 500,
    counts: { ok: 1_000_000, backup: 1_000, degraded: 1_000, failed: 1_000, orders: 0 },
    perSecond: 500,
    running: [
      { site: 'east', up: 2, all: 4 },
      { site: 'west', up: 2, all: 3 },
    ],
  })
  assert.ok(line.length < 80, line)
  assert.match(line, /failed 1000/)
})

function run(...args: string[]): { status: number | null; stderr: string } {
  return spawnSync(process.execPath, ['--conditions=@budao/source', script, ...args], {
    encoding: 'utf8',
    timeout: 30_000,
  })
}
