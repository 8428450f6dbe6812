import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { type AdminTokens, createAdminServer, EventLog } from '@budao/controller'
import { freePort, requireDebian, startNode, startProcess } from '@budao/testkit'
import { MemorySource } from '../../../controller/test/memory-source.ts'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))

async function gateway(t: TestContext, tokens?: AdminTokens): Promise<{ source: MemorySource; url: string }> {
  const source = new MemorySource(await EventLog.open())
  const server = await createAdminServer({ source, address: '127.0.0.1:0', ...(tokens && { tokens }) })
  t.after(() => server.close())
  return { source, url: server.url }
}

function budao(t: TestContext, args: readonly string[], cwd: string = folder(t)) {
  const { BUDAO_TOKEN: _, ...env } = process.env
  return startNode(t, [main, 'status', ...args], { cwd, env })
}

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'budao-status-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

function fail(source: MemorySource): void {
  const [service] = source.current.services
  source.current = { ...source.current, services: [{ ...service!, state: 'degraded' }] }
}

test('exits by health, and shows the last events', async (t) => {
  const { source, url } = await gateway(t)
  for (let index = 1; index <= 7; index++) {
    source.events.append({
      kind: 'breaker.opened',
      severity: 'critical',
      subject: 'x',
      message: `event ${index}`,
      evidence: {},
    })
  }
  const up = budao(t, ['--url', url])
  assert.equal(await up.exited(), 0, up.output)
  assert.match(up.output, /gw-1 at east · serving/)
  assert.doesNotMatch(up.output, /event 2/)
  assert.match(up.output, /event 3[^]*event 7/)

  fail(source)
  const degraded = budao(t, ['--url', url, '--json'])
  assert.equal(await degraded.exited(), 1, degraded.output)
  const { healthy, report, events } = JSON.parse(degraded.output)
  assert.equal(healthy, false)
  assert.deepEqual(report, source.current)
  assert.deepEqual(events, source.events.list({ limit: 5 }))
})

test('a gateway that is not there, or refuses, is a failure with a reason', async (t) => {
  const port = await freePort()
  const gone = budao(t, ['--url', `http://127.0.0.1:${port}`])
  assert.equal(await gone.exited(), 1)
  assert.match(gone.output, /^budao: no answer.*ECONNREFUSED/)

  const { url } = await gateway(t, { viewer: 'see', operator: 'do' })
  const refused = budao(t, ['--url', url])
  assert.equal(await refused.exited(), 1)
  assert.match(refused.output, /401: this needs a token/)
  assert.equal(await budao(t, ['--url', url, '--token', 'see']).exited(), 0)
})

test('the address and the token come from the configuration', async (t) => {
  const { url } = await gateway(t, { viewer: 'see-all-of-it-0001', operator: 'do-all-of-it-00001' })
  const dir = folder(t)
  const config = `version: 1
node: { name: gw-1, site: east }
sites: { east: {} }
admin: { address: '${new URL(url).host}', tokens: { viewer: see-all-of-it-0001, operator: do-all-of-it-00001 } }
listeners: [{ name: web, address: 127.0.0.1:8080, protocol: http }]
services: { shop: { endpoints: [{ address: 127.0.0.1:7001, site: east }] } }
routes: [{ name: all, backends: [{ service: shop }] }]
`
  writeFileSync(join(dir, 'budao.yaml'), config)
  writeFileSync(join(dir, 'bad.yaml'), 'version: 2\n')
  const found = budao(t, [], dir)
  assert.equal(await found.exited(), 0, found.output)
  const named = budao(t, ['-c', 'budao.yaml'], dir)
  assert.equal(await named.exited(), 0, named.output)
  const bad = budao(t, ['-c', 'bad.yaml'], dir)
  assert.equal(await bad.exited(), 2, bad.output)
})

test('wrong usage exits 2', async (t) => {
  for (const args of [
    ['--url', 'nonsense'],
    ['--url', 'ftp://a'],
    ['--url', 'http://127.0.0.1:1', '-c', 'budao.yaml'],
    ['-c', 'missing.yaml'],
    ['--fast'],
    ['--watch', 'soon'],
    ['--watch', '1ms'],
  ]) {
    const wrong = budao(t, args)
    assert.deepEqual([args, await wrong.exited()], [args, 2])
  }
})

test('--watch goes on through a change, and ends with the health seen last', async (t) => {
  const { source, url } = await gateway(t)
  const watching = budao(t, ['--url', url, '--watch', '--json'])
  await watching.waitForOutput(/"healthy":true/)
  fail(source)
  await watching.waitForOutput(/"healthy":false/)
  assert.equal(await watching.stop('SIGINT'), 1, watching.output)
  for (const line of watching.output.trim().split('\n'))
    assert.equal(typeof JSON.parse(line).healthy, 'boolean')
})

test('without a terminal --watch prints one state after the other, without escape codes', async (t) => {
  const { url } = await gateway(t)
  const watching = budao(t, ['--url', url, '--watch', '100ms'])
  await watching.waitForOutput(/serving[^]*serving[^]*serving/)
  assert.equal(await watching.stop('SIGINT'), 0, watching.output)
  assert.equal(watching.output.includes('\u001b'), false)
})

test('on a terminal --watch draws in place, 80 columns wide, and gives the terminal back', async (t) => {
  const script = await requireDebian(t, 'bsdutils', 'script')
  if (script === undefined) return
  const { source, url } = await gateway(t)
  const [endpoint] = source.current.services[0]!.endpoints
  const registered = {
    ...endpoint!,
    address: '127.0.0.1:7009',
    origin: 'registered' as const,
    leaseMs: 24_200,
  }
  const drain = { endpoint: null, service: null, since: '2026-01-01T10:00:00.000Z', reason: 'new kernel' }
  source.current = {
    ...source.current,
    services: [{ ...source.current.services[0]!, endpoints: [endpoint!, registered] }],
    drains: [{ ...drain, site: 'west', endpoints: 1, inFlight: 3 }],
  }
  const command = `stty cols 80 rows 30; ${process.execPath} --conditions=@budao/source ${main} status --url ${url} --watch 100ms`
  const watching = startProcess(t, script, ['-qec', command, '/dev/null'], {
    env: { ...process.env, TERM: 'xterm', NO_COLOR: '' },
  })
  await watching.waitForOutput(/every 100ms[^]*every 100ms/)
  fail(source)
  await watching.waitForOutput(/degraded/)
  // The terminal's own Ctrl-C goes to whoever reads it: here the process is told directly.
  watching.child.kill('SIGINT')
  await watching.exited()
  const [first = ''] = watching.output.split('\u001b[H').slice(1)
  const lines = stripVTControlCharacters(first).split('\r\n')
  assert.ok(lines.every((line) => Array.from(line).length <= 80))
  assert.match(first, /site west: draining, 3 under way, since 2026-01-01T10:00Z: new kernel/)
  assert.match(first, /BUSY +REQ\/S +ERR\/S +P99 +LEASE/)
  assert.match(first, /127\.0\.0\.1:7009 .* 25s/)
  assert.match(first, /every 100ms · /)
})
