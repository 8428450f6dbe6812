import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  appendFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createClient, fetchTransport } from '@budao/miniprogram'
import type { LogRecord, LogsReport } from '@budao/model'
import { freePort, memoryFolder, startNode, tempDir, type TestProcess, whyNoNetwork } from '@budao/testkit'

const program = fileURLToPath(new URL('../packages/budao/src/main.ts', import.meta.url))

/** `budao up` with logs: the test's own files in `logs/`, its store in `data/`, which may be a small disk. */
class World {
  readonly folder: string
  readonly data: string
  readonly #t: TestContext
  up!: TestProcess
  admin = ''
  web = ''

  constructor(t: TestContext, data?: string) {
    this.#t = t
    this.folder = tempDir(t)
    this.data = data ?? join(this.folder, 'data')
    mkdirSync(join(this.folder, 'logs'))
  }

  async start(logs: object, routes: readonly object[] = []): Promise<void> {
    const config = {
      version: 1,
      node: { name: 'gw-1', site: 'east' },
      dataDir: this.data,
      sites: { east: {} },
      log: { level: 'silent' },
      admin: { address: `127.0.0.1:${await freePort()}` },
      listeners: [{ name: 'web', address: `127.0.0.1:${await freePort()}`, protocol: 'http' }],
      routes: [
        ...routes,
        {
          name: 'all',
          match: [{ path: { prefix: '/' } }],
          filters: [{ accessLog: { path: 'logs/access.ndjson' } }],
          respond: { status: 200 },
        },
      ],
      logs: { files: [{ paths: ['logs/*.log'], service: 'shop' }], ...logs },
    }
    writeFileSync(join(this.folder, 'budao.yaml'), JSON.stringify(config))
    this.admin = `http://${config.admin.address}`
    this.web = `http://${config.listeners[0]!.address}`
    await this.restart()
  }

