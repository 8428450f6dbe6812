import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { text as readText } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import type { DrillNote } from '@budao/controller'
import type { BudaoEvent, EndpointReport, GatewayReport } from '@budao/model'
import { AdminApi, servicesLost } from './admin-api.ts'
import type { DrillReport } from './drill-report.ts'
import { runDrill } from './run-drill.ts'
import type { DrillOptions } from './run-drill.ts'
import { scenarios } from './scenarios.ts'
import { whenWhole } from './site-return.ts'

test('a site dies and the gateway goes on: no failures, both endpoints named, the site comes back', async (t) => {
  const world = await createWorld(t)
  const lines: string[] = []
  const report = await drill(world, {}, (line) => lines.push(line))

  assert.equal(report.passed, true)
  assert.equal(report.requests.ok, report.requests.sent)
  assert.deepEqual(
    report.hit.map((text) => text.replace(/ \(\d+\)$/, '')),
    ['shop-east-1', 'shop-east-2'],
  )
  for (const victim of world.victims) assert.equal(victim.signalCode, 'SIGKILL')
  assert.deepEqual(
    report.detect.endpoints.map(({ address, by }) => [address, by]),
    [
      ['east:1', 'endpoint.ejected'],
      ['east:2', 'endpoint.ejected'],
    ],
  )
  assert.notEqual(report.detect.allOutMs, null)
  assert.notEqual(report.returnedMs, null)
  assert.equal(report.retries, 7)
  assert.ok(lines.some((line) => /east: site-loss of shop-east-1 \(\d+\), shop-east-2 \(\d+\)/.test(line)))
})

test('the gateway is told before the first process dies, and of the figures at the end', async (t) => {
  const world = await createWorld(t)
  const report = await drill(world)
  const { requests, detect } = report
  assert.deepEqual(world.notes, [
    {
      phase: 'started',
      site: 'east',
      message: 'A drill (site-loss) of site east is about to begin under 200 requests/s.',
      evidence: {
        id: report.id,
        scenario: 'site-loss',
        by: 'ann',
        rate: 200,
        durationMs: 700,
        faultAfterMs: 100,
      },
      deadAtThatTime: 0,
    },
    {
      phase: 'finished',
      site: 'east',
      message: `The drill (site-loss) of site east was passed: 0 of ${requests.sent} reads failed.`,
      evidence: {
        id: report.id,
        scenario: 'site-loss',
        passed: true,
        verdict: 'passed',
        hit: report.hit.join(', '),
        sent: requests.sent,
        ok: requests.ok,
        degraded: 0,
        failed: 0,
        slow: 0,
        longestGapMs: report.longestGapMs,
        detectFirstMs: detect.firstMs,
        detectAllOutMs: detect.allOutMs,
        recoverMs: report.recoverMs,
        rtoMs: 0,
        rpoMs: null,
        writesFailed: null,
        writesLost: null,
        retries: 7,
        fallbacks: 0,
        returnedMs: report.returnedMs,
      },
      deadAtThatTime: 2,
    },
  ])
})

for (const status of [401, 403]) {
  test(`a gateway that answers ${status} to the drill’s start keeps it from killing`, async (t) => {
    const world = await createWorld(t, { noteStatus: { started: status } })
    await assert.rejects(
      drill(world),
      new RegExp(`nothing was broken: .*/api/v1/drills answered ${status}: no.*operator token: see --token`),
    )
    for (const victim of world.victims) assert.equal(victim.exitCode ?? victim.signalCode, null)
    assert.deepEqual(
      world.notes.map(({ phase }) => phase),
      ['started'],
    )
  })
}

for (const status of [403, 500, 'cut off'] as const) {
  test(`a drill that has killed reports all the same when its end gets ${status}, and says so once`, async (t) => {
    const world = await createWorld(t, { noteStatus: { finished: status } })
    const lines: string[] = []
    const report = await drill(world, {}, (line) => lines.push(line))
    assert.equal(report.passed, true)
    assert.equal(report.hit.length, 2)
    assert.equal(
      lines.filter((line) => line.includes('did not note that the drill has finished')).length,
      1,
      lines.join('\n'),
    )
  })
}

test('a pid file that no longer holds when it is time to kill: the gateway learns that nothing died', async (t) => {
  const world = await createWorld(t, { atStart: (pidFile) => writeFileSync(pidFile, '') })
  await assert.rejects(drill(world), /names no process/)
  for (const victim of world.victims) assert.equal(victim.exitCode ?? victim.signalCode, null)
  const [, end] = world.notes
  assert.equal(end?.message, 'The drill (site-loss) of site east ended before it broke anything.')
  assert.match(String(end.evidence['problem']), /names no process/)
})

