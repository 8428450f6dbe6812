import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { findOrInstall, freePort, type TestProcess } from '@budao/testkit'
import packet, { type Answer, type DecodedPacket } from 'dns-packet'
import { AdminApi } from '../packages/budao/src/drill/admin-api.ts'
import { describeMachine, machineText } from './machine.ts'
import { say, wholeNumber } from './options.ts'
import { allowedCores, usageOf } from './process-tree.ts'
import type { Stage } from './stage.ts'
import { table } from './table.ts'
import { Verdict } from './verdict.ts'

const usage = `npm run bench -- dns [options]

  --seconds N   each load (default 5)
  --changes N   sites taken out and put back, to see how soon answers follow (default 20)
  --json FILE   figures as JSON

Questions by dnsperf, over UDP and TCP, against one process of ours and, the plain names, against PowerDNS with the same zone
in a file. Answers are checked before anything is timed. Queries per CPU second are what one core can answer.
`

/** Queries that one core must answer in a second. */
const RATE_MIN = 20_000
const VISIBLE_MS_MAX = 100
const GROWTH_BYTES_MAX = 24 * 1_048_576

/** What is asked, and how. */
interface LoadPlan {
  readonly name: string
  readonly lines: readonly string[]
  readonly args: readonly string[]
  readonly peer: boolean
}

interface LoadFigures {
  readonly name: string
  readonly completed: number
  readonly lost: number
  readonly perSecond: number
  readonly perCpuSecond: number
  readonly rssBytes: number
}

const mixed = ['api.shop.example A', 'API.shop.example AAAA', 'shop.example TXT', 'none.shop.example A']
const loads: readonly LoadPlan[] = [
  { name: 'plain names', lines: mixed, args: [], peer: true },
  {
    name: 'with EDNS and a client subnet',
    lines: ['near.shop.example A', 'drawn.shop.example A'],
    args: ['-E', '8:000118000a0203'],
    peer: false,
  },
  {
    name: '10 000 names that are not there',
    lines: Array.from({ length: 10_000 }, (_, index) => `n${index}.deep.below.shop.example A`),
    args: ['-e'],
    peer: false,
  },
  { name: 'over TCP', lines: mixed, args: ['-m', 'tcp'], peer: false },
]

export async function run(args: readonly string[], stage: Stage): Promise<0 | 1> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '5' },
      changes: { type: 'string', default: '20' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  const seconds = wholeNumber('seconds', values.seconds, 1, 3_600)
  const changes = wholeNumber('changes', values.changes, 1, 10_000)
  const dnsperf = await findOrInstall('dnsperf')
  if (dnsperf.kind === 'missing') throw new Error(`dnsperf is needed: ${dnsperf.reason}`)
  const machine = describeMachine()
  say(machineText(machine))

  const verdict = new Verdict()
  const [serverCore, loadCore = serverCore] = allowedCores()
  const ours = await startOurs(stage, serverCore)
  const wrong = await checkAnswers(ours.port)
  verdict.expect(wrong.length === 0, 'answers are right', wrong.join('; ') || 'all of them')
  if (wrong.length > 0) return verdict.exitCode

  const load = (server: { process: TestProcess; port: number }, plan: LoadPlan): Promise<LoadFigures> =>
    measure(stage, dnsperf.path, server, plan, seconds, loadCore)
  // Once unseen: code is compiled and tables are filled by it.
  for (const plan of loads) await load(ours, plan)
  const figures: LoadFigures[] = []
  for (const plan of loads) figures.push(await load(ours, plan))
  const again = await load(ours, loads[0]!)
  const peer = await startPeer(stage, serverCore)
  const peerFigures = peer === undefined ? [] : [await load(peer, loads[0]!)]
  if (peer !== undefined) await stage.stop(peer.process)

  say(figuresTable(figures, peerFigures))
  const [plain] = figures
  verdict.expect(
    plain!.perCpuSecond >= RATE_MIN,
    'one core answers enough',
    `${Math.round(plain!.perCpuSecond)} queries per CPU second`,
  )
  const lost = figures.reduce((sum, each) => sum + each.lost, 0)
  verdict.expect(
    lost === 0,
    'no question is lost',
    `${lost} of ${figures.reduce((sum, each) => sum + each.completed, 0)}`,
  )
  const grown = again.rssBytes - plain!.rssBytes
  verdict.expect(
    grown < GROWTH_BYTES_MAX,
    'memory is flat',
    `${mebibytes(plain!.rssBytes)} after the first load, ${mebibytes(again.rssBytes)} after the last`,
  )
  const visible = await changeTimes(ours, changes)
  const worst = Math.max(...visible)
  verdict.expect(
    worst <= VISIBLE_MS_MAX,
    'a change is in the answers',
    `${median(visible).toFixed(1)} ms (median of ${visible.length}), ${worst.toFixed(1)} ms (worst) after its event`,
  )
  if (values.json !== undefined)
    writeFileSync(
      values.json,
      `${JSON.stringify({ machine, figures, peer: peerFigures, visibleMs: visible }, null, 2)}\n`,
    )
  return verdict.exitCode
}

