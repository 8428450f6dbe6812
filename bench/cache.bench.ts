import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { freePort, SeededDraws } from '@budao/testkit'
import type { TestProcess } from '@budao/testkit'
import { waitForAnswer } from './answers.ts'
import { gatewayConfig, gatewayLaunch, writeConfig } from './budao.ts'
import { describeMachine, machineText } from './machine.ts'
import { nginxBase, startNginxBackends } from './nginx-backends.ts'
import { need } from './need.ts'
import { say, wholeNumbers } from './options.ts'
import { allowedCores, usageOf } from './process-tree.ts'
import { countErrors } from './rounds.ts'
import type { Stage } from './stage.ts'
import { pairedRatios, shuffled, spreadOf } from './statistics.ts'
import { spreadText, table } from './table.ts'
import { Verdict } from './verdict.ts'
import { runWrk } from './wrk.ts'

const usage = `npm run bench -- cache [options]

  --rounds N         measured rounds of each (default 5)
  --seconds S        length of one (default 3)
  --connections N    kept alive by the load (default 64)
  --misses N         equal requests at once (default 1000)
  --workers N        of ours, for the equal requests (default 2)

CPU of an answer from our cache beside one from nginx's proxy_cache and beside the same request proxied by ours; each answer
is looked at before anything is timed. Then N equal requests at once for what nobody has: how many reach the origin.
`

const path = '/api/products'

interface Front {
  readonly name: string
  readonly process: TestProcess
  readonly port: number
}

/** Fails when an answer is wrong, or equal requests at once are not one; never for being slow. */
export async function run(args: readonly string[], stage: Stage): Promise<0 | 1> {
  const given = wholeNumbers(args, usage, {
    rounds: [5, 1, 100],
    seconds: [3, 1, 60],
    connections: [64, 1, 1_000],
    misses: [1_000, 2, 10_000],
    workers: [2, 1, 64],
  })
  if (given === null) return 0
  const { rounds, seconds, connections, misses, workers } = given
  say(machineText(describeMachine()))
  const verdict = new Verdict()
  const cores = allowedCores()
  const [core = 0, loadCore = core] = cores
  const backends = await startNginxBackends(stage, await need('nginx'), loadCore)
  const fronts = [
    await startOurs(stage, 'hit', core, backends.addresses, { cache: { ttl: '1h' } }),
    await startOurs(stage, 'proxied', core, backends.addresses, {}),
    await startNginx(stage, core, backends.addresses[0]!),
  ]
  const cpu = new Map(fronts.map(({ name }) => [name, new Map<number, number>()]))
  const wrk = await need('wrk')
  const random = new SeededDraws(1)
  let failed = 0
  for (let round = 0; round <= rounds; round++) {
    for (const { name, process: measured, port } of shuffled(fronts, random)) {
      const pid = measured.child.pid!
      const before = usageOf(pid).cpuMicros
      const question = { method: 'GET', path, bodyBytes: 0 } as const
      const load = await runWrk(stage, wrk, {
        scheme: 'http',
        port,
        question,
        headers: {},
        connections,
        seconds,
        core: loadCore,
      })
      const micros = (usageOf(pid).cpuMicros - before) / load.requests
      failed += countErrors(load.errors)
      // The first round warms up.
      if (round > 0) cpu.get(name)!.set(round, micros)
    }
  }
  verdict.expect(failed === 0, 'no request fails', `${failed} failed`)
  const rows = fronts.map(({ name }) => [name, spreadText(spreadOf([...cpu.get(name)!.values()]), 1)])
  say(table(['', 'µs CPU for each answer'], rows))
  for (const other of ['nginx hit', 'proxied'])
    say(`hit / ${other}: ${spreadText(spreadOf(pairedRatios(cpu.get('hit')!, cpu.get(other)!)), 2)}`)

  const asked = await coalesced(stage, misses, workers)
  verdict.expect(asked === 1, `${misses} equal misses at once, ${workers} workers`, `${asked} at the origin`)
  return verdict.exitCode
}

