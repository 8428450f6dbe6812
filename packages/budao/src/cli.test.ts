import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { createProgram } from './cli.ts'
import { version } from './version.ts'

const main = fileURLToPath(new URL('./main.ts', import.meta.url))

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs `budao` as a process of its own in an empty folder, or the one given. */
async function budao(t: TestContext, args: readonly string[], folder?: string): Promise<Ran> {
  const cwd = folder ?? (await emptyFolder(t))
  return new Promise((resolve) => {
    execFile(process.execPath, ['--conditions=@budao/source', main, ...args], { cwd }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err })
    })
  })
}

async function emptyFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'budao-cli-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}

async function folderWith(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await emptyFolder(t)
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return folder
}

const good = `version: 1
node: { name: gw-1, site: east }
sites: { east: {} }
listeners: [{ name: web, address: 0.0.0.0:8080, protocol: http }]
services: { shop: { endpoints: [{ address: 127.0.0.1:7001, site: east }], objectives: { rto: 5s } } }
routes: [{ name: all, backends: [{ service: shop }] }]
`
const bad = good.replace('version: 1', 'version: 2\ndrain: 5')

test('--version prints the version alone', async (t) => {
  assert.deepEqual(await budao(t, ['--version']), { code: 0, out: `${version()}\n`, err: '' })
})

const nginxConf = `upstream shop { server 127.0.0.1:7001; }
server { listen 127.0.0.1:8080;
  location / { proxy_pass http://shop; }
  location /admin/ { proxy_pass http://shop; auth_basic x; }
}
`

test('import prints a configuration that check accepts, and tells on standard error what is lost', async (t) => {
  const folder = await folderWith(t, { 'nginx.conf': nginxConf })
  const printed = await budao(t, ['import', 'nginx', 'nginx.conf'], folder)
  assert.equal(printed.code, 0)
  assert.match(printed.err, /^nginx.conf:4: lost: auth_basic x: .*403$/m)
  assert.match(printed.err, /^1 lost, 0 changed, 0 as it is anyway$/m)
  await writeFile(join(folder, 'budao.yaml'), printed.out)
  assert.equal((await budao(t, ['check'], folder)).code, 0)

  const strict = await budao(
    t,
    ['import', 'auto', 'nginx.conf', '--strict', '--json', '-o', 'out.yaml'],
    folder,
  )
  assert.equal(strict.code, 1)
  const told = JSON.parse(strict.out) as {
    kind: string
    lost: number
    notes: { line: number; kind: string }[]
  }
  assert.deepEqual([told.kind, told.lost], ['nginx', 1])
  assert.ok(told.notes.some(({ line, kind }) => line === 4 && kind === 'lost'))
  assert.equal((await budao(t, ['check', '-c', 'out.yaml'], folder)).code, 0)
})

test('check reads a file of another program beside the configuration, and says where it is broken', async (t) => {
  const rest = good.replace(/^routes.*\n/m, '').replace(/^services.*\n/m, '')
  const folder = await folderWith(t, { 'budao.yaml': rest, 'nginx.conf': nginxConf, 'bad.conf': 'server {' })
  const fine = await budao(t, ['check', '-f', 'nginx:nginx.conf'], folder)
  assert.equal(fine.code, 0, fine.out)
  assert.match(fine.out, /service +shop +1 endpoint/)
  assert.match(fine.out, /nginx.conf:4: lost/)
  const broken = await budao(t, ['check', '-f', 'nginx:bad.conf'], folder)
  assert.equal(broken.code, 1)
  assert.match(broken.out, /bad.conf:1: expected a directive or "}", got the end of the file/)
})

test('check reads the files of rules: each problem with its line and column', async (t) => {
  const folder = await folderWith(t, {
    'budao.yaml': `${good}alerts:
  rules: [good.json, bad.yaml, gone.json]
  receivers: { ops: { webhook: { url: "http://127.0.0.1:9/" } } }
  inhibit: [{ source: ["severity>P1"], target: ["severity=P2"] }]
`,
    'good.json':
      '{"alert_name": "errors", "condition": "count(log.level:error) > 100 in 5m", "notify": ["ops"], "severity": "P1"}',
    'bad.yaml': `- alert_name: errors
  condition: count(log.level:error) > 100 in 5m
- alert_name: slow
  condition: p99(duration_ms) >> 5 in 5m
  notify: [opps, dev@example.com]
- { alert_name: BudaoFailover, condition: "rate(*) > 2 in 1m" }
`,
  })
  const { code, out } = await budao(t, ['check'], folder)
  assert.equal(code, 1)
  const wanted = [
    /^budao\.yaml:8:\d+ {2}alerts\.rules\[2\]: no such file: found "gone\.json"$/m,
    /^bad\.yaml:1:15 {2}\[0\]\.alert_name: given twice, first in good\.json: expected another name, found "errors"$/m,
    /^bad\.yaml:4:32 {2}\[1\]\.condition: bad condition: expected a number, found `>`/m,
    /^bad\.yaml:5:12 {2}\[1\]\.notify\[0\]: unknown receiver.*did you mean `ops`\?/m,
    /^bad\.yaml:5:18 {2}\[1\]\.notify\[1\]: no mail server: expected `alerts\.smtp` in the configuration, found "dev@example\.com"$/m,
    /^budao\.yaml:10:\d+ {2}alerts\.inhibit\[0\]\.source\[0\]: .*expected =, !=, =~ or !~/m,
  ]
  for (const each of wanted) assert.match(out, each)
  await writeFile(join(folder, 'bad.yaml'), '{ alert_name: BudaoFailover, condition: "rate(*) > 2 in 1m" }\n')
  const again = await budao(t, ['check', '--json'], folder)
  const { problems } = JSON.parse(again.out) as { problems: { file: string; message: string }[] }
  assert.deepEqual(
    problems.filter(({ file }) => file === 'bad.yaml').map(({ message }) => message),
    ['given twice, first by Budao'],
  )
})

