import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import { bytesMax, type Channel, Channels, channels, type Handed } from './alerts/channels.ts'
import { type Form, mainFile, writeConfig } from './budao.ts'
import { distributionOf, distributionText } from './failover/distribution.ts'
import { describeMachine, machineText } from './machine.ts'
import { wholeNumber } from './options.ts'
import type { Stage } from './stage.ts'
import { table } from './table.ts'

const usage = `npm run bench -- alerts [options]

  --runs N       bursts, each an alert of its own (default 30)
  --alerts N     of the flood, all of one rule (default 5000)
  --built        Budao as it is installed (npm run build first), not from source
  --json [FILE]  figures for programs; without FILE on standard output, and nothing else there

A real \`budao up\` tails a file. Bursts: from the write of the line that makes a condition true until a webhook and a mail server have the whole message.
Flood: that many alerts at once, and what each of six channels is handed. Exit code 1 when a burst is not told within 2 s, when
a channel is handed more than one message of the flood, or one above its size.
`

const wantedMs = 2_000
const waitMsMax = 60_000
/** After the first message of a flood: whatever else would be sent has been by then. */
const quietMs = 15_000
const errorsOfABurst = 101

interface Flood {
  readonly channel: Channel
  readonly messages: number
  readonly bytes: number
  readonly afterMs: number
}

export async function run(args: readonly string[], stage: Stage): Promise<0 | 1> {
  const { values } = parseArgs({
    args: args.flatMap((each, index) =>
      each === '--json' && (args[index + 1] ?? '--').startsWith('--') ? ['--json', '-'] : [each],
    ),
    options: {
      runs: { type: 'string', default: '30' },
      alerts: { type: 'string', default: '5000' },
      built: { type: 'boolean', default: false },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  const runs = wholeNumber('runs', values.runs, 1, 1_000)
  const count = wholeNumber('alerts', values.alerts, 1, 10_000)
  const say = (line: string): void =>
    void (values.json === '-' ? process.stderr : process.stdout).write(`${line}\n`)
  const machine = describeMachine()
  say(machineText(machine))
  const form = values.built ? 'built' : 'source'

  const soon = await bursts(stage, form, runs)
  const rows = (['webhook', 'email'] as const).map((channel) => {
    return { channel, ...distributionOf(soon.map((each) => each[channel]))! }
  })
  say(
    table(
      ['condition true to message handed over', 'n', 'p50 / p90 / p99 / max ms'],
      rows.map((row) => [row.channel, String(row.n), distributionText(row)]),
    ),
  )
  const floods = await flood(stage, form, count)
  say(
    table(
      [`${count} alerts at once`, 'messages', 'bytes', 'of at most', 'after ms'],
      floods.map(({ channel, messages, bytes, afterMs }) => [
        channel,
        String(messages),
        String(bytes),
        Number.isFinite(bytesMax[channel]) ? String(bytesMax[channel]) : '–',
        afterMs.toFixed(0),
      ]),
    ),
  )
  const figures = { machine, form, bursts: rows, floods }
  if (values.json === '-') process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`)
  else if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`)
  const well =
    rows.every(({ max }) => max <= wantedMs) &&
    floods.every(({ messages, bytes, channel }) => messages === 1 && bytes <= bytesMax[channel])
  return well ? 0 : 1
}

/** For each burst the milliseconds until each channel had its message. */
async function bursts(
  stage: Stage,
  form: Form,
  runs: number,
): Promise<{ readonly webhook: number; readonly email: number }[]> {
  await using taken = new Channels()
  const log = await collector(stage, form, taken, {
    name: 'bursts',
    condition: `count(log.level:error) > ${errorsOfABurst - 1} in 5m by service`,
    notify: ['webhook', 'email'],
    groupBy: ['alertname', 'service'],
  })
  const told: { readonly webhook: number; readonly email: number }[] = []
  for (let index = 0; index < runs; index++) {
    const service = `burst-${index}`
    const lines = errorLines(errorsOfABurst, () => ({ service }))
    // Bursts come at no particular moment of the turns of whoever judges.
    await sleep(200 + ((index * 97) % 250))
    const from = performance.now()
    appendFileSync(log, lines)
    const mine = (channel: Channel): Handed | undefined =>
      taken.handed.find((each) => each.channel === channel && each.text.includes(service) && each.at > from)
    const [webhook, email] = await Promise.all([
      arrival(`the message of ${service} by webhook`, () => mine('webhook')),
      arrival(`the mail of ${service}`, () => mine('email')),
    ])
    told.push({ webhook: webhook.at - from, email: email.at - from })
  }
  return told
}

async function flood(stage: Stage, form: Form, count: number): Promise<Flood[]> {
  await using taken = new Channels()
  const log = await collector(stage, form, taken, {
    name: 'flood',
    condition: 'count(log.level:error) > 0 in 5m by user',
    notify: channels,
    groupBy: ['alertname'],
  })
  const lines = errorLines(count, (index) => ({ service: 'shop', user: `u${index}` }))
  const from = performance.now()
  appendFileSync(log, lines)
  await Promise.all(
    channels.map((channel) =>
      arrival(`a message by ${channel}`, () => taken.handed.find((each) => each.channel === channel)),
    ),
  )
  await sleep(quietMs)
  return channels.map((channel): Flood => {
    const all = taken.handed.filter((each) => each.channel === channel)
    return {
      channel,
      messages: all.length,
      bytes: Math.max(...all.map(({ bytes }) => bytes)),
      afterMs: all[0]!.at - from,
    }
  })
}

/** A process that reads a file and judges one rule over it. Resolves to the file's path once a first line of it is in the store. */
async function collector(
  stage: Stage,
  form: Form,
  taken: Channels,
  rule: {
    readonly name: string
    readonly condition: string
    readonly notify: readonly string[]
    readonly groupBy: readonly string[]
  },
): Promise<string> {
  const folder = join(stage.folder, rule.name)
  mkdirSync(folder, { recursive: true })
  const log = join(folder, 'app.log')
  writeFileSync(log, '')
  const { name, condition, notify } = rule
  writeConfig(join(folder, 'rules.json'), { alert_name: name, condition, notify, severity: 'P1' })
  const file = join(folder, 'budao.yaml')
  writeConfig(file, {
    version: 1,
    node: { name: 'gw-1', site: 'east' },
    sites: { east: {} },
    admin: { address: '127.0.0.1:0' },
    listeners: [{ name: 'web', address: '127.0.0.1:0', protocol: 'http' }],
    routes: [{ name: 'all', match: [{ path: { prefix: '/' } }], respond: { status: 200 } }],
    logs: { files: [{ paths: [log], parser: 'json' }] },
    alerts: { builtIn: false, rules: ['rules.json'], group: { by: rule.groupBy }, ...(await taken.listen()) },
  })
  const up = stage.startNode(`budao up (${name})`, [mainFile(form), 'up', '-c', file])
  await up.waitForOutput(/serves snapshot/, 60_000)
  return log
}

function errorLines(count: number, fields: (index: number) => object): string {
  const lines = Array.from({ length: count }, (_, index) =>
    JSON.stringify({
      '@timestamp': new Date().toISOString(),
      'log.level': 'error',
      message: 'payment refused',
      ...fields(index),
    }),
  )
  return `${lines.join('\n')}\n`
}

async function arrival(what: string, find: () => Handed | undefined): Promise<Handed> {
  const end = performance.now() + waitMsMax
  for (;;) {
    const found = find()
    if (found !== undefined) return found
    if (performance.now() > end) throw new Error(`not within ${waitMsMax / 1000} s: ${what}`)
    await sleep(5)
  }
}