async function startOurs(
  stage: Stage,
  name: string,
  core: number,
  addresses: readonly string[],
  route: Readonly<Record<string, unknown>>,
): Promise<Front> {
  const [port, adminPort] = [await freePort(), await freePort()]
  const folder = join(stage.folder, name)
  mkdirSync(folder)
  const file = join(folder, 'budao.yaml')
  const endpoints = addresses.map((address) => ({ address, site: 'east' }))
  writeConfig(file, gatewayConfig({ port, adminPort, endpoints, route }))
  const { command, args, env } = gatewayLaunch(file, 'source')
  const started = stage.start(`budao ${name}`, command, args, { env, core })
  await started.waitForPort(port)
  await waitForAnswer(port, path)
  await mustBe(port, route['cache'] === undefined ? null : /budao; hit/, 'cache-status')
  return { name, process: started, port }
}

async function startNginx(stage: Stage, core: number, backend: string): Promise<Front> {
  const port = await freePort()
  const folder = join(stage.folder, 'nginx-cache')
  mkdirSync(folder)
  const config = join(folder, 'nginx.conf')
  writeFileSync(
    config,
    `${nginxBase(folder)}
  proxy_cache_path ${folder}/pages keys_zone=pages:16m;
  upstream shop { server ${backend}; keepalive 128; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://shop;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_cache pages;
      proxy_cache_valid 200 1h;
      add_header X-Cache $upstream_cache_status;
    }
  }
}
`,
  )
  const started = stage.start('nginx', await need('nginx'), ['-e', 'stderr', '-p', folder, '-c', config], {
    core,
  })
  await started.waitForPort(port)
  await waitForAnswer(port, path)
  await mustBe(port, /HIT/, 'x-cache')
  return { name: 'nginx hit', process: started, port }
}

/** The second answer says that it comes from where it should. */
async function mustBe(port: number, expected: RegExp | null, header: string): Promise<void> {
  const said = (await fetch(`http://127.0.0.1:${port}${path}`)).headers.get(header)
  if (expected === null ? said !== null : !expected.test(said ?? ''))
    throw new Error(`${header}: expected ${expected ?? 'nothing'}, got ${said}`)
}

/** How many requests an origin sees of so many at once. It answers when all of them have been sent. */
async function coalesced(stage: Stage, misses: number, workers: number): Promise<number> {
  let asked = 0
  const held: (() => void)[] = []
  const origin = createServer((_request, response) => {
    asked++
    held.push(() => response.writeHead(200, { 'Cache-Control': 'max-age=60' }).end('one for all'))
  })
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve))
  const address = `127.0.0.1:${(origin.address() as AddressInfo).port}`
  const [port, adminPort] = [await freePort(), await freePort()]
  const file = join(stage.folder, 'coalesced.yaml')
  const service = {
    healthCheck: { type: 'tcp', interval: '10s', timeout: '1s' },
    timeouts: { request: '60s' },
  }
  const plan = gatewayConfig({
    port,
    adminPort,
    endpoints: [{ address, site: 'east' }],
    service,
    route: { cache: { coalesceWait: '60s' } },
  })
  writeConfig(file, { ...plan, workers, dataDir: './coalesced-data' })
  const { command, args, env } = gatewayLaunch(file, 'source')
  await stage.start('budao coalesced', command, args, { env }).waitForPort(port)
  let sent = 0
  const answers = Array.from(
    { length: misses },
    () =>
      new Promise<string>((resolve, reject) => {
        const request = get({ port, path: '/', agent: false }, (response) => {
          let text = ''
          response.on('data', (part) => (text += String(part)))
          response.on('end', () => resolve(text))
        })
        request.on('error', reject)
        request.on('finish', () => {
          if (++sent === misses) setTimeout(() => held.forEach((answer) => answer()), 500)
        })
      }),
  )
  const texts = new Set(await Promise.all(answers))
  origin.close()
  origin.closeAllConnections()
  if (texts.size !== 1 || !texts.has('one for all')) throw new Error(`answers: ${[...texts].join(', ')}`)
  return asked
}
