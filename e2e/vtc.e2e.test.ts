import assert from 'node:assert/strict'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort, requireDebian, startNode, startProcess, tempDir, type TestProcess } from '@budao/testkit'

const program = fileURLToPath(new URL('../packages/budao/src/main.ts', import.meta.url))
const folder = fileURLToPath(new URL('vtc/', import.meta.url))

/** One script of varnishtest. Its requests go to `Host: name`, whose route leads to the script's own backend. */
interface Script {
  readonly name: string
  readonly file: string
  readonly backend: number
  /** What its line `# service: {…}` wants otherwise. */
  readonly service: Readonly<Record<string, unknown>>
}

test('the scripts of varnishtest pass: pieces, resets, early and broken answers, poisoned connections', async (t) => {
  const varnishtest = await requireDebian(t, 'varnish', 'varnishtest')
  if (varnishtest === undefined) return
  const scripts = await Promise.all(readdirSync(folder).toSorted().map(readScript))
  assert.ok(scripts.length > 0, `scripts in ${folder}`)
  const { gateway, port } = await startGateway(t, scripts)
  for (const { name, file, backend } of scripts) {
    await t.test(name, async (each) => {
      const macros = [`-Dgateway=${port}`, `-Dbackend=${backend}`, `-Dhost=${name}`]
      const run = startProcess(each, varnishtest, ['-t', '30', ...macros, file])
      assert.equal(await run.exited(), 0, run.output)
      assert.ok(gateway.running, gateway.output)
    })
  }
  assert.doesNotMatch(gateway.output, /worker\.crashed|Uncaught/)
})

async function readScript(name: string): Promise<Script> {
  const file = join(folder, name)
  const [, service = '{}'] = /^# service: (.*)$/m.exec(readFileSync(file, 'utf8')) ?? []
  return {
    name: basename(name, '.vtc'),
    file,
    backend: await freePort(),
    service: JSON.parse(service) as Record<string, unknown>,
  }
}

async function startGateway(
  t: TestContext,
  scripts: readonly Script[],
): Promise<{ gateway: TestProcess; port: string }> {
  const file = join(tempDir(t), 'budao.json')
  const config = {
    version: 1,
    node: { name: 'gw-1', site: 'east' },
    sites: { east: {} },
    admin: { address: '127.0.0.1:0' },
    listeners: [{ name: 'web', address: '127.0.0.1:0', protocol: 'http' }],
    services: Object.fromEntries(
      scripts.map(({ name, backend, service }) => [
        name,
        { endpoints: [{ address: `127.0.0.1:${backend}`, site: 'east' }], ...service },
      ]),
    ),
    routes: scripts.map(({ name }) => ({ name, hosts: [name], backends: [{ service: name }] })),
  }
  writeFileSync(file, JSON.stringify(config))
  const gateway = startNode(t, [program, 'gateway', '-c', file])
  const [, port] = await gateway.waitForOutput(/web {2}http:\/\/127\.0\.0\.1:(\d+)/)
  await gateway.waitForOutput(/serves snapshot/)
  return { gateway, port: port! }
}