test('the gateway loses requests: they are reported and the drill is not passed', async (t) => {
  const world = await createWorld(t, { afterKill: 503 })
  const report = await drill(world, { returnWithinMs: 0 })
  assert.equal(report.passed, false)
  assert.ok(report.failures['status 503']! > 0)
  assert.ok(report.recoverMs > 0)
})

test('the last usable site is refused and nobody is killed, unless a person says why', async (t) => {
  const world = await createWorld(t, { westState: 'unhealthy' })
  await assert.rejects(
    drill(world),
    /nothing was broken:\n.*another-place: east is the last usable site of shop\. To do: .*--force --reason/s,
  )
  for (const victim of world.victims) assert.equal(victim.exitCode ?? victim.signalCode, null)
  const forced = await drill(world, { forceReason: 'game day' })
  assert.equal(forced.hit.length, 2)
  assert.equal(forced.forceReason, 'game day')
  assert.deepEqual(
    world.notes.map(({ phase, reason }) => [phase, reason]),
    [
      ['started', 'game day'],
      ['finished', 'game day'],
    ],
  )
})

test('a path that does not answer well is refused before anybody is killed', async (t) => {
  const world = await createWorld(t)
  const url = new URL('/nope', world.options.url)
  await assert.rejects(drill(world, { url }), /must answer well.*status 404/)
  for (const victim of world.victims) assert.equal(victim.exitCode ?? victim.signalCode, null)
})

test('a site that is not behind this gateway is refused', async (t) => {
  const world = await createWorld(t)
  await assert.rejects(drill(world, { site: 'north' }), /no endpoint at site north/)
})

test('a gateway without an answer is named', async () => {
  const admin = new AdminApi('http://127.0.0.1:1')
  await assert.rejects(
    admin.status(),
    /no answer from the gateway's admin API at http:\/\/127\.0\.0\.1:1\/api\/v1\/status/,
  )
})

test('a site is only back once it was seen down', async () => {
  const states: EndpointReport['state'][] = ['usable', 'usable', 'ejected', 'unhealthy', 'usable']
  let asked = 0
  const witness = { status: async () => gatewayReport(states[asked++] ?? 'usable', 'usable') }
  const signal = new AbortController().signal
  const looking = { now: () => asked, everyMs: 1, signal, mustFall: true }
  assert.equal(await whenWhole(witness, 'east', looking), 5)
})

test('a service at one site only is lost with it', () => {
  assert.deepEqual(servicesLost(gatewayReport('usable', 'usable'), 'east'), [])
  assert.deepEqual(servicesLost(gatewayReport('usable', 'ejected'), 'east'), ['shop'])
  assert.deepEqual(servicesLost(gatewayReport('usable', 'open'), 'west'), [])
})

/** Runs a site loss in this world, with other options where they are given. */
function drill(
  { admin, options }: World,
  other: Partial<DrillOptions> = {},
  say: (line: string) => void = () => {},
): Promise<DrillReport> {
  const stopping = new AbortController().signal
  const startGuard = (): never => assert.fail('a site loss needs no guard')
  const failback = (): never => assert.fail('nothing moves units here')
  return runDrill({ witness: admin, say, stopping, startGuard, failback }, { ...options, ...other })
}

interface World {
  readonly admin: AdminApi
  readonly options: DrillOptions
  readonly victims: readonly ChildProcess[]
  /** What the drill told the gateway. */
  readonly notes: readonly Note[]
}

interface Note extends DrillNote {
  readonly deadAtThatTime: number
}

interface WorldOptions {
  readonly afterKill?: number
  readonly westState?: EndpointReport['state']
  /** How the gateway answers the drill's notes. Default 200. */
  readonly noteStatus?: { readonly [phase in DrillNote['phase']]?: number | 'cut off' }
  /** Happens when the drill's start is noted. */
  readonly atStart?: (pidFile: string) => void
}

async function beginning(pid: number): Promise<void> {
  if (process.platform !== 'linux') return
  const end = performance.now() + 10_000
  while (readFileSync(`/proc/${pid}/cmdline`, 'utf8') === '' && performance.now() < end) await pause(5)
}

