import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  freePort,
  ProxyProbe,
  RecordingBackend,
  requestCases,
  responseCases,
  type RequestOutcome,
  type ResponseOutcome,
} from '@budao/testkit'
import { gatewayConfig, gatewayLaunch, writeConfig } from './budao.ts'
import { findServer, type Launch } from './contenders/contender.ts'
import { commit } from './machine.ts'
import { nginxBase } from './nginx-backends.ts'
import { say } from './options.ts'
import type { Stage } from './stage.ts'
import { table } from './table.ts'

const usage = `npm run bench -- strictness [--json FILE]

Sends the corpus of ${requestCases.length} requests and ${responseCases.length} answers through Budao, nginx and HAProxy, each as it is by default,
and says what each made of them. Exit code 1 when ours forwards a request that is ambiguous or invalid, refuses a
plain one, or passes on a broken answer.`

/** A proxy in front of one backend, without checks, retries or ejection: what it forwards, it forwards for the case. */
interface Proxy {
  readonly name: string
  readonly version: string
  launch(folder: string, port: number, adminPort: number, backend: string): Launch
}

interface Record extends Pick<Proxy, 'name' | 'version'> {
  readonly requests: readonly RequestOutcome[]
  readonly responses: readonly ResponseOutcome[]
}

export async function run(args: readonly string[], stage: Stage): Promise<0 | 1> {
  const { values } = parseArgs({
    args: [...args],
    options: { json: { type: 'string' }, help: { type: 'boolean', default: false } },
  })
  if (values.help) {
    say(usage)
    return 0
  }
  const records: Record[] = []
  for (const proxy of await proxies()) records.push(await tryCorpus(proxy, stage))
  print(records)
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify({ requestCases, responseCases, records }, null, 2)}\n`)
    say(`written to ${values.json}`)
  }
  const [ours] = records
  return Object.values(counts(ours!)).every(({ wrong }) => wrong === 0) ? 0 : 1
}

async function proxies(): Promise<Proxy[]> {
  const found: Proxy[] = [{ name: 'budao', version: commit(), launch: launchBudao }]
  for (const [name, flag, launch] of [
    ['nginx', '-v', launchNginx],
    ['haproxy', '-v', launchHaproxy],
  ] as const) {
    const server = await findServer(name, flag)
    if (server.kind === 'missing') say(`${name} is skipped: ${server.reason}`)
    else found.push({ name, version: server.version, launch: launch(server.program) })
  }
  return found
}

const launchBudao: Proxy['launch'] = (folder, port, adminPort, backend) => {
  const file = join(folder, 'budao.yaml')
  const service = { healthCheck: undefined, outlier: false, breaker: false, retry: { attempts: 0 } }
  writeConfig(
    file,
    gatewayConfig({ port, adminPort, endpoints: [{ address: backend, site: 'east' }], service }),
  )
  return gatewayLaunch(file, 'source')
}

function launchNginx(program: string): Proxy['launch'] {
  return (folder, port, _adminPort, backend) => {
    const file = join(folder, 'nginx.conf')
    writeFileSync(
      file,
      `${nginxBase(folder)}
  upstream shop { server ${backend} max_fails=0; keepalive 16; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://shop;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_next_upstream off;
    }
  }
}
`,
    )
    return { command: program, args: ['-e', 'stderr', '-p', folder, '-c', file] }
  }
}

function launchHaproxy(program: string): Proxy['launch'] {
  return (folder, port, _adminPort, backend) => {
    const file = join(folder, 'haproxy.cfg')
    writeFileSync(
      file,
      `global
  nbthread 1
defaults
  mode http
  retries 0
  timeout connect 1s
  timeout client 30s
  timeout server 30s
frontend web
  bind 127.0.0.1:${port}
  default_backend shop
backend shop
  http-reuse always
  server a ${backend}
`,
    )
    return { command: program, args: ['-db', '-f', file] }
  }
}

async function tryCorpus(proxy: Proxy, stage: Stage): Promise<Record> {
  await using backend = await RecordingBackend.start()
  const folder = join(stage.folder, proxy.name)
  mkdirSync(folder)
  const [port, adminPort] = [await freePort(), await freePort()]
  const { command, args } = proxy.launch(folder, port, adminPort, backend.address)
  const started = stage.start(proxy.name, command, args)
  await started.waitForPort(port)
  const probe = new ProxyProbe(port, backend)
  const requests: RequestOutcome[] = []
  for (const each of requestCases) requests.push(await probe.request(each))
  const responses: ResponseOutcome[] = []
  for (const each of responseCases) {
    responses.push(await probe.response(each))
    // A connection that is still open would get the next case's bytes.
    await probe.next()
  }
  await stage.stop(started)
  return { name: proxy.name, version: proxy.version, requests, responses }
}

/** How many cases of each kind came out otherwise than the corpus asks. */
function counts({ requests, responses }: Record): { [kind: string]: { wrong: number; of: number } } {
  const of = (verdict: string) => requestCases.filter((each) => each.verdict === verdict).length
  const wrongRequests = (verdict: string) =>
    requestCases.filter((each, i) => each.verdict === verdict && isWrongRequest(verdict, requests[i]!)).length
  const broken = responseCases.map(({ verdict }) => verdict === 'broken')
  return {
    'ambiguous requests forwarded': { wrong: wrongRequests('ambiguous'), of: of('ambiguous') },
    'invalid requests forwarded': { wrong: wrongRequests('invalid'), of: of('invalid') },
    'plain requests not forwarded': { wrong: wrongRequests('forward'), of: of('forward') },
    'broken answers passed on': {
      wrong: responses.filter(({ kind }, i) => broken[i] && (kind === 'passed' || kind === 'silent')).length,
      of: broken.filter(Boolean).length,
    },
    'plain answers not passed on': {
      wrong: responses.filter(({ kind, body }, i) => {
        const { verdict, body: expected } = responseCases[i]!
        return verdict === 'forward' && (kind !== 'passed' || body !== expected)
      }).length,
      of: broken.filter((each) => !each).length,
    },
  }
}

function isWrongRequest(verdict: string, { forwarded, requests, status }: RequestOutcome): boolean {
  return verdict === 'forward' ? requests !== 1 || status !== 200 : forwarded
}

function print(records: readonly Record[]): void {
  const names = records.map(({ name, version }) => `${name} ${version}`)
  const all = records.map(counts)
  say(
    table(
      ['came out wrong', 'of', ...names],
      Object.keys(all[0]!).map((kind) => [
        kind,
        String(all[0]![kind]!.of),
        ...all.map((each) => String(each[kind]!.wrong)),
      ]),
    ),
  )
  const rows = [
    ...requestCases.map(({ name, verdict }, i) => [
      `request, ${verdict}: ${name}`,
      ...records.map(({ requests }) => requestWord(requests[i]!)),
    ]),
    ...responseCases.map(({ name, verdict }, i) => [
      `answer, ${verdict}: ${name}`,
      ...records.map(({ responses }) => responses[i]!.kind),
    ]),
  ].filter(([, ...words]) => new Set(words.map((word) => word!.replace(/ \d+$/, ''))).size > 1)
  say(`\n${table(['where they differ', ...names], rows)}`)
}

function requestWord({ forwarded, status }: RequestOutcome): string {
  return `${forwarded ? 'forwarded' : 'refused'} ${status ?? '–'}`
}