interface Ours {
  readonly process: TestProcess
  readonly port: number
  readonly admin: AdminApi
}

async function startOurs(stage: Stage, core: number | undefined): Promise<Ours> {
  const [port, adminPort] = [await freePort(), await freePort()]
  const folder = join(stage.folder, 'dns')
  mkdirSync(folder)
  const file = join(folder, 'budao.yaml')
  writeFileSync(
    file,
    `version: 1
node: { name: gw-1, site: east }
sites: { east: {}, west: {} }
admin: { address: 127.0.0.1:${adminPort} }
log: { level: error }
listeners: [{ name: web, address: 127.0.0.1:0, protocol: http }]
services:
  shop: { endpoints: [{ address: 127.0.0.1:9, site: east }, { address: 127.0.0.2:9, site: west }] }
routes: [{ name: all, backends: [{ service: shop }] }]
gslb:
  listen: [127.0.0.1:${port}]
  rateLimit: false
  sites:
    east: { addresses: [192.0.2.1, "2001:db8:e::1"], networks: [10.1.0.0/16] }
    west: { addresses: [198.51.100.1, "2001:db8:a::1"], networks: [10.2.0.0/16] }
  zones:
    shop.example:
      nameServers: [ns1.shop.example]
      records: [{ name: "@", type: TXT, value: "v=spf1 -all" }]
      names:
        api: { services: [shop], returnAfter: 0s }
        near: { services: [shop], policy: nearest }
        drawn: { services: [shop], policy: weighted }
`,
  )
  const main = fileURLToPath(new URL('../packages/budao/src/main.ts', import.meta.url))
  const started = stage.startNode('budao', [main, 'up', '-c', file], { core })
  await started.waitForOutput(/serves snapshot/, 60_000)
  return { process: started, port, admin: new AdminApi(`http://127.0.0.1:${adminPort}`) }
}

/** The same zone from a file; undefined where it cannot be had. */
async function startPeer(
  stage: Stage,
  core: number | undefined,
): Promise<{ process: TestProcess; port: number } | undefined> {
  const found = await findOrInstall('pdns-server', 'pdns_server')
  const backend = await findOrInstall('pdns-backend-bind', '/usr/lib/*/pdns/libbindbackend.so')
  if (found.kind === 'missing' || backend.kind === 'missing') return undefined
  const port = await freePort()
  const folder = join(stage.folder, 'pdns')
  mkdirSync(folder)
  writeFileSync(
    join(folder, 'shop.zone'),
    `$ORIGIN shop.example.
$TTL 30
@ IN SOA ns1 hostmaster 1 86400 7200 3600000 60
@ IN NS ns1
@ IN TXT "v=spf1 -all"
api IN A 192.0.2.1
api IN AAAA 2001:db8:e::1
`,
  )
  writeFileSync(
    join(folder, 'named.conf'),
    `zone "shop.example" { type master; file "${join(folder, 'shop.zone')}"; };\n`,
  )
  writeFileSync(
    join(folder, 'pdns.conf'),
    `launch=bind
bind-config=${join(folder, 'named.conf')}
local-address=127.0.0.1
local-port=${port}
socket-dir=${folder}
setuid=
setgid=
daemon=no
guardian=no
security-poll-suffix=
receiver-threads=1
`,
  )
  const started = stage.start('pdns', found.path, [`--config-dir=${folder}`], { core })
  const asking = await ask(port)
  try {
    for (let tries = 0; tries < 100; tries++) {
      const answer = await asking.question('api.shop.example', 'A').catch(() => undefined)
      if (answer !== undefined && dataOf(answer) === '192.0.2.1') return { process: started, port }
    }
  } finally {
    asking.socket.close()
  }
  return undefined
}