/** Two processes to kill, and a server that plays the gateway and its admin API and notices their end. */
async function createWorld(
  t: TestContext,
  { afterKill = 200, westState = 'usable', noteStatus = {}, atStart = () => {} }: WorldOptions = {},
): Promise<World> {
  const victims = [1, 2].map((nth) =>
    spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', '--', `shop-east-${nth}`], {
      stdio: 'ignore',
    }),
  )
  const events: BudaoEvent[] = [
    event(1, 'endpoint.ejected', 'east:1'),
    event(2, 'endpoint.returned', 'east:1'),
  ]
  const notes: Note[] = []
  let out = 0
  let asked = 0
  for (const [index, victim] of victims.entries()) {
    t.after(() => victim.kill('SIGKILL'))
    victim.once('exit', () => {
      out++
      events.push(event(events.length + 1, 'endpoint.ejected', `east:${index + 1}`))
    })
  }
  // A process that has just begun has no arguments yet for whoever looks.
  await Promise.all(victims.map(({ pid }) => beginning(pid!)))
  const directory = mkdtempSync(join(tmpdir(), 'budao-drill-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const pidFile = join(directory, 'east.pids')
  writeFileSync(pidFile, victims.map(({ pid }, index) => `${pid} shop-east-${index + 1}\n`).join(''))
  const server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://gateway')
    if (url.pathname === '/api/products') return response.writeHead(out === 2 ? afterKill : 200).end('{}')
    if (url.pathname === '/api/v1/events') {
      const list = events.filter(
        ({ seq }) => seq > Number(url.searchParams.get('after') ?? events.length - 1),
      )
      return response.end(JSON.stringify({ lastSeq: events.length, events: list }))
    }
    if (url.pathname === '/api/v1/drills' && request.method === 'POST') {
      void readText(request).then((body) => {
        const note = JSON.parse(body) as DrillNote
        notes.push({ ...note, deadAtThatTime: out })
        if (note.phase === 'started') atStart(pidFile)
        const status = noteStatus[note.phase] ?? 200
        if (status === 'cut off') return request.destroy()
        return response.writeHead(status).end(JSON.stringify({ message: 'no' }))
      })
      return
    }
    if (url.pathname !== '/api/v1/status') return response.writeHead(404).end('{}')
    // Down for three looks, then somebody has started it again.
    if (out === 2) asked++
    const east = out === 2 && asked <= 3 ? 'ejected' : 'usable'
    return response.end(JSON.stringify(gatewayReport(east, westState, out === 2 ? 7 : 0)))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    admin: new AdminApi(origin),
    victims,
    notes,
    options: {
      scenario: scenarios['site-loss'],
      site: 'east',
      url: new URL(`${origin}/api/products`),
      others: [],
      by: 'ann',
      targets: { pidFile, pids: [], cutter: { by: 'firewall' } },
      objectives: { rtoMs: 5_000, rpoMs: null, configured: false },
      drills: {
        timezone: 'UTC',
        blockWindows: [],
        abort: { failedPercent: 100, over: 60_000 },
        dnsServers: [],
        failback: false,
      },
      folder: join(directory, 'drills'),
      rate: 200,
      warmUpMs: 100,
      durationMs: 700,
      faultAfterMs: 100,
      faultMs: 100,
      timeoutMs: 5_000,
      slowMs: 60_000,
      returnWithinMs: 20_000,
    },
  }
}

function event(seq: number, kind: BudaoEvent['kind'], subject: string): BudaoEvent {
  const at = new Date(Date.now() + 1).toISOString()
  return { seq, at, kind, severity: 'warning', subject, site: 'east', message: kind, evidence: {} }
}

/** As much of a report as a drill reads. */
function gatewayReport(
  east: EndpointReport['state'],
  west: EndpointReport['state'],
  retries = 0,
): GatewayReport {
  const endpoints = [
    { address: 'east:1', site: 'east', state: east },
    { address: 'east:2', site: 'east', state: east },
    { address: 'west:1', site: 'west', state: west },
  ]
  return {
    node: { name: 'gw', site: 'east' },
    version: '0',
    snapshot: { version: 1 },
    refused: null,
    drains: [],
    sites: [{ name: 'east' }, { name: 'west' }],
    rateWindowMs: 10_000,
    services: [{ name: 'shop', endpoints, requestsPerSecond: 0, failuresPerSecond: 0 }],
    routes: [{ retries, fallbacks: 0 }],
  } as unknown as GatewayReport
}
