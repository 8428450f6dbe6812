// npm run cache-tests: the suite of cache-tests.fyi through a gateway with a cache, and through nginx beside it.
// Prints a table for docs/reference/cache.md, and behind it each required test of ours that did not pass.
import { execFile, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { findOrInstall, freePort } from '@budao/testkit'
import { CacheTestSuite, type Kind, type TestResult } from './cache-tests/suite.ts'

const folder = join(tmpdir(), 'budao-cache-tests')
const suite = CacheTestSuite.fetch(folder)
const origin = await freePort()
const ends: (() => void)[] = [suite.startOrigin(origin)]
process.on('exit', () => ends.forEach((end) => end()))
await listening(origin)

const results = new Map<string, readonly TestResult[]>()
results.set('Budao', await through(await startBudao()))
const nginx = await startNginx()
if (nginx !== null) results.set('nginx', await through(nginx))

const kinds: readonly Kind[] = ['required', 'optimal', 'check']
console.log(
  `| | ${kinds.map((kind) => `${kind}: passed / failed / untested`).join(' | ')} |\n|---|---|---|---|`,
)
for (const [name, all] of results) {
  const cells = kinds.map((kind) => {
    const own = all.filter((result) => result.kind === kind)
    const count = (verdict: string): number => own.filter((result) => result.verdict === verdict).length
    return `${count('passed')} / ${count('failed')} / ${count('untested')}`
  })
  console.log(`| ${name} | ${cells.join(' | ')} |`)
}
for (const kind of ['required', 'optimal'] as const) {
  console.log(`\nBudao, ${kind} and not passed:`)
  for (const { id, verdict, reason, kind: own } of results.get('Budao')!)
    if (own === kind && verdict !== 'passed') console.log(`- ${id}: ${verdict}: ${reason}`)
}
process.exit(0)

async function through(port: number): Promise<readonly TestResult[]> {
  const script = fileURLToPath(new URL('cache-tests/run-suite.ts', import.meta.url))
  const args = ['--conditions=@budao/source', script, folder, `http://127.0.0.1:${port}`]
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 64 * 1_024 * 1_024 })
  return JSON.parse(stdout) as TestResult[]
}

async function startBudao(): Promise<number> {
  const port = await freePort()
  const config = join(folder, 'budao.json')
  writeFileSync(
    config,
    JSON.stringify({
      version: 1,
      node: { name: 'gw-1', site: 'east' },
      dataDir: join(folder, 'data'),
      sites: { east: {} },
      log: { level: 'error' },
      admin: { address: '127.0.0.1:0' },
      listeners: [{ name: 'web', address: `127.0.0.1:${port}`, protocol: 'http' }],
      services: {
        origin: {
          endpoints: [{ address: `127.0.0.1:${origin}`, site: 'east' }],
          breaker: false,
          outlier: false,
          retry: { attempts: 0 },
        },
      },
      routes: [{ name: 'all', backends: [{ service: 'origin' }], cache: {} }],
    }),
  )
  const main = fileURLToPath(new URL('../packages/budao/src/main.ts', import.meta.url))
  start(process.execPath, ['--conditions=@budao/source', main, 'gateway', '-c', config])
  await listening(port)
  return port
}

/** With what its documentation recommends for a cache; null where it cannot be had. */
async function startNginx(): Promise<number | null> {
  const found = await findOrInstall('nginx')
  if (found.kind === 'missing') {
    console.error(`without nginx: ${found.reason}`)
    return null
  }
  const port = await freePort()
  const place = join(folder, 'nginx')
  mkdirSync(place, { recursive: true })
  const config = join(place, 'nginx.conf')
  writeFileSync(
    config,
    `daemon off; pid ${place}/nginx.pid; error_log stderr crit;
events {}
http {
  access_log off;
  client_body_temp_path ${place}/body; proxy_temp_path ${place}/proxy; fastcgi_temp_path ${place}/f; uwsgi_temp_path ${place}/u; scgi_temp_path ${place}/s;
  proxy_cache_path ${place}/cache keys_zone=pages:16m;
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://127.0.0.1:${origin};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_cache pages;
      proxy_cache_revalidate on;
    }
  }
}
`,
  )
  start(found.path, ['-p', place, '-c', config])
  await listening(port)
  return port
}

function start(command: string, args: readonly string[]): void {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  ends.push(() => child.kill())
}

async function listening(port: number): Promise<void> {
  for (const end = performance.now() + 20_000; performance.now() < end; await sleep(50)) {
    const there = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
      socket.on('connect', () => socket.destroy())
    })
    if (there) return
  }
  throw new Error(`nothing listens on port ${port}`)
}