async function measure(
  stage: Stage,
  dnsperf: string,
  server: { readonly process: TestProcess; readonly port: number },
  { name, lines, args }: LoadPlan,
  seconds: number,
  core: number | undefined,
): Promise<LoadFigures> {
  const file = join(stage.folder, 'questions.txt')
  writeFileSync(file, `${lines.join('\n')}\n`)
  const before = usageOf(server.process.pid)
  const generator = stage.start(
    'dnsperf',
    dnsperf,
    [
      '-s',
      '127.0.0.1',
      '-p',
      String(server.port),
      '-d',
      file,
      '-l',
      String(seconds),
      '-c',
      '8',
      '-q',
      '200',
      ...args,
    ],
    { core },
  )
  await generator.exited()
  const after = usageOf(server.process.pid)
  const figure = (pattern: RegExp): number => Number(pattern.exec(generator.output)?.[1] ?? NaN)
  const completed = figure(/Queries completed:\s+(\d+)/)
  if (!(completed > 0)) throw new Error(`dnsperf measured nothing:\n${generator.output}`)
  return {
    name,
    completed,
    lost: figure(/Queries lost:\s+(\d+)/),
    perSecond: figure(/Queries per second:\s+([\d.]+)/),
    perCpuSecond: completed / ((after.cpuMicros - before.cpuMicros) / 1e6),
    rssBytes: after.rssBytes,
  }
}

function figuresTable(figures: readonly LoadFigures[], peers: readonly LoadFigures[]): string {
  const row = (
    who: string,
    { name, completed, perSecond, perCpuSecond, rssBytes }: LoadFigures,
  ): string[] => [
    who,
    name,
    String(completed),
    String(Math.round(perSecond)),
    String(Math.round(perCpuSecond)),
    mebibytes(rssBytes),
  ]
  return table(
    ['server', 'load', 'answered', 'per second', 'per CPU second', 'RSS'],
    [...figures.map((each) => row('budao', each)), ...peers.map((each) => row('PowerDNS', each))],
  )
}

/** What is wrong with the answers; empty when nothing is. */
async function checkAnswers(port: number): Promise<string[]> {
  const asking = await ask(port)
  const subnet = (third: number): Answer =>
    ({
      type: 'OPT',
      name: '.',
      udpPayloadSize: 1_232,
      extendedRcode: 0,
      ednsVersion: 0,
      flags: 0,
      flag_do: false,
      options: [{ code: 8, data: Buffer.from([0, 1, 24, 0, 10, third, 3]) }],
    }) as never
  const expected: readonly [name: string, type: string, answer: string, additionals?: Answer[]][] = [
    ['api.shop.example', 'A', '192.0.2.1'],
    ['API.shop.example', 'AAAA', '2001:db8:e::1'],
    ['shop.example', 'TXT', 'v=spf1 -all'],
    ['none.shop.example', 'A', 'NXDOMAIN'],
    ['near.shop.example', 'A', '192.0.2.1', [subnet(1)]],
    ['near.shop.example', 'A', '198.51.100.1', [subnet(2)]],
  ]
  const wrong: string[] = []
  for (const [name, type, wanted, additionals = []] of expected) {
    const found = dataOf(await asking.question(name, type, additionals))
    if (found !== wanted) wrong.push(`${name} ${type}: expected ${wanted}, got ${found}`)
  }
  asking.socket.close()
  return wrong
}

function dataOf(answer: DecodedPacket): string {
  const [first] = answer.answers ?? []
  if (first === undefined) return (answer as { rcode?: string }).rcode ?? ''
  switch (first.type) {
    case 'A':
    case 'AAAA':
      return first.data
    case 'TXT':
      return [first.data].flat().join('')
    default:
      return first.type
  }
}

/** Milliseconds from a site's event to the first answer without it, and from its end to the first with it. */
async function changeTimes({ port, admin }: Ours, changes: number): Promise<number[]> {
  const asking = await ask(port)
  const times: number[] = []
  for (let change = 0; change < changes; change++) {
    const seq = await admin.lastSeq()
    const undo = change % 2 === 1
    const wanted = undo ? '192.0.2.1' : '198.51.100.1'
    const changing = admin.drain({ site: 'east', reason: 'bench', ...(undo ? { undo: true } : {}) })
    while (dataOf(await asking.question('api.shop.example', 'A')) !== wanted) await new Promise(setImmediate)
    const seenAt = Date.now()
    await changing
    const event = (await admin.eventsAfter(seq)).find(
      ({ kind }) => kind === (undo ? 'drain.ended' : 'drain.started'),
    )
    times.push(seenAt - Date.parse(event!.at))
  }
  asking.socket.close()
  return times
}

/** Asks over UDP, one question after the other. */
async function ask(port: number): Promise<{
  readonly socket: Socket
  question(name: string, type: string, additionals?: Answer[]): Promise<DecodedPacket>
}> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    socket,
    async question(name, type, additionals = []) {
      const id = Math.floor(Math.random() * 65_536)
      const questions = [{ name, type: type as 'A', class: 'IN' as const }]
      socket.send(packet.encode({ type: 'query', id, questions, additionals }), port, '127.0.0.1')
      const [message] = (await once(socket, 'message', { signal: AbortSignal.timeout(1_000) })) as [Buffer]
      return packet.decode(message)
    },
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1_048_576)} MiB`
}