test('wrong usage exits 2 and says what is wrong on standard error', async (t) => {
  const table: [args: string[], says: RegExp][] = [
    [[], /Usage: budao/],
    [['chekc'], /unknown command 'chekc'[^]*did you mean check/i],
    [['check', '--fast'], /unknown option '--fast'/],
    [['check', '-c'], /argument missing/],
    [['import', 'apache', 'x'], /unknown kind: expected auto, nginx/],
    [['import', 'nginx', 'none.conf'], /cannot read none.conf: no such file/],
    [['check', 'budao.yaml'], /too many arguments/],
    [['check'], /no budao\.yaml in this folder/],
    [['check', '-c', 'other.yaml'], /cannot read other\.yaml: no such file/],
    [['check', '-c', '.'], /cannot read \.: is a folder/],
  ]
  for (const [args, says] of table) {
    const ran = await budao(t, args)
    assert.equal(ran.code, 2, args.join(' '))
    assert.match(ran.err, says)
    assert.equal(ran.out, '')
  }
})

test('check finds ./budao.yaml, prints warnings and a summary, and exits 0', async (t) => {
  const ran = await budao(t, ['check'], await folderWith(t, { 'budao.yaml': good }))
  assert.equal(ran.code, 0)
  assert.equal(
    ran.out,
    `budao.yaml:5:75  services.shop.objectives: read and checked, and acted on by nobody without \`control\`
budao.yaml: fine, 1 warning

KIND      NAME  IS
node      gw-1  at site east
site      east  1 endpoint
listener  web   http://0.0.0.0:8080
service   shop  1 endpoint, multi-active, least-request
route     all   * → shop

At the latest after a fault, where a round trip takes less than 50 ms:
SERVICE  DETECTION    SITE IS       SUSPECT  DOWN     ELSEWHERE
shop     accelerated  process gone  50 ms    300 ms   –
shop     accelerated  silent        1462 ms  2212 ms  –
shop     accelerated  errors        1000 ms  1750 ms  –
`,
  )
})

test('check prints every problem and exits 1', async (t) => {
  const ran = await budao(t, ['check', '-c', 'mine.yaml'], await folderWith(t, { 'mine.yaml': bad }))
  assert.equal(ran.code, 1)
  assert.equal(
    ran.out,
    `mine.yaml:1:10  version: bad value: expected 1, found 2
mine.yaml:2:8  drain: bad value: expected a duration such as 500ms, 3s or 5m, found 5 (give a unit, such as 5s)
mine.yaml: 2 problems
`,
  )
})

test('check says which files are missing, relative to the configuration', async (t) => {
  const tls = 'protocol: https, tls: { cert: site.crt, key: site.key }'
  const folder = await folderWith(t, { 'budao.yaml': good.replace('protocol: http', tls), 'site.crt': '' })
  const ran = await budao(t, ['check', '-c', join(folder, 'budao.yaml')])
  assert.equal(ran.code, 1)
  assert.match(ran.out, /budao\.yaml:4:\d+ {2}listeners\[0\]\.tls\.key: no such file: found "site\.key"\n/)
  assert.doesNotMatch(ran.out, /site\.crt/)
})

test('check --json prints the same for programs', async (t) => {
  const fine = await budao(t, ['check', '--json'], await folderWith(t, { 'budao.yaml': good }))
  assert.equal(fine.code, 0)
  const { ok, problems, warnings, summary } = JSON.parse(fine.out)
  assert.deepEqual([ok, problems.length, warnings.length, summary.sites], [true, 0, 1, ['east']])
  assert.deepEqual(
    summary.worstCases[0].faults.map(({ fault }: { fault: string }) => fault),
    ['process-gone', 'silent', 'errors'],
  )

  const broken = await budao(t, ['check', '--json'], await folderWith(t, { 'budao.yaml': bad }))
  assert.equal(broken.code, 1)
  assert.deepEqual(JSON.parse(broken.out).problems[0], {
    file: 'budao.yaml',
    line: 1,
    column: 10,
    path: 'version',
    message: 'bad value',
    expected: '1',
    found: '2',
  })
})

test('every verb has --help with an example, and --json', async () => {
  const leaves = (verb: Command): Command[] =>
    verb.commands.length === 0 ? [verb] : verb.commands.flatMap(leaves)
  const verbs = leaves(await createProgram())
  assert.ok(verbs.length > 0)
  for (const verb of verbs) {
    let help = ''
    verb.configureOutput({ writeOut: (text) => (help += text) }).outputHelp()
    assert.match(help, /\nExamples?:\n {2}\$ budao /, verb.name())
    assert.match(help, / --json /, verb.name())
    assert.ok(verb.description() !== '', verb.name())
  }
})

test('a gateway without listeners is refused, with what to do', async (t) => {
  const folder = await folderWith(t, {
    'budao.yaml': `version: 1
node: { name: gw, site: east }
sites: { east: {} }
control: { address: 127.0.0.1:19941, token: { env: TOKEN }, store: { type: sqlite, path: c.db }, peers: {} }
services: { shop: { endpoints: [{ address: 127.0.0.1:1, site: east }] } }
`,
  })
  const { code, err } = await budao(t, ['gateway'], folder)
  assert.equal(code, 1)
  assert.match(err, /budao\.yaml has no `listeners`: .+ run budao controller -c budao\.yaml/)
})