  async restart(): Promise<void> {
    this.up = startNode(this.#t, [program, 'up', '-c', 'budao.yaml'], { cwd: this.folder })
    await until('it is ready', async () => (await get(`${this.admin}/readyz`)).status === 200)
    // Serving begins before logs are read. Until then that is said, not that there are none.
    await until('logs are read', async () => {
      const { status, body } = await get(`${this.admin}/api/v1/logs/status`)
      assert.ok(status === 200 || status === 503, body)
      return status === 200
    })
  }

  log(name = 'app.log'): string {
    return join(this.folder, 'logs', name)
  }

  write(...lines: readonly object[]): void {
    appendFileSync(this.log(), lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  }

  /** Messages that pass, the latest first. */
  async bodies(filter: string, more = ''): Promise<string[]> {
    return (await this.records(filter, more)).map(({ body }) => body)
  }

  async records(filter: string, more = ''): Promise<LogRecord[]> {
    const answer = await get(`${this.admin}/api/v1/logs?filter=${encodeURIComponent(filter)}${more}`)
    assert.equal(answer.status, 200, answer.body)
    return (JSON.parse(answer.body) as { records: LogRecord[] }).records
  }

  async report(): Promise<LogsReport> {
    return JSON.parse((await get(`${this.admin}/api/v1/logs/status`)).body) as LogsReport
  }

  async kinds(): Promise<string[]> {
    const { events } = JSON.parse((await get(`${this.admin}/api/v1/events?limit=500`)).body) as {
      events: { kind: string }[]
    }
    return events.map(({ kind }) => kind)
  }

  /** The command to its end; its output when it ended so. */
  async budao(code: number, ...args: string[]): Promise<string> {
    const run = startNode(this.#t, [program, ...args, '-c', 'budao.yaml'], { cwd: this.folder })
    assert.equal(await run.exited(), code, run.output)
    return run.output
  }

  follow(...args: string[]): TestProcess {
    return startNode(this.#t, [program, 'logs', 'tail', ...args, '-c', 'budao.yaml'], { cwd: this.folder })
  }
}

test('logs are asked for by command and API: by time, field and text, and as they come; all that Budao writes is among them', async (t) => {
  const world = new World(t)
  const telemetry = { path: 'logs/apps.ndjson' }
  await world.start({}, [
    { name: 'telemetry', match: [{ path: { exact: '/budao/v1/telemetry' } }], serve: { telemetry } },
  ])
  const now = Date.now()
  world.write(
    { time: now - 7_200_000, level: 'error', msg: '两小时前支付失败' },
    { time: now - 2_000, level: 'info', msg: '支付成功', order: { id: 'o-1' } },
    { time: now - 1_000, level: 'error', msg: '支付回调失败', order: { id: 'o-2' } },
    // A clock that is a day ahead.
    { time: now + 86_400_000, level: 'warn', msg: 'from tomorrow' },
  )
  await until('all are read', async () => (await world.bodies('service:shop')).length === 4)

  // The API.
  assert.deepEqual(await world.bodies('支付', '&from=1h'), ['支付回调失败', '支付成功'])
  assert.deepEqual(await world.bodies('回调 log.level>=error'), ['支付回调失败'])
  assert.deepEqual(await world.bodies('order.id:o-1'), ['支付成功'])
  assert.deepEqual(await world.bodies('失败', '&to=1h'), ['两小时前支付失败'])
  assert.deepEqual(await world.bodies('service:shop', '&limit=1'), ['from tomorrow'])
  const refused = async (query: string): Promise<string> => {
    const { status, body } = await get(`${world.admin}/api/v1/logs?${query}`)
    assert.equal(status, 400, body)
    return (JSON.parse(body) as { message: string }).message
  }
  assert.match(await refused('filter=(a'), /filter cannot be read: .*/)
  assert.match(await refused('from=yesterday'), /from must be a time such as .*15m, got .*yesterday/)
  assert.match(await refused('limit=0'), /limit/)
  assert.match(await refused('colour=red'), /colour/)

  // The command.
  const printed = await world.budao(0, 'logs', 'query', '支付', '-成功', '--from', '1h')
  assert.match(printed, /^\S+Z {2}error {2}shop {2}支付回调失败 {2}order\.id=o-2\n$/)
  const json = JSON.parse(await world.budao(0, 'logs', 'query', 'order.id:*', '--json')) as {
    records: LogRecord[]
  }
  assert.equal(json.records.length, 2)
  assert.equal(await world.budao(1, 'logs', 'query', 'nowhere'), '')
  assert.match(
    await world.budao(2, 'logs', 'query', '--limit', '0'),
    /expected a whole number from 1 to 5000/,
  )
  assert.match(await world.budao(1, 'logs', 'query', '(a'), /filter cannot be read/)
  const tail = world.follow('log.level:error', '-n', '1')
  await tail.waitForOutput(/支付回调失败/)
  world.write({ level: 'info', msg: 'not asked for' }, { level: 'error', msg: '库存不足' })
  await tail.waitForOutput(/库存不足/)
  assert.doesNotMatch(tail.output, /not asked for/)
  assert.equal(await tail.stop('SIGTERM'), 0)

  // What Budao and the apps write.
  const client = createClient({
    runtime: {
      now: () => performance.now(),
      wallNow: () => Date.now(),
      random: { next: () => Math.random() },
      after(ms, fire) {
        const timer = setTimeout(fire, ms).unref()
        return () => clearTimeout(timer)
      },
    },
    channels: [world.web],
    transport: fetchTransport(globalThis),
    telemetry: { app: 'shop-app', samplePercent: 100, flushMs: 20 },
  })
  await client.get('/api/items').catch(() => {})
  writeFileSync(join(world.folder, 'budao.yaml'), '{"version": 1}')
  await until('an app’s call, a request and an event are there', async () => {
    const sets = await Promise.all(
      ['telemetry', 'access', 'events'].map((name) => world.records(`event.dataset:budao.${name}`)),
    )
    return sets.every((records) => records.length > 0)
  })
  const [call] = await world.records('event.dataset:budao.telemetry')
  assert.equal(call!.body, 'GET /api/items 200')
  assert.equal(call!.attributes['service.name'], 'shop-app')
  await until(
    'so is what was refused',
    async () => (await world.bodies('event.kind:snapshot.refused')).length > 0,
  )
})

test('a full disk, a sink that is away, and files that are no logs: told, bounded, resumed, and the gateway serves', async (t) => {
  const why = await whyNoNetwork()
  if (why !== undefined) return t.skip(why)
  const world = new World(t, join(memoryFolder(t, '12m'), 'data'))
  const port = await freePort()
  await world.start({
    files: [{ paths: ['logs/*.log'], service: 'shop', lineBytes: 65_536 }],
    sinks: { bulk: { elasticsearch: { url: `http://127.0.0.1:${port}`, index: 'logs' } } },
    own: false,
  })
  const serves = async (): Promise<void> => assert.equal((await get(`${world.web}/x`)).status, 200)

  // 50 MB in one line, NUL, what is not UTF-8, and a line behind them.
  const file = openSync(world.log(), 'a')
  writeSync(file, 'first\n')
  const megabyte = Buffer.alloc(1_048_576, 'y')
  for (let count = 0; count < 50; count++) writeSync(file, megabyte)
  writeSync(file, Buffer.from('\nnul \0 here\nbroken \xff\xfe here\nlast\n', 'latin1'))
  await until('the line behind is read', async () => (await world.bodies('last')).length === 1)
  const bodies = (await world.bodies('*')).toReversed()
  assert.deepEqual(
    bodies.map((body) => body.slice(0, 20)),
    ['first', 'y'.repeat(20), 'nul \0 here', 'broken \ufffd\ufffd here', 'last'],
  )
  assert.equal(bodies[1]!.length, 65_536)
  await until('it is counted', async () => (await world.report()).intake!.damaged > 0)
  const { intake, sinks } = await world.report()
  assert.deepEqual([intake!.truncated, intake!.damaged], [1, 2])
  assert.match(sinks[0]!.problem ?? '', /ECONNREFUSED/)
  assert.ok((await world.kinds()).includes('sink.away'))
  assert.ok(rssMb(world.up.pid) < 400, `${rssMb(world.up.pid)} MB`)
  await serves()

  // The disk is full before what comes is stored.
  const filler = join(world.data, '..', 'filler')
  fill(filler)
  const count = 6_000
  for (let from = 0; from < count; from += 1_000)
    world.write(
      ...Array.from({ length: 1_000 }, (_, n) => ({ msg: `full ${from + n}`, pad: 'z'.repeat(100) })),
    )
  await until('it is told', async () => (await world.kinds()).includes('logs.blocked'))
  await serves()
  assert.match(await world.budao(1, 'logs', 'status'), /not read: ENOSPC/)
  assert.match((await get(`${world.admin}/metrics`)).body, /^budao_logs_blocked 1$/m)
  // Somebody kills it, and it comes back with the disk still full: its segment's end may be torn.
  await world.up.kill()
  const segment = join(world.data, 'logs', 'log-00000001.ndjson')
  truncateSync(segment, statSync(segment).size - 3)
  await world.restart()
  await serves()
  rmSync(filler)
  await until(
    'everything is stored',
    async () => (await world.bodies('full', '&limit=5000')).length === 5_000,
  )
  await until('it is told', async () => (await world.kinds()).includes('logs.resumed'))

  // The sink comes back: all of it, in order.
  const taken: string[] = []
  const bulk = await bulkServer(t, port, taken)
  await until('the sink has all', async () => taken.at(-1) === `full ${count - 1}`)
  assert.deepEqual(
    [...new Set(taken)].slice(-count),
    Array.from({ length: count }, (_, n) => `full ${n}`),
  )
  assert.equal(new Set(taken).size, count + 5)
  await until('it is told', async () => (await world.kinds()).includes('sink.back'))
  bulk.close()
})

/** What `_bulk` does with documents: takes them. */
async function bulkServer(t: TestContext, port: number, taken: string[]): Promise<Server> {
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const documents = body
        .trimEnd()
        .split('\n')
        .filter((_, index) => index % 2 === 1)
      for (const document of documents) taken.push((JSON.parse(document) as { message: string }).message)
      response.end(
        JSON.stringify({ errors: false, items: documents.map(() => ({ create: { status: 201 } })) }),
      )
    })
  }).listen(port, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return server
}

function fill(file: string): void {
  for (const size of [1 << 16, 1 << 12, 1]) {
    try {
      for (;;) writeFileSync(file, Buffer.alloc(size), { flag: 'a' })
    } catch {
      // Full, for pieces of that size.
    }
  }
}

function rssMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1_024
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 60_000
  while (!(await holds())) {
    assert.ok(performance.now() < end, `not within 60 s: ${what}`)
    await sleep(50)
  }
}

async function get(url: string): Promise<{ readonly status: number; readonly body: string }> {
  try {
    const answer = await fetch(url)
    return { status: answer.status, body: await answer.text() }
  } catch {
    return { status: 0, body: '' }
  }
}
